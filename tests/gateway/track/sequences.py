"""Sequences of track calls, and what by the API's own words comes of them.

``Expected`` knows the matrix of answers and nothing else: neither the handlers nor the rules of attribution.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from hypothesis import strategies as st

from processors.gateway.track.events import DIRECT_SALE
from schemas.ids import event_key, idempotent_event_id, lead_id, sale_id
from tests.gateway.memory import Fate

WORKSPACE: Final = "acme"
GOOD: Final = ("c1", "c2")
CLICKS: Final[Mapping[str, Mapping[str, object]]] = {
    "c1": {},
    "c2": {},
    "off": {"trackConversion": False},
    "bot": {"bot": True},
    "foreign": {"workspaceId": "other"},
}


class Clicked(NamedTuple):
    """The click was recorded."""

    click_id: str


class Erased(NamedTuple):
    """The customer was erased, and every gateway has heard of it."""

    customer: str


class Heard(NamedTuple):
    """A gateway has caught up with what others wrote. Until then it knows that only if it waits."""

    gateway: int


class Attempt(NamedTuple):
    """``fates``: of what is published, as far as something is."""

    gateway: int
    fates: tuple[Fate, ...]


class Tracked(NamedTuple):
    """A call, and where it is made: again and again, until it is not answered 503.

    ``key``: its ``Idempotency-Key``. ``seconds_ago``: when it happened, if the call says so.
    """

    path: str
    body: Mapping[str, Any]
    key: str | None
    seconds_ago: int | None
    attempts: tuple[Attempt, ...]

    @property
    def customer(self) -> str:
        """Whose it is."""
        return str(self.body["customerExternalId"])


Step = Clicked | Erased | Heard | Tracked

# What is accepted is drawn more often: sequences of refusals say little.
_CUSTOMERS: Final = st.sampled_from(["ann", "ann", "bob"])
_CLICK_IDS: Final = st.sampled_from(["c1", "c1", "c1", None, None, "", *CLICKS, "nowhere"])
_NAMES: Final = st.sampled_from(["Sign Up", "sign  up", "Demo"])
_GATEWAYS: Final = st.integers(0, 1)
_KEYS: Final = st.sampled_from([None, None, "k1", "k2"])
_SECONDS_AGO: Final = st.sampled_from([None, None, None, 1, 60, 3_600])
_ATTEMPTS: Final = st.lists(
    st.builds(Attempt, _GATEWAYS, st.lists(st.sampled_from(Fate), max_size=2).map(tuple)),
    min_size=1,
    max_size=3,
).map(tuple)


@st.composite
def _lead(draw: st.DrawFn) -> Tracked:
    mode = draw(st.sampled_from(["deferred", "async", "wait", None]))
    body = {"eventName": draw(_NAMES), "clickId": draw(_CLICK_IDS), "mode": mode}
    return _tracked(draw, "/track/lead", body, draw(_KEYS))


_INVOICES: Final[Mapping[str, Mapping[str, object]]] = {
    "i1": {"amount": 100, "leadEventName": None},
    "i2": {"amount": 200, "leadEventName": "Demo"},
}


@st.composite
def _sale(draw: st.DrawFn) -> Tracked:
    """Sales with one invoice, or one key, say the same of themselves."""
    invoice_id, key = draw(st.sampled_from([None, *_INVOICES])), draw(_KEYS)
    if invoice_id is not None:
        sale = _INVOICES[invoice_id]
    else:
        sale = {
            "amount": draw(st.sampled_from([0, 5])),
            "leadEventName": None if key else draw(st.none() | _NAMES),
        }
    return _tracked(draw, "/track/sale", {**sale, "invoiceId": invoice_id, "clickId": draw(_CLICK_IDS)}, key)


def _tracked(draw: st.DrawFn, path: str, body: Mapping[str, Any], key: str | None) -> Tracked:
    who = {"customerExternalId": draw(_CUSTOMERS)}
    return Tracked(path, {**body, **who}, key, draw(_SECONDS_AGO), draw(_ATTEMPTS))


_STEP: Final[st.SearchStrategy[Step]] = st.one_of(
    _lead(),
    _lead(),
    _sale(),
    _sale(),
    st.builds(Clicked, st.sampled_from(["c1", "c2"])),
    st.builds(Heard, _GATEWAYS),
    st.builds(Erased, st.just("bob")),
)
STEPS: Final = st.lists(_STEP, min_size=3, max_size=15).map(
    lambda steps: [*(Clicked(one) for one in CLICKS if one != "c2"), *steps]
)


def base(name: str) -> str:
    """As it was drawn, without its suffix."""
    return name.partition("~")[0]


def apart(steps: Sequence[Step], suffix: str) -> list[Step]:
    """The same steps of other people with other clicks, so that many sequences can share a workspace."""

    def named(name: str) -> str:
        return f"{name}~{suffix}"

    def renamed(step: Step) -> Step:
        match step:
            case Clicked():
                return Clicked(named(step.click_id))
            case Erased():
                return Erased(named(step.customer))
            case Tracked():
                click_id = step.body["clickId"]
                body = {
                    **step.body,
                    "customerExternalId": named(step.customer),
                    "clickId": named(click_id) if click_id else click_id,
                }
                return step._replace(body=body, key=step.key and named(step.key))
            case _:
                return step

    return [renamed(step) for step in steps]


class Taken(NamedTuple):
    """``status`` of the answer; ``sold``: it tells of a sale."""

    status: int
    sold: bool = False


@dataclass
class Expected:
    """What has been accepted so far. Customers by their ids."""

    clicks: set[str] = field(default_factory=set)
    known: set[str] = field(default_factory=set)
    requested: set[str] = field(default_factory=set)
    erased: set[str] = field(default_factory=set)
    leads: dict[str, set[str]] = field(default_factory=dict)
    """By customer, the eventKeys of its lead requests."""
    sales: dict[tuple[str, str], str | None] = field(default_factory=dict)
    """By customer and what it is known by, the eventKey of the lead that was named."""

    def click(self, step: Clicked) -> None:
        """Only a click that can make a lead is one to the track calls."""
        if base(step.click_id) in GOOD:
            self.clicks.add(step.click_id)

    def erase(self, step: Erased) -> None:
        """Nothing of the customer counts any more."""
        self.erased.add(step.customer)

    def call(self, step: Tracked, unique: str) -> Taken:
        """``unique``: what a sale is known by that has neither invoice nor ``Idempotency-Key``."""
        if step.customer in self.erased:
            return Taken(403)
        if step.path == "/track/lead":
            return Taken(self._lead(step))
        return self._sale(step, unique)

    def _lead(self, step: Tracked) -> int:
        customer, click_id = step.customer, step.body["clickId"]
        if click_id and click_id not in self.clicks:
            return 404
        if not click_id and customer not in self.known:
            return 400
        self.known.add(customer)
        if step.body["mode"] != "deferred":
            self._request(customer, step.body["eventName"])
        return 200

    def _sale(self, step: Tracked, unique: str) -> Taken:
        customer, body = step.customer, step.body
        if customer not in self.known:
            if not body["clickId"]:
                return Taken(200)
            if body["clickId"] not in self.clicks:
                return Taken(404)
            self.known.add(customer)
            self._request(customer, body["leadEventName"] or DIRECT_SALE)
        elif customer not in self.requested:
            return Taken(404)
        if not body["amount"]:
            return Taken(200)
        identity = body["invoiceId"] or (step.key and idempotent_event_id(WORKSPACE, step.key)) or unique
        named = body["leadEventName"]
        self.sales.setdefault((customer, identity), named and event_key(named))
        return Taken(200, sold=True)

    def _request(self, customer: str, event_name: str) -> None:
        self.requested.add(customer)
        self.leads.setdefault(customer, set()).add(event_key(event_name))

    def lead_ids(self) -> set[str]:
        """One for each customer and event name."""
        return {
            lead_id(WORKSPACE, customer, key)
            for customer, keys in self.leads.items()
            if customer not in self.erased
            for key in keys
        }

    def counting_sales(self) -> list[tuple[str, str]]:
        """Customer and what it is known by: of those whose lead is there, for a sale may name one that is yet
        to come."""
        return [
            (customer, identity)
            for (customer, identity), named in self.sales.items()
            if customer not in self.erased and (named is None or named in self.leads[customer])
        ]

    def sale_ids(self) -> set[str]:
        """Those of :meth:`counting_sales`."""
        return {sale_id(WORKSPACE, *sale) for sale in self.counting_sales()}
