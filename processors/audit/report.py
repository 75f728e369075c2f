"""What an audit says."""

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

from msgspec import to_builtins

_PLURALS: Final = {
    "lead": "leads",
    "sale": "sales",
    "customer": "customers",
    "lead revision": "lead revisions",
    "click": "clicks",
    "click by id": "clicks by id",
}


class Wrong(StrEnum):
    """A difference. The docstrings of the members are the user documentation."""

    MISSING_IN_TOPIC = "missing in topic"
    """The events make it, and it was never published."""
    UNEXPECTED_IN_TOPIC = "unexpected in topic"
    """It was published, and no events make it."""
    DIFFERS_IN_TOPIC = "differs in topic"
    """Its newest revision is not what the events make."""
    REVISION_TWICE = "revision twice"
    """A reader of committed records sees a revision twice."""
    REVISION_MISSING = "revision missing"
    """Its revisions are not numbered 1, 2, 3…"""
    UNREADABLE_IN_TOPIC = "unreadable in topic"
    """A record of a result topic that is no result."""
    MISSING_IN_CLICKHOUSE = "missing in ClickHouse"
    """It was published (of a click: an event makes it), and is not there."""
    UNEXPECTED_IN_CLICKHOUSE = "unexpected in ClickHouse"
    """It is there, and was never published (of a click: no event makes it), or its customer was erased."""
    DIFFERS_IN_CLICKHOUSE = "differs in ClickHouse"
    """There is something else than its newest revision (of a click: than the event that counts)."""
    TWICE_IN_CLICKHOUSE = "twice in ClickHouse"
    """It is there more than once."""
    NOT_REPLAYED = "not replayed"
    """The live system has published it, and the replay has not."""
    ONLY_REPLAYED = "only replayed"
    """The replay has published it, and the live system has not."""
    REPLAYED_DIFFERENTLY = "replayed differently"
    """The newest revision of the replay is not that of the live system."""


class Apart(StrEnum):
    """Why a result could not be judged. The docstrings of the members are the user documentation."""

    BEYOND_INPUT = "beyond the input"
    """Retention has removed events or records that it may rest on."""
    CONTESTED = "contested"
    """It is not what the model says, and the order of arrival may show about its customer (docs/rules.md).
    Of a click: its id was used again when the workers had forgotten it."""
    HOLD = "decided by the hold"
    """Something came about a hold later than what waited for it: which was first, only the worker knows."""
    UNSETTLED = "not settled"
    """Events of this customer, or of this click, are not processed yet, or came while the audit read."""
    ERASED = "erased"
    """Its customer was erased after it was published."""
    NOT_STORED_YET = "not stored yet"
    """The sink has not come to it."""


class Change(NamedTuple):
    """A field, what it should be and what it is."""

    field: str
    expected: object
    found: object

    def __str__(self) -> str:
        expected, found = to_builtins((self.expected, self.found))
        return f"{self.field} is {found!r}, should be {expected!r}"

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        shown: dict[str, object] = to_builtins(self._asdict())
        return shown


@dataclass(frozen=True)
class Difference:
    """One thing that is not as it should be. ``changes``: the fields that differ; ``detail``: in words."""

    wrong: Wrong
    kind: str
    identity: str
    workspace: str
    customer: str
    changes: tuple[Change, ...] = ()
    detail: str = ""

    def __str__(self) -> str:
        what = "; ".join(map(str, self.changes)) or self.detail
        of = f" of {_whose(self.workspace, self.customer)}" if self.workspace else ""
        return f"{self.wrong}: {self.kind} {self.identity}{of}" + (f": {what}" if what else "")

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "wrong": self.wrong,
            "kind": self.kind,
            "id": self.identity,
            "workspaceId": self.workspace,
            "customerExternalId": self.customer,
            "changes": [one.as_dict() for one in self.changes],
            "detail": self.detail,
        }


@dataclass(frozen=True)
class LeftOut:
    """A result that is listed apart, because nothing certain can be said of it."""

    why: Apart
    kind: str
    identity: str
    workspace: str
    customer: str

    def __str__(self) -> str:
        return f"apart, {self.why}: {self.kind} {self.identity} of {_whose(self.workspace, self.customer)}"

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "why": self.why,
            "kind": self.kind,
            "id": self.identity,
            "workspaceId": self.workspace,
            "customerExternalId": self.customer,
        }


Verdict = Difference | LeftOut


def _whose(workspace: str, customer: str) -> str:
    """A click is nobody's."""
    return f"{workspace}:{customer}" if customer else workspace


@dataclass
class Counts:
    """Of one kind of result, each of which is ``agreeing`` (everywhere where it should be, as it should be),
    ``differing`` or ``apart``.

    So none of the other numbers is greater than the sum of these three, or less than ``agreeing``.
    ``in_topic`` None: it is in no topic of results of its own.
    """

    expected: int = 0
    in_topic: int | None = 0
    in_clickhouse: int = 0
    agreeing: int = 0
    differing: int = 0
    apart: int = 0

    def add(
        self, verdicts: Collection[Verdict], *, expected: bool, stored: bool, published: bool | None = None
    ) -> None:
        """One more, with all that is to be said of it. ``published`` None: it is in no topic of its own."""
        self.expected += expected
        self.in_clickhouse += stored
        if published is not None:
            self.in_topic = (self.in_topic or 0) + published
        if any(isinstance(one, Difference) for one in verdicts):
            self.differing += 1
        elif verdicts:
            self.apart += 1
        else:
            # What is nowhere, as it should be, is no result: an erased customer, a lead given up in time.
            self.agreeing += expected if published is None else published

    def judged(self) -> str:
        """For people."""
        others = {"apart": self.apart, "differ": self.differing}
        return ", ".join([f"{self.agreeing:,} agree", *(f"{n:,} {what}" for what, n in others.items() if n)])


@dataclass
class Summary:
    """Everything but the single differences.

    ``contested``: customers, whether or not anything of theirs differs. ``clickhouse``: it was looked at.
    """

    clickhouse: bool = True
    events: int = 0
    refused: int = 0
    unprocessed: int = 0
    contested: int = 0
    kinds: dict[str, Counts] = field(default_factory=dict)
    differences: Counter[tuple[str, Wrong]] = field(default_factory=Counter)
    apart: Counter[tuple[str, Apart]] = field(default_factory=Counter)

    @property
    def clean(self) -> bool:
        """Nothing differs."""
        return not self.differences

    @property
    def empty(self) -> bool:
        """Nothing was found to be audited: neither events nor results."""
        return not self.events and not any(
            one.agreeing + one.differing + one.apart for one in self.kinds.values()
        )

    def lines(self) -> Iterator[str]:
        """For people."""
        width = max(len(_PLURALS[name]) for name in self.kinds) + 1
        for name, one in self.kinds.items():
            published = f", {one.in_topic:,} in the topic" if one.in_topic is not None else ""
            stored = f", {one.in_clickhouse:,} in ClickHouse" if self.clickhouse else ""
            label = f"{_PLURALS[name] + ':':<{width}}"
            yield f"{label} {one.expected:,} expected{published}{stored}; {one.judged()}"
            for (kind, wrong), count in sorted(self.differences.items()):
                if kind == name:
                    yield f"{'':<{width}} {count:,} {wrong}"
            for (kind, why), count in sorted(self.apart.items()):
                if kind == name:
                    yield f"{'':<{width}} apart: {count:,} {why}"
        notes = {
            "records are no events (dead letters)": self.refused,
            "events are not processed yet, or came while the audit read": self.unprocessed,
            "customers about whom the order of arrival may show": self.contested,
        }
        yield from (f"{count:,} {text}" for text, count in notes.items() if count)

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "events": self.events,
            "refused": self.refused,
            "unprocessed": self.unprocessed,
            "contestedCustomers": self.contested,
            **{
                name: {
                    "expected": one.expected,
                    **({} if one.in_topic is None else {"inTopic": one.in_topic}),
                    "inClickHouse": one.in_clickhouse,
                    "agreeing": one.agreeing,
                    "differing": one.differing,
                    "leftApart": one.apart,
                    "differences": {
                        wrong: n for (kind, wrong), n in self.differences.items() if kind == name
                    },
                    "apart": {why: n for (kind, why), n in self.apart.items() if kind == name},
                }
                for name, one in self.kinds.items()
            },
            "differences": self.differences.total(),
        }
