"""A line a minute about what a process does, and fewer while there is nothing to say."""

import asyncio
import json
import logging

import pytest

from processors.observability import pace
from processors.observability.pace import EVERY_S, Look, Names, Pace, Telling

RECORDS = Names("records", "batch_ms")


def test_work_is_told_as_it_has_grown_within_the_minute() -> None:
    first = Look(100, 10, 1.0, {"retries": 5})
    line = Pace(RECORDS, first).line(
        Look(700, 20, 1.5, {"retries": 7}, 3, {"lag": 3, "lag_s": 0.2, "partitions": 8}), EVERY_S
    )
    assert line is not None
    assert (line.level, line.event) == (logging.INFO, "working")
    assert line.keys == {
        "records": 600,
        "per_s": 10.0,
        "batch_ms": 50.0,
        "retries": 2,
        "lag": 3,
        "lag_s": 0.2,
        "partitions": 8,
    }
    json.dumps(line.keys)


def minutes(one: Pace, look: Look, count: int) -> list[int]:
    """Those in which it says something."""
    return [minute for minute in range(1, count + 1) if one.line(look, EVERY_S) is not None]


def test_an_idle_process_says_so_ever_more_rarely_and_never_for_the_last_time() -> None:
    assert minutes(Pace(RECORDS, Look(7, 1, 1.0)), Look(7, 1, 1.0), 200) == [1, 2, 4, 8, 16, 32, 60, 120, 180]


def test_after_work_idleness_begins_anew() -> None:
    one, idle = Pace(RECORDS, Look(0, 0, 0.0)), Look(5, 1, 0.1)
    assert one.line(idle, EVERY_S) is not None
    assert minutes(one, idle, 4) == [1, 2, 4]
    line = one.line(Look(6, 2, 0.2), EVERY_S)
    assert line is not None
    assert line.event == "working"
    assert minutes(one, Look(6, 2, 0.2), 4) == [1, 2, 4]


def test_what_goes_wrong_while_it_is_idle_is_told_at_once() -> None:
    one, idle = Pace(RECORDS, Look(0, 0, 0.0)), Look(0, 0, 0.0)
    assert minutes(one, idle, 2) == [1, 2]
    line = one.line(Look(0, 0, 0.0, {"retries": 4}), EVERY_S)
    assert line is not None
    assert line.keys["retries"] == 4


def test_work_that_waits_and_is_not_done_is_a_warning_every_minute() -> None:
    one, stuck = Pace(RECORDS, Look(5, 1, 0.1)), Look(5, 1, 0.1, {}, 12, {"lag": 12})
    lines = [one.line(stuck, EVERY_S) for _ in range(5)]
    assert [line and (line.level, line.event) for line in lines] == [
        (logging.WARNING, "no records processed, though some wait")
    ] * 5
    assert [line.keys["for_s"] for line in lines if line] == [60, 120, 180, 240, 300]


def test_lines_come_as_long_as_the_loop_turns(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(pace, "EVERY_S", 0.001)
    caplog.set_level(logging.INFO)
    looks = 0

    async def run() -> None:
        enough = asyncio.Event()

        def look() -> Look:
            nonlocal looks
            looks += 1
            if looks > 3:
                enough.set()
            return Look(looks, looks, float(looks))

        Telling(logging.getLogger("a worker"), RECORDS, look).follow(asyncio.get_running_loop())
        await asyncio.wait_for(enough.wait(), 20)

    asyncio.run(run())
    told = [record for record in caplog.records if record.name == "a worker"]
    assert {record.getMessage() for record in told} == {"working"}
    assert len(told) >= 2
