"""A seed for everything that is random, and what a trial showed."""

import itertools
import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from deploy.local.clickhouse import LocalClickHouse
from deploy.local.kafka import LocalKafka
from tests.cluster import Cluster
from tests.faults.ledger import LedgerTrial
from tests.faults.table import add
from tests.faults.traffic import mixed
from tests.faults.trial import FaultStack, Trial, trial_of
from tests.faults.verdict import Verdict

_COUNT = itertools.count()

Recorder = Callable[[Verdict], Verdict]
NewTrial = Callable[..., AbstractContextManager[Trial]]
NewLedger = Callable[..., AbstractContextManager[LedgerTrial]]


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
        kafka: LocalKafka | Cluster | None = None,
        clickhouse: LocalClickHouse | None = None,
        clickhouse_url: str | None = None,
        **env: str,
    ) -> AbstractContextManager[Trial]:
        broker = kafka or request.getfixturevalue("kafka")
        url = clickhouse_url or (clickhouse or request.getfixturevalue("clickhouse")).url
        number = next(_COUNT)
        stack = stack_of(number, tmp_path, broker.bootstrap, url, env)
        return trial_of(Trial(scenario, seed(), stack, mixed(events, seed() + number)))

    return make


@pytest.fixture
def new_ledger(request: pytest.FixtureRequest, tmp_path: Path) -> NewLedger:
    """The same of processes of rewards, and of so many customers."""

    def make(
        scenario: str, customers: int, *, bootstrap: str | None = None, **env: str
    ) -> AbstractContextManager[LedgerTrial]:
        address = bootstrap or request.getfixturevalue("kafka").bootstrap
        number = next(_COUNT)
        stack = stack_of(number, tmp_path, address, "http://127.0.0.1:1/none", env)
        return trial_of(LedgerTrial(scenario, seed(), stack, customers))

    return make


def stack_of(
    number: int, tmp_path: Path, bootstrap: str, clickhouse_url: str, env: Mapping[str, str]
) -> FaultStack:
    """Apart from all others."""
    directory = tmp_path / f"trial-{number}"
    directory.mkdir()
    name = f"f{os.getpid()}-{number}"
    return FaultStack(
        bootstrap, clickhouse_url, name, directory, **{"LEADSTREAM_SESSION_TIMEOUT": "6s", **env}
    )


def check(verdict: Verdict) -> None:
    """Zero where zero is promised."""
    assert (verdict.lost, verdict.unexpected, verdict.doubled) == (0, 0, 0), verdict
    assert "open transaction" not in verdict.note, verdict
