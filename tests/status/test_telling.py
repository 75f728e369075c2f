"""A screen of 80 columns, one line, and JSON: of the same figures."""

import json

import pytest
from msgspec.structs import replace

from processors.status.figures import Fault, Figures, Flow, Process, Stage, Stored, Unknown
from processors.status.telling import document, line, screen, span
from tests.status.examples import FLOW, NEWEST, NOW_MS, STORED, WELL, WORKER

LONG = "x" * 200
WORST = Figures(
    NOW_MS,
    f"leadstream up in {LONG}",
    Unknown(LONG),
    Unknown(LONG),
    [Process(LONG[:20], LONG, NOW_MS), replace(WORKER, stopped=3)],
    WELL.disk,
    [Fault("2026-11-28T22:39:00.000Z", "sink", LONG)] * 9,
)


def test_a_screen() -> None:
    text = "\n".join(screen(WELL))
    assert text == (
        "2026-11-28 22:39:15 UTC  leadstream up in /home/me/.leadstream\n"
        "all well\n"
        "\n"
        "process       up for  restarts  errors  state\n"
        "Kafka            1 h         0       ?  running\n"
        "worker-1         1 h         1       2  running\n"
        "\n"
        "worker   nothing to go; 2 running\n"
        "sink     nothing to go; 1 running\n"
        "rates    1,234 clicks, 56 leads, 7 sales a minute\n"
        "leads    12,345, and 678 customers pending\n"
        "waiting  3 clicks, 4 customers\n"
        "newest   2 min ago  acme/u1: First Meeting by spring\n"
        "disk     12.0 GiB free at /home/me/.leadstream\n"
        "errors   16 s ago  sink: ClickHouse refuses a row"
    )


LONG_KEY = replace(WELL, stored=Stored(1, 0, replace(NEWEST, key=LONG)))


@pytest.mark.parametrize("figures", [WELL, WORST, LONG_KEY])
def test_no_line_is_wider_than_a_terminal(figures: Figures) -> None:
    assert max(map(len, screen(figures))) <= 80
    assert len(line(figures, 60)) <= 60
    assert len(line(figures)) <= 80


def test_what_is_not_well_is_said_first() -> None:
    text = list(screen(replace(WELL, stored=Unknown("it is away"))))
    assert text[1:3] == ["1 problem:", "  ClickHouse: it is away"]
    assert "tables   unknown: it is away" in text
    assert line(replace(WELL, stored=Unknown("it is away"))).startswith(
        "ClickHouse: it is away · 56 leads/min"
    )


def test_a_line_for_the_one_who_sits_in_front() -> None:
    assert line(WELL, 63) == "12,345 leads, 56/min · lag worker 0, sink 0 · 1,234 clicks/min"
    # A rate without its last letters may be any other.
    assert line(WELL, 61) == "12,345 leads, 56/min · lag worker 0, sink 0"


def test_lag_is_told_in_records_and_in_time() -> None:
    late = Flow([Stage("worker", "worker", 1, 4_321, 75.0), Stage("sink", "sink", 1, 5, None)], FLOW.rates)
    text = list(screen(replace(WELL, flow=late)))
    assert "worker   4,321 records to go, 1 min behind; 1 running" in text
    assert "sink     5 records to go, for how long is not known; 1 running" in text
    assert "lag worker 4,321 (1 min), sink 5 ·" in line(replace(WELL, flow=late))


def test_without_metrics_it_is_said_what_is_missing() -> None:
    text = list(screen(replace(WELL, processes=[])))
    assert "waiting  ? (no worker's metrics are known: --metrics)" in text
    assert not any("process" in one for one in text)


def test_json_says_the_same() -> None:
    found = json.loads(document(WELL))
    assert (found["well"], found["problems"]) == (True, [])
    assert found["at"] == "2026-11-28T22:39:15.507Z"
    assert found["flow"]["stages"][0] == {
        "name": "worker",
        "group": "worker",
        "members": 2,
        "records": 0,
        "seconds": 0.0,
    }
    assert found["stored"]["newest"]["customerExternalId"] == "u1"
    assert found["stored"]["newest"]["timestamp"] == "2026-11-28T22:37:45.507Z"
    assert found["processes"][0]["since"] == "2026-11-28T21:39:15.507Z"
    assert found["held"] == {"clicks": 3, "customers": 4}
    assert found["processes"][1]["restarts"] == 1
    away = json.loads(document(replace(WELL, stored=Unknown("away"))))
    assert (away["well"], away["stored"]) == (False, {"unknown": "away"})
    assert STORED.pending == found["stored"]["pending"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1, "0 s"), (59, "59 s"), (61, "1 min"), (7_300, "2 h"), (200_000, "2 d")],
)
def test_spans(seconds: float, text: str) -> None:
    assert span(seconds) == text
