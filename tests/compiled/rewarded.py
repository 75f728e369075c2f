"""The ledger of rewards as a process and what it reads: of many customers, any order, some broken."""

import random
from collections.abc import Iterator
from itertools import count
from typing import Final

from msgspec.structs import replace

from processors.engine import Output
from processors.rewarding.caps import CapsProcessor
from processors.rewarding.customers import RewardsProcessor
from schemas.times import DAY_MS
from tests.rewarding.histories import CAPS, documents_of
from tests.rewarding.world import NAMES, record_of
from tests.rewards.builders import ERASURE, HOLD, T0, Document, parsed, policy
from tests.rewards.strategies import PERSONS, PROGRAMS, TESTS, TESTS_OF_SALES

NOW_MS: Final = T0 + 40 * DAY_MS
"""Of what is earned by the tenth day the holding period is over."""
POLICIES: Final = parsed(
    policy(
        {
            "lead": {"amount": 2_500, "cap": {"amount": CAPS["lead"], "per": "week"}},
            "sale": {"percent": 20, "months": 1, "cap": {"amount": CAPS["sale"], "per": "allTime"}},
            "conditions": [
                *({"on": "lead", "all": [test], "amount": 4_000} for test in TESTS[:4]),
                *({"on": "sale", "any": [test], "percent": 33.33} for test in TESTS_OF_SALES[4:]),
            ],
            "partners": {"pn": {"email": "p@example.com"}, "p3": {"excluded": True}},
        },
        {"effectiveFrom": "2026-01-11T00:00:00Z", "lead": {"amount": 1_000}, "sale": {"amount": 300}},
    ),
    policy({"lead": {"amount": 700}, "sale": {"percent": 7.5}}, program="two"),
)
_AT_ONCE: Final = 200
"""Documents of which any may come next."""


def jobs(partitions: int) -> tuple[RewardsProcessor, CapsProcessor]:
    """Under the policies of now."""
    return RewardsProcessor(NAMES, HOLD, lambda: POLICIES, partitions), CapsProcessor(NAMES)


def random_records(rng: random.Random, records: int) -> Iterator[Output]:
    """So many, always the same of one generator."""
    waiting: list[tuple[str, Document]] = []
    customers = count()
    for _ in range(records):
        if len(waiting) < _AT_ONCE:
            customer = str(next(customers))
            waiting += [(customer, _varied(one, rng)) for one in documents_of(customer, rng)]
            waiting += [(customer, ERASURE)] * (rng.random() < 0.1)
        place = rng.randrange(len(waiting))
        customer, document = waiting[place] if rng.random() < 0.05 else waiting.pop(place)
        record = record_of(document, customer)
        yield _broken(record, rng) if rng.random() < 0.05 else record


def _varied(document: Document, rng: random.Random) -> Document:
    if "link" not in document:
        return document
    person = rng.choice(PERSONS)
    return {
        **document,
        "metadata": person.get("metadata"),
        "click": {"country": person.get("country")},
        "customer": {**document["customer"], "email": person.get("email")},
        "link": {**document["link"], "id": person.get("link"), "programId": rng.choice(PROGRAMS)},
    }


def _broken(record: Output, rng: random.Random) -> Output:
    """Of another key, or with a value that is cut off, or has a byte of anything in it."""
    value = record.value or b"{}"
    at = rng.randrange(len(value))
    return rng.choice(
        (
            replace(record, key=b"w1:nobody"),
            replace(record, key=rng.choice((b"", b"w1", b"\xff:1"))),
            replace(record, value=value[:at]),
            replace(record, value=value[:at] + rng.randbytes(1) + value[at + 1 :]),
        )
    )
