"""Memory does not grow with the number of events."""

import json
import subprocess
import sys

from processors.audit.evidence import BUCKET_RECORDS


def peak_mb(events: int) -> float:
    done = subprocess.run(
        [sys.executable, "-m", "tests.audit.large", str(events)], check=True, capture_output=True
    )
    found = json.loads(done.stdout)
    assert found["verdicts"] == 0
    assert found["agreeing"] > events / 10
    return float(found["peak_mb"])


def test_three_times_the_events_in_the_same_memory() -> None:
    """Both fill their buckets and their buffers; all that grows is the number of buckets.

    80,000 more events would take more than 80 MB as objects; the files and buffers that fill up take less.
    """
    small, large = peak_mb(BUCKET_RECORDS), peak_mb(3 * BUCKET_RECORDS)
    assert large - small < 32
