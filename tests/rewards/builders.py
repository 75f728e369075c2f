"""Leads, sales and events about rewards as the tests write them down: documents, with times in days."""

from collections.abc import Iterable, Mapping
from itertools import product
from typing import Any, Final

import orjson

from processors.rewards.facts import Change, Forgotten, RewardFact
from processors.rewards.ledger import Bounds, Ledger
from processors.rewards.parsing import parse
from processors.rewards.policy import Policies
from processors.rewards.reading import read_lead, read_sale
from processors.rewards.settling import Output, Who
from processors.rewards.state import State, dump, load
from schemas.email_hash import email_hash
from schemas.ids import lead_id, reward_id, sale_id
from schemas.rewards import Reward, RewardRefusal
from schemas.times import DAY_MS, parse_rfc3339, rfc3339

T0: Final = 1_767_225_600_000
"""2026-01-01T00:00:00Z."""
HOLD: Final = DAY_MS
LATE: Final = T0 + 100_000 * DAY_MS
"""Everything that waits is over, and everything that is earned payable."""
WORKSPACE: Final = "w1"
CUSTOMER: Final = "ann"
WHO: Final = Who(WORKSPACE, CUSTOMER)

Document = dict[str, Any]


def at(day: float) -> str:
    """So many days after T0."""
    return rfc3339(T0 + round(day * DAY_MS))


def lead(day: float, name: str = "Sign Up", **more: object) -> Document:
    """A lead of the customer, as ``leads`` has it, as far as rewards go by it."""
    return {"leadId": lead_id(WORKSPACE, CUSTOMER, name.lower()), **_common(day, name, more)}


def sale(day: float, invoice: str = "i1", amount: int = 10_000, **more: object) -> Document:
    """A sale of the customer."""
    own = {"amount": amount, "currency": more.pop("currency", "usd")}
    own["paymentProcessor"] = more.pop("processor", None)
    return {"saleId": sale_id(WORKSPACE, CUSTOMER, invoice), **_common(day, "Purchase", more), **own}


def _common(day: float, name: str, more: Mapping[str, Any]) -> Document:
    return {
        "revision": more.get("revision", 1),
        "workspaceId": WORKSPACE,
        "eventName": name,
        "quantity": more.get("quantity", 1),
        "timestamp": at(day),
        "metadata": more.get("metadata"),
        "customer": {"externalId": CUSTOMER, "email": more.get("email")},
        "click": {"country": more.get("country")},
        "link": {
            "id": more.get("link"),
            "programId": more.get("program", "pg"),
            "partnerId": more.get("partner", "pn"),
        },
    }


def event(kind: str, target: str, day: float = 0.0, event_id: str | None = None, amount: int = 0) -> Document:
    """An event about rewards. ``target``: a saleId for refunds, else a rewardId."""
    identity = event_id or f"{kind} {target} {day} {amount}"
    return {"type": kind, "eventId": identity, "target": target, "timestamp": at(day), "amount": amount}


def of_lead(partner: str = "pn", program: str = "pg") -> str:
    """The id of the reward for the customer's lead."""
    return reward_id(WORKSPACE, program, partner, CUSTOMER, "lead")


def of_sale(invoice: str = "i1", partner: str = "pn", program: str = "pg") -> str:
    """The id of the reward for a sale."""
    return reward_id(WORKSPACE, program, partner, CUSTOMER, sale_id(WORKSPACE, CUSTOMER, invoice))


def of_customer(customer: str, document: Document) -> Document:
    """The same, said of another one."""
    if "customer" in document:
        return {**document, "customer": {**document["customer"], "externalId": customer}}
    target = document.get("target", "")
    for partner, of in product(
        ("pn", "other"), ("lead", *(sale(0, one)["saleId"] for one in ("i1", "i2", "i3")))
    ):
        if target == reward_id(WORKSPACE, "pg", partner, CUSTOMER, of):
            return {**document, "target": reward_id(WORKSPACE, "pg", partner, customer, of)}
    return document


ERASURE: Final[Document] = {"type": "erasure"}


def policy(*versions: Document, program: str = "pg") -> Document:
    """As it is written in a file; a version without a beginning begins in the year 2000."""
    basis = {"effectiveFrom": "2000-01-01T00:00:00Z", "currency": "usd", "holdingPeriod": "30d"}
    return {"programId": program, "versions": [{**basis, **version} for version in versions]}


def parsed(*documents: Document) -> Policies:
    """The policies of the workspace."""
    return {(WORKSPACE, one["programId"]): parse(with_hashes(one)) for one in documents}


def with_hashes(document: Document) -> Document:
    """Of a partner whose ``email`` is written out: as a policy has it."""
    copy = orjson.loads(orjson.dumps(document))
    for version in copy["versions"]:
        for terms in version.get("partners", {}).values():
            if email := terms.pop("email", None):
                terms["emailHash"] = email_hash(email)
    return copy  # type: ignore[no-any-return]


def fact_of(document: Document) -> RewardFact:
    """The fact in it."""
    if "leadId" in document:
        return read_lead(orjson.dumps(document)).fact
    if "saleId" in document:
        return read_sale(orjson.dumps(document)).fact
    if document["type"] == "erasure":
        return Forgotten()
    moment_ms = parse_rfc3339(document["timestamp"])
    return Change(moment_ms, document["type"], document["eventId"], document["target"], document["amount"])


class Said:
    """All that was published of one customer."""

    def __init__(self) -> None:
        self.rewards: list[Reward] = []
        self.refusals: list[RewardRefusal] = []

    def keep(self, outputs: Iterable[Output]) -> list[Output]:
        """These came after all others."""
        kept = list(outputs)
        self.rewards += [one for one in kept if isinstance(one, Reward)]
        self.refusals += [one for one in kept if isinstance(one, RewardRefusal)]
        return kept

    @property
    def newest(self) -> dict[str, Reward]:
        """By rewardId the newest revision."""
        return {one.reward_id: one for one in self.rewards}

    @property
    def reasons(self) -> dict[str, tuple[str, int]]:
        """By source why it earns nothing, and the revision of it of which that was said."""
        said = {one.source_id: one for one in self.refusals}
        return {
            one: (last.reason.value, last.source_revision)
            for one, last in said.items()
            if last.reason is not None
        }


class Book(Said):
    """One customer's ledger, and all that was published of it. Every state goes through the codec."""

    def __init__(self, policies: Policies, now_ms: int = LATE, bounds: Bounds = Bounds()) -> None:  # noqa: B008
        super().__init__()
        self.ledger = Ledger(policies, HOLD, bounds)
        self.now_ms = now_ms
        self.state: State | None = None

    def send(self, *documents: Document) -> list[Output]:
        """In this order; what was published of them."""
        outputs: list[Output] = []
        for document in documents:
            self.state, more = self.ledger.apply(WHO, self._stored(), fact_of(document), self.now_ms)
            outputs += more
        return self.keep(outputs)

    def advance(self, now_ms: int) -> list[Output]:
        """Time goes on, and what is due is done, in its order."""
        outputs: list[Output] = []
        while (
            self.state is not None and (due := self.ledger.due_ms(self.state)) is not None and due <= now_ms
        ):
            self.now_ms = max(due, self.now_ms)
            self.state, more = self.ledger.expire(WHO, load(dump(self.state)), self.now_ms)
            outputs += more
        self.now_ms = max(now_ms, self.now_ms)
        return self.keep(outputs)

    def _stored(self) -> State | None:
        return None if self.state is None else load(dump(self.state))
