"""Figures of a system that is well, and of parts that are not."""

from processors.status.figures import Fault, Figures, Flow, Newest, Process, Rates, Room, Stage, Stored

NOW_MS = 1_795_905_555_507
GIB = 2**30

FLOW = Flow([Stage("worker", "worker", 2, 0, 0.0), Stage("sink", "sink", 1, 0, 0.0)], Rates(1_234, 56, 7))
NEWEST = Newest(NOW_MS - 90_000, "acme", "u1", "First Meeting", "spring")
STORED = Stored(12_345, 678, NEWEST)
WORKER = Process(
    "worker-1", "running", NOW_MS - 3_600_000, restarts=1, errors=2, waits={"clicks": 3, "customers": 4}
)
KAFKA = Process("Kafka", "running", NOW_MS - 3_600_000, restarts=0)
WELL = Figures(
    NOW_MS,
    "leadstream up in /home/me/.leadstream",
    FLOW,
    STORED,
    [KAFKA, WORKER],
    Room("/home/me/.leadstream", 12 * GIB, low=False),
    [Fault("2026-11-28T22:39:00.000Z", "sink", "ClickHouse refuses a row")],
)
