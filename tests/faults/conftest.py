"""A seed for everything that is random, and what a trial showed."""

import itertools
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from deploy.local.clickhouse import LocalClickHouse
from deploy.local.kafka import LocalKafka
from tests.faults.table import add
from tests.faults.traffic import mixed
from tests.faults.trial import FaultStack, Trial, trial_of
from tests.faults.verdict import Verdict

_COUNT = itertools.count()

Recorder = Callable[[Verdict], Verdict]
NewTrial = Callable[..., AbstractContextManager[Trial]]


def seed() -> int:
    """Set ``FAULTS_SEED`` to see the same traffic and the same choices again."""
    return int(os.environ.get("FAULTS_SEED", "20"))


@pytest.fixture
def record(request: pytest.FixtureRequest) -> Recorder:
    """Puts a verdict into the table."""

    def put(verdict: Verdict) -> Verdict:
        add(request.node, verdict)
        return verdict

    return put


@pytest.fixture
def new_trial(request: pytest.FixtureRequest, tmp_path: Path) -> NewTrial:
    """A trial on the servers of the session, or on others that are given."""

    def make(
        scenario: str,
        events: int,
        *,
        kafka: LocalKafka | None = None,
        clickhouse: LocalClickHouse | None = None,
        clickhouse_url: str | None = None,
        **env: str,
    ) -> AbstractContextManager[Trial]:
        broker = kafka or request.getfixturevalue("kafka")
        url = clickhouse_url or (clickhouse or request.getfixturevalue("clickhouse")).url
        count = next(_COUNT)
        directory = tmp_path / f"trial-{count}"
        directory.mkdir()
        stack = FaultStack(
            broker.bootstrap,
            url,
            f"f{os.getpid()}-{count}",
            directory,
            **{"LEADSTREAM_SESSION_TIMEOUT": "6s", **env},
        )
        return trial_of(scenario, seed(), stack, mixed(events, seed() + count))

    return make


def check(verdict: Verdict) -> None:
    """Zero where zero is promised."""
    assert (verdict.lost, verdict.unexpected, verdict.doubled) == (0, 0, 0), verdict
    assert "open transaction" not in verdict.note, verdict
