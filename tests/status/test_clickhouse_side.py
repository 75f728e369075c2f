"""What ClickHouse says, and what it says when it is not itself."""

from dataclasses import dataclass
from typing import Any

import pytest

from processors.errors import Unavailable
from processors.settings import Settings
from processors.status import clickhouse_side
from processors.status.clickhouse_side import ClickHouseSide
from processors.status.figures import Newest, Stored


@dataclass
class Result:
    result_rows: list[tuple[Any, ...]]


class Client:
    """Answers in turn."""

    def __init__(self, answers: list[list[tuple[Any, ...]]]) -> None:
        self._answers = iter(answers)
        self.closed = False

    def query(self, _: str) -> Result:
        return Result(next(self._answers))

    def close(self) -> None:
        self.closed = True


NEWEST = (1_000, "acme", "u1", "First Meeting", "spring")


def side(monkeypatch: pytest.MonkeyPatch, *clients: Client) -> ClickHouseSide:
    left = iter(clients)
    monkeypatch.setattr(clickhouse_side, "open_clickhouse", lambda *_, **__: next(left))
    return ClickHouseSide(Settings())


def test_totals_and_the_newest_lead(monkeypatch: pytest.MonkeyPatch) -> None:
    one = Client([[(3, NEWEST)], [(2,)], [(0, (0, "", "", "", ""))], [(1,)]])
    asked = side(monkeypatch, one)
    assert asked.stored() == Stored(3, 2, Newest(*NEWEST))
    assert asked.stored() == Stored(0, 1, None)
    asked.close()
    assert one.closed


def test_an_answer_without_a_row_is_no_answer_and_the_next_connection_is_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    full, mended = Client([[], []]), Client([[(3, NEWEST)], [(2,)]])
    asked = side(monkeypatch, full, mended)
    with pytest.raises(Unavailable, match="without a result"):
        asked.stored()
    assert full.closed
    assert asked.stored().leads == 3
