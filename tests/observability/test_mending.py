"""Which lines of the libraries reach a log, and how loud they are there."""

import logging
import ssl
from collections.abc import Iterator
from io import StringIO

import pytest
from aiokafka import errors

from processors.observability.mending import Mending

Log = tuple[logging.Logger, StringIO]


@pytest.fixture
def log() -> Iterator[Log]:
    """Of Kafka's client, with what is written."""
    out, logger = StringIO(), logging.getLogger("aiokafka.test_mending")
    handler = logging.StreamHandler(out)
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    handler.addFilter(Mending(logging.INFO))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    yield logger, out
    logger.removeHandler(handler)


def written(log: Log) -> list[str]:
    return log[1].getvalue().splitlines()


def test_a_lost_connection_is_a_warning_told_once(log: Log) -> None:
    for node in range(300):
        log[0].error("Unable connect to node with id %s: %s", node, errors.KafkaConnectionError("gone"))
        log[0].error("Unable to update metadata from %s", [node])
    assert written(log) == [
        "WARNING Unable connect to node with id 0: KafkaConnectionError: gone",
        "WARNING Unable to update metadata from [0]",
    ]


def test_another_cause_is_told_as_well(log: Log) -> None:
    for cause in (errors.KafkaConnectionError("gone"), errors.RequestTimedOutError()):
        log[0].error("Unable connect to node with id %s: %s", 1, cause)
    assert len(written(log)) == 2


def test_a_second_later_it_is_told_again(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    for now in (1_000.0, 1_000.9, 1_001.0):
        monkeypatch.setattr("time.time", lambda now=now: now)
        log[0].error("Unable connect to node with id %s: %s", 1, OSError("gone"))
    assert len(written(log)) == 2


@pytest.mark.parametrize(
    "refusal",
    [
        errors.SaslAuthenticationFailed("no"),
        errors.TopicAuthorizationFailedError("leads"),
        ssl.SSLCertVerificationError("expired"),
    ],
)
def test_a_refusal_stays_an_error(log: Log, refusal: Exception) -> None:
    """Nobody but a person can mend it."""
    for _ in range(3):
        log[0].error("Unable connect to node with id %s: %s", 1, refusal)
    log[0].error("Topic %s is not authorized for this client", "leads")
    assert [line.split()[0] for line in written(log)] == ["ERROR", "ERROR"]


def test_a_bug_is_left_as_it_is(log: Log) -> None:
    for _ in range(2):
        try:
            raise ValueError
        except ValueError:
            log[0].exception("Unexpected error in fetcher routine")
    assert sum(line.startswith("ERROR Unexpected") for line in written(log)) == 2


def test_what_becomes_too_quiet_is_left_out(log: Log) -> None:
    log[0].handlers[0].filters[:] = [Mending(logging.ERROR)]
    log[0].error("Unable to update metadata from %s", [1])
    assert written(log) == []


def test_other_lines_are_left_alone(log: Log) -> None:
    """Errors of our own are for people; what is no trouble is told each time."""
    ours = logging.getLogger("processors.test_mending")
    ours.addHandler(log[0].handlers[0])
    ours.propagate = False
    for number in range(2):
        ours.error("%s: retention removed %d offsets", "leads", number)
        ours.warning("fetching failed, trying again: %r", OSError("gone"))
    ours.removeHandler(log[0].handlers[0])
    assert [line.split()[0] for line in written(log)] == ["ERROR", "WARNING", "ERROR"]


def test_causes_that_are_never_the_same_take_no_memory() -> None:
    mending = Mending(logging.INFO)
    for number in range(5_000):
        line = logging.LogRecord("sink", logging.WARNING, "", 0, "again", (), None)
        line.error = f"no {number}"
        assert mending.filter(line)
    assert len(mending._told) <= 1_000
