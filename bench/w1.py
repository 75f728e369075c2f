"""W1: the customer join alone, which every contestant can do.

Every customer has one *deferred* event, with their click; 60 % *qualify*, with an event of the same key. A
customer with both is one lead: the first deferred event and the first qualified one, whatever their order. Of
the qualifications 10 % are produced before the deferred event, and 5 % of all events are produced twice.
Keys are ``ws1:<customer>``, values JSON of about 330 bytes, both topics are co-partitioned.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from random import Random
from typing import Any, Final

import orjson

from bench.record import Record

DEFERRED: Final = "deferred"
QUALIFIED: Final = "qualified"

_START_MS: Final = 1_760_000_000_000
_DAY_MS: Final = 86_400_000
_SEED: Final = 7
_OF_CLICK: Final = (
    "clickId",
    "workspaceId",
    "customerExternalId",
    "eventName",
    "customerName",
    "customerEmail",
    "linkId",
    "partnerId",
    "metadata",
)
_OF_QUALIFICATION: Final = ("eventId", "timestamp", "eventQuantity", "metadata")


@dataclass(frozen=True)
class Plan:
    """Who qualifies, and in which order the events are produced: pairs of topic and customer."""

    order: tuple[tuple[str, int], ...]
    qualified: tuple[int, ...]


def plan(customers: int, seed: int = _SEED) -> Plan:
    """Equal arguments, equal plans."""
    random = Random(seed).random
    places: list[tuple[float, str, int]] = []
    qualified = []
    for customer in range(customers):
        place = customer * 10.0
        places.append((place, DEFERRED, customer))
        if random() < 0.6:
            early = random() < 0.1
            places.append(
                (place - random() * 5_000 if early else place + random() * 20_000, QUALIFIED, customer)
            )
            qualified.append(customer)
    places += [(place + random() * 3_000, topic, who) for place, topic, who in places if random() < 0.05]
    places.sort()
    return Plan(tuple((topic, who) for _, topic, who in places), tuple(qualified))


def paced(customers: int, behind: int) -> Plan:
    """Everybody qualifies, ``behind`` customers after their deferred event; for a fixed rate."""
    order = []
    for customer in range(customers + behind):
        if customer < customers:
            order.append((DEFERRED, customer))
        if customer >= behind:
            order.append((QUALIFIED, customer - behind))
    return Plan(tuple(order), tuple(range(customers)))


def records(events: Plan) -> Iterator[Record]:
    """The events, in the order in which they are produced."""
    for topic, customer in events.order:
        event = deferred(customer) if topic == DEFERRED else qualification(customer)
        yield Record(topic, b"ws1:user_%08d" % customer, orjson.dumps(event))


def leads(events: Plan) -> dict[str, bytes]:
    """What has to come out: lead id → :func:`canonical` form of the lead."""
    return {(lead := _lead(customer))["leadId"]: canonical(lead) for customer in events.qualified}


def canonical(lead: dict[str, Any]) -> bytes:
    """The same for every way to write the same lead."""
    return blake2b(orjson.dumps(lead, option=orjson.OPT_SORT_KEYS), digest_size=16).digest()


def deferred(customer: int) -> dict[str, Any]:
    """The sign-up."""
    return {
        "type": "lead.deferred",
        "eventId": f"d{customer:012d}",
        "workspaceId": "ws1",
        "clickId": f"c{customer:015d}",
        "customerExternalId": f"user_{customer:08d}",
        "eventName": "Sign Up",
        "customerName": "Ada Lovelace",
        "customerEmail": f"ada{customer}@example.com",
        "linkId": f"link_{customer % 5000:08d}",
        "partnerId": f"pn_{customer % 700:08d}",
        "timestamp": _START_MS + customer * 7,
        "metadata": {"plan": "pro", "source": "landing-page", "campaign": "autumn"},
    }


def qualification(customer: int) -> dict[str, Any]:
    """What makes a lead of it."""
    return {
        "type": "lead.qualified",
        "eventId": f"q{customer:012d}",
        "workspaceId": "ws1",
        "clickId": "",
        "customerExternalId": f"user_{customer:08d}",
        "eventName": "Sign Up",
        "timestamp": _START_MS + customer * 7 + _DAY_MS,
        "eventQuantity": 1,
        "metadata": {"plan": "pro", "seats": 5, "trial": False, "note": "qualified after trial"},
    }


def _lead(customer: int) -> dict[str, Any]:
    first, second = deferred(customer), qualification(customer)
    name = f"ws1\x1fuser_{customer:08d}\x1fSign Up".encode()
    return {
        "leadId": blake2b(name, digest_size=16).hexdigest(),
        **{field: first[field] for field in _OF_CLICK},
        "qualifiedBy": {field: second[field] for field in _OF_QUALIFICATION},
    }
