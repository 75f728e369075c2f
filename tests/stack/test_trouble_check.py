"""What ``leadstream doctor`` says of records that gave trouble."""

from aiokafka.structs import TopicPartition

from processors.engine.rejections import Window
from processors.engine.trouble import Failure, Trouble
from processors.stack.trouble_check import troubles_told

CLICKS, PURCHASES = TopicPartition("clicks", 3), TopicPartition("purchases", 0)
NOW = 1_800_000_000_000
HOUR_MS = 3_600_000


def test_nothing_noted() -> None:
    check = troubles_told({}, NOW)
    assert (check.ok, check.found) == (True, "none of late")
    assert troubles_told({CLICKS: Trouble(quarantined_ms=(NOW - HOUR_MS,))}, NOW).ok


def test_a_record_that_ends_workers() -> None:
    failures = Failure(17, "", "KeyError: 'x'", 2), Failure(NOW, "", "ValueError", due=True)
    check = troubles_told({PURCHASES: Trouble(failures[1:]), CLICKS: Trouble(failures[:1])}, NOW)
    assert not check.ok
    assert check.found == ("offset 17 of clicks, partition 3, ended a worker 2×: KeyError: 'x'; and 1 more")
    assert check.remedy
    check = troubles_told({PURCHASES: Trouble(failures[1:])}, NOW)
    assert check.found.startswith(
        f"the state due at {NOW} ms beside purchases, partition 0, ended a worker 1×"
    )


def test_records_that_were_passed_over() -> None:
    troubles = {CLICKS: Trouble(quarantined_ms=(NOW - HOUR_MS - 1, NOW - 1)), PURCHASES: Trouble((), (NOW,))}
    check = troubles_told(troubles, NOW)
    assert not check.ok
    assert check.found == "2 ended workers and were passed over within the last hour"
    assert "processing_failed" in check.remedy


def test_dead_letters_are_no_failure() -> None:
    window = Window(("workspace a", *["workspace b"] * 2, *[None] * 97))
    troubles = {CLICKS: Trouble(window=window), PURCHASES: Trouble(window=Window((None, "")))}
    check = troubles_told(troubles, NOW)
    assert check.ok
    assert check.found == "3 of the last 100 of clicks, partition 3, became dead letters, most of workspace b"
