"""W1 and W2 as the measurements need them: what to load, and what has to come out."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from datetime import datetime
from functools import cached_property
from typing import Final, Literal, Protocol

import msgspec
import orjson

from bench import w1
from bench.model import Expected, expected
from bench.record import Record
from bench.verdict import Found
from processors.demo import generate
from schemas.times import to_ms
from schemas.topics import Topic

LEADS: Final = "leads"

Kind = Literal["qualified", "signed up", "late"]
"""What completes a lead: a qualification; a sign-up that is not deferred, which goes through both joins; or
something that came later than it should have."""
Trigger = Callable[[bytes], tuple[int, Kind]]
"""Which event (its place among all) completes this lead."""


class Workload(Protocol):
    """A set of events, always the same, and its leads."""

    @property
    def name(self) -> str:
        """One of ``bench.run.WORKLOADS``."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """Short names of the topics to load."""

    @property
    def events(self) -> int:
        """How many there are."""

    def records(self) -> Iterable[Record]:
        """All events, in the order in which they are produced."""

    def leads(self) -> Mapping[str, Hashable]:
        """What has to come out, by id."""

    def found(self, values: Iterable[bytes]) -> Iterator[Found]:
        """What did come out."""

    def triggers(self) -> Trigger:
        """What completed a lead."""


class CustomerJoin:
    """W1, in one size or another."""

    inputs = (w1.DEFERRED, w1.QUALIFIED)

    def __init__(self, name: str, plan: w1.Plan) -> None:
        self.name = name
        self._plan = plan

    @cached_property
    def _leads(self) -> dict[str, bytes]:
        return w1.leads(self._plan)

    @property
    def events(self) -> int:
        return len(self._plan.order)

    def records(self) -> Iterator[Record]:
        return w1.records(self._plan)

    def leads(self) -> dict[str, bytes]:
        return self._leads

    @staticmethod
    def found(values: Iterable[bytes]) -> Iterator[Found]:
        for value in values:
            lead = orjson.loads(value)
            yield Found(lead["leadId"], 1, w1.canonical(lead))

    def triggers(self) -> Trigger:
        places: dict[tuple[str, int], int] = {}
        for place, event in enumerate(self._plan.order):
            places.setdefault(event, place)

        def trigger(value: bytes) -> tuple[int, Kind]:
            customer = int(orjson.loads(value)["qualifiedBy"]["eventId"][1:])
            first, second = places[w1.DEFERRED, customer], places[w1.QUALIFIED, customer]
            return (second, "qualified") if second > first else (first, "late")

        return trigger


class Pipeline:
    """W2: clicks, deferred leads, qualifications and purchases at about 100 : 12 : 6 : 2."""

    name = "w2"
    inputs: tuple[str, ...] = (
        Topic.CLICKS,
        Topic.DEFERRED_LEADS,
        Topic.QUALIFICATIONS,
        Topic.PURCHASES,
        Topic.ERASURES,
    )

    def __init__(self, size: int, now_ms: int, seed: int = 20) -> None:
        self.events = self._size = size
        self._now_ms = now_ms
        self._seed = seed

    @cached_property
    def _records(self) -> list[Record]:
        traffic = generate(self._size, self._seed, self._now_ms)
        return [Record(one.topic, one.key or b"", one.value) for one in traffic]

    @cached_property
    def _expected(self) -> Expected:
        return expected(self._records, self._now_ms)

    def records(self) -> list[Record]:
        return self._records

    def clicks(self) -> dict[str, str]:
        """The click that each lead goes to."""
        return {key: lead.click.id for key, lead in self._expected.leads.items()}

    def unsure(self) -> frozenset[tuple[str, str]]:
        """(workspace, customer) of whom order decides; their leads are not in :meth:`leads`."""
        return self._expected.unsure

    def leads(self) -> dict[str, Hashable]:
        return {key: self._content(msgspec.json.encode(lead)) for key, lead in self._expected.leads.items()}

    def found(self, values: Iterable[bytes]) -> Iterator[Found]:
        """Without the leads of customers of whom order decides."""
        for value in values:
            lead = orjson.loads(value)
            if (lead["workspaceId"], lead["customer"]["externalId"]) not in self._expected.unsure:
                yield Found(lead["leadId"], lead["revision"], self._content(value))

    @staticmethod
    def _content(value: bytes) -> Hashable:
        return w1.canonical({**orjson.loads(value), "revision": 0})

    def triggers(self) -> Trigger:
        places: dict[tuple[str, str], int] = {}
        for place, record in enumerate(self._records):
            event = orjson.loads(record.value)
            identity = event["clickId"] if record.topic == Topic.CLICKS else event.get("eventId", "")
            places.setdefault((event["workspaceId"], identity), place)

        def trigger(value: bytes) -> tuple[int, Kind]:
            lead = orjson.loads(value)
            workspace, click = lead["workspaceId"], lead["click"].get("id") or lead["click"]["clickId"]
            request = places[workspace, lead["eventId"]]
            last = max(request, places[workspace, click], places[workspace, f"su_{click}"])
            if last != request or lead["revision"] > 1:
                return last, "late"
            return request, "signed up" if lead["eventId"].startswith("su_") else "qualified"

        return trigger


class Core(Pipeline):
    """What of W2 every contestant can do: no purchases, and of a lead what attribution says of it."""

    name = "w2-core"
    inputs = (Topic.CLICKS, Topic.DEFERRED_LEADS, Topic.QUALIFICATIONS)

    def __init__(self, size: int, now_ms: int, seed: int = 20) -> None:
        super().__init__(size, now_ms, seed)
        self.events = len(self.records())

    @cached_property
    def _records(self) -> list[Record]:
        traffic = generate(self._size, self._seed, self._now_ms)
        return [Record(one.topic, one.key or b"", one.value) for one in traffic if one.topic in self.inputs]

    @staticmethod
    def _content(value: bytes) -> Hashable:
        lead = orjson.loads(value)
        click = lead["click"]
        return (
            *(lead[name] for name in ("eventName", "quantity", "eventId")),
            *(_ms(time) for time in (lead["timestamp"], lead["deferredAt"], click["timestamp"])),
            click.get("id") or click["clickId"],
            orjson.dumps(lead["metadata"]),
        )


def _ms(time: str | int) -> int:
    return time if isinstance(time, int) else to_ms(datetime.fromisoformat(time))
