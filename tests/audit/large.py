"""An audit as large as you like, straight into what it keeps on disk: ``python -m tests.audit.large EVENTS``.

Prints a JSON object: seconds to file everything, seconds to join and compare it, peak memory. The results are
the model's own, so that there is as much to compare as in earnest, and nothing to complain of.
"""

import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from msgspec.json import encode

from processors.attribution.policy import Policy
from processors.audit.clicks import CLICK_TABLES
from processors.audit.evidence import Evidence
from processors.audit.model.arrivals import TopicRecord, read_all
from processors.audit.model.reference import ReferenceModel
from processors.audit.report import Summary
from processors.audit.results import KINDS, LEADS, owner
from processors.audit.verdicts import Verdicts
from processors.garbage import collect_rarely
from schemas.times import DAY_MS
from schemas.topics import Topic, customer_key
from tests.audit.system import COMPLETE, revision_of, row_of, stored_clicks
from tests.model.simulate import Record

POLICY: Final = Policy("first-click", 90 * DAY_MS, 365 * DAY_MS, DAY_MS)
START_MS: Final = 1_767_225_600_000
STEP_MS: Final = 100
ROUND: Final = 117
"""Events of ten customers: 100 clicks, of which they name ten, 10 sign-ups, 5 qualifications, 2 purchases."""
_ROUNDS: Final = 40
_CLICK: Final = {
    "linkId": "l1",
    "partnerId": "pn_1",
    "url": "https://example.com/landing?utm_source=newsletter&utm_campaign=spring",
    "country": "DE",
    "city": "Berlin",
    "device": "Desktop",
    "browser": "Chrome",
    "os": "macOS",
    "ua": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)",
    "referer": "google.com",
}


def one_round(number: int) -> Iterator[TopicRecord]:
    """The events of ten customers, who meet nobody else's."""
    first, at_ms = number * ROUND, START_MS + number * ROUND * STEP_MS

    def record(topic: Topic, place: int, **fields: object) -> TopicRecord:
        event = {"workspaceId": "acme", "timestamp": at_ms + place * STEP_MS, **fields}
        return TopicRecord(topic, encode(event), at_ms + place * STEP_MS)

    for place in range(100):
        yield record(Topic.CLICKS, place, clickId=f"c{first + place}", **_CLICK)
    for who in range(10):
        fields = {"clickId": f"c{first + who}", "eventName": "Sign Up", "mode": "deferred"}
        yield record(Topic.DEFERRED_LEADS, 100 + who, customerExternalId=f"u{first + who}", **fields)
    for who in range(5):
        fields = {"eventName": "First Meeting", "customerName": "Ann"}
        yield record(Topic.QUALIFICATIONS, 110 + who, customerExternalId=f"u{first + who}", **fields)
    for who in range(2):
        yield record(Topic.PURCHASES, 115 + who, customerExternalId=f"u{first + who}", amount=4900)


def file(evidence: Evidence, rounds: int) -> None:
    """The events, and what they make."""
    for begin in range(0, rounds, _ROUNDS):
        records = [one for number in range(begin, min(begin + _ROUNDS, rounds)) for one in one_round(number)]
        for record in records:
            evidence.inputs.add(Topic(record.topic), record.value, record.timestamp_ms)
        clicks = [
            Record(one.topic, one.value or b"", one.timestamp_ms)
            for one in records
            if one.topic == Topic.CLICKS
        ]
        for row in stored_clicks(clicks):
            for table in CLICK_TABLES:
                evidence.add_click(table, [row[column] for column in table.columns])
        outcome = ReferenceModel(POLICY).compute(read_all(records).events)
        for kind in KINDS:
            for result in kind.of(outcome).values():
                key, value = customer_key(*owner(result)), encode(result)
                evidence.add_result(kind, "", key, value, at_ms=START_MS)
                row = row_of(kind, key, value)
                evidence.add_row(kind, row)
                if kind is LEADS:
                    evidence.add_revision(revision_of(row, START_MS))


def main(events: int) -> dict[str, float]:
    """File, join, compare. ``peak_mb``: of the whole process."""
    collect_rarely()
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as directory:
        evidence = Evidence(Path(directory) / "work", events, START_MS)
        file(evidence, events // ROUND)
        filed = time.monotonic()
        summary = Summary()
        judged = Verdicts(POLICY, COMPLETE, summary, clickhouse=True)
        verdicts = sum(len(judged.of_clicks(clicks)) for clicks in evidence.join())
        verdicts += sum(map(len, judged.of(evidence)))
    return {
        "events": summary.events,
        "verdicts": verdicts,
        "agreeing": sum(one.agreeing for one in summary.kinds.values()),
        "filing_s": round(filed - begin, 1),
        "comparing_s": round(time.monotonic() - filed, 1),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]))))  # noqa: T201 - its purpose
