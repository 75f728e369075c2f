"""What a filter says of an event as it comes is what its SQL says of the row."""

import json
from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Any, Final

import pytest

from deploy.local.clickhouse import LocalClickHouse
from processors.gateway.analytics import metadata
from processors.gateway.analytics.event import Event
from processors.gateway.analytics.filters import (
    FIELDS,
    Condition,
    Filter,
    Kind,
    OfCustomers,
    OfLinks,
    OfRoots,
)
from processors.gateway.analytics.metadata import MetadataFilter
from schemas.ids import customer_id
from tests.clickhouse.database import Database, fresh_database

pytestmark = pytest.mark.integration

EVENTS: Final = 400
WORDS: Final = ("DE", "a b", "ä", "-x", "a,b", "_root", "qr", "%E4", "1", "")
PARTS: Final = ("?", "#", "&", ";", "=", "+", "%", "%20", "%e4", "/", "utm_source=", "utm_term=", *WORDS)
VALUES: Final = ("pro", "5", "5.0", "", "1e1", ".5", "Infinity", " 5", "null", "ä\n", "1_0", "true")
JSON: Final = (*VALUES, 5, 5.5, -0.0, 10, 1e20, True, None, {"a": 1}, ["x", 2], 2**64)


def address(random: Random) -> str:
    return "https://a.b/" + "".join(random.choices(PARTS, k=random.randrange(8)))


def event(random: Random, number: int) -> Event:
    """Every field of it something that filters may stumble over."""
    texts = {name: random.choice(WORDS) for name, kind in Event.__annotations__.items() if kind is str}
    fields = {key: random.choice(JSON) for key in random.sample("abc", random.randrange(4))}
    numbers = dict.fromkeys(Event.__annotations__.keys() - texts.keys(), 0)
    special: dict[str, Any] = {
        "id": str(number),
        "url": address(random),
        "referer_url": address(random),
        "metadata": json.dumps(fields),
        "customer_id": customer_id("acme", random.choice("uvw")),
    }
    return Event(**{**numbers, **texts, **special})


def conditions(random: Random) -> Iterator[Condition]:
    for field in FIELDS:
        for negated in (False, True):
            found = Filter(field, tuple(random.sample(WORDS, 3)), negated)
            if found.is_live:
                yield found
    for negated in (False, True):
        yield MetadataFilter("metadata.a", tuple(random.sample(VALUES, 3)), negated)
    for wanted in (False, True):
        yield OfRoots(wanted)
        yield OfLinks((*random.sample(WORDS, 3), "ext_DE", "ext_"), wanted)
        yield OfCustomers("acme", ("u", customer_id("acme", "v")), wanted)
    for operator in (":", "!=", "<", ">="):
        for value in VALUES:
            yield metadata.read(
                f"metadata['a']{operator}'{value}' OR metadata['b']:'5' AND metadata['c']<'6'"
            )


def chosen(database: Database, condition: Condition, kind: Kind) -> set[str]:
    sql = condition.sql(kind, "x")
    query = f"SELECT id FROM events WHERE {sql or 1}"
    return {str(row[0]) for row in database.client.query(query, dict(condition.parameters("x"))).result_rows}


@pytest.fixture
def events() -> Sequence[Event]:
    random = Random(15)
    return [event(random, number) for number in range(EVENTS)]


def test_a_filter_says_the_same_of_an_event_and_of_its_row(
    clickhouse: LocalClickHouse, events: Sequence[Event]
) -> None:
    columns: Mapping[str, Any] = {name: kind for name, kind in Event.__annotations__.items() if kind is str}
    with fresh_database(clickhouse.url) as database:
        made = ", ".join(f"{name} String" for name in columns)
        database.client.command(f"CREATE TABLE events ({made}) ENGINE = Memory")
        database.client.insert(
            "events", [[getattr(one, name) for name in columns] for one in events], [*columns]
        )
        some = 0
        for condition in conditions(Random(4)):
            # Which clicks are whose is known only later.
            by_click = isinstance(condition, OfCustomers)
            for kind in (Kind.LEADS,) if by_click else (Kind.CLICKS, Kind.LEADS):
                ours = {one.id for one in events if condition.holds(kind, one)}
                assert ours == chosen(database, condition, kind), (condition, kind)
                some += 0 < len(ours) < EVENTS
        assert some > 60
