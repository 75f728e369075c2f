"""Whatever a producer wrote: the JSON that we store is JSON to ClickHouse."""

import random
from typing import Final

import pytest

from deploy.local.clickhouse import LocalClickHouse
from processors.clickhouse.connection import connect
from schemas.portable import portable, whole_characters

pytestmark = pytest.mark.integration

NAMES: Final = (
    "a",
    "b",
    "a.b",
    "b.a",
    "",
    ".",
    "A",
    "\\u0061",
    "é",
    "\\ud83d",
    "a\\u002eb",
    "x:y",
    "\\u0000",
)
SCALARS: Final = (
    *("1e400", "-1e400", "1e-400", "9" * 30, "9" * 400, "1.7976931348623159e308", "1.50", "-0"),
    *('"x:y"', '"\\ud83d"', '"\\ude00\\ud83d"', '"\\ud83d\\ude00"', '"\\u0000"', '"é\u2028"'),
    *("true", "null", "[]", "{}", "[[]]"),
)


def written(rng: random.Random, depth: int) -> str:
    """An object in which names and paths meet."""
    members = [f'"{rng.choice(NAMES)}":{value(rng, depth)}' for _ in range(rng.randrange(5))]
    return "{" + ",".join(members) + "}"


def value(rng: random.Random, depth: int) -> str:
    shape = rng.randrange(4) if depth else 0
    if shape == 1:
        return written(rng, depth - 1)
    if shape == 2:
        return "[" + ",".join(value(rng, depth - 1) for _ in range(rng.randrange(3))) + "]"
    return rng.choice(SCALARS)


def test_portable_json_is_read_by_clickhouse(clickhouse: LocalClickHouse) -> None:
    rng = random.Random(20_261)
    given = [written(rng, 3).encode() for _ in range(3_000)]
    stored = [portable(whole_characters(document)) for document in given]
    assert sum(one != other for one, other in zip(given, stored, strict=True)) > 500
    client = connect(clickhouse.url)
    try:
        for start in range(0, len(stored), _AT_ONCE):
            some = stored[start : start + _AT_ONCE]
            texts = ",".join(f"'{document.hex()}'" for document in some)
            rows = client.query(f"SELECT count(JSONAllPaths(unhex(arrayJoin([{texts}]))::JSON))").result_rows
            assert rows == [(len(some),)]
    finally:
        client.close()


_AT_ONCE: Final = 300
