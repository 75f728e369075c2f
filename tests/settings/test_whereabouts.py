"""What to do when a server does not answer, by who said where it is."""

import os
from pathlib import Path

import pytest

from deploy.local.directory import DirectoryLock
from processors.clickhouse.connection import NoClickHouse
from processors.errors import ExitCode, LeadstreamError
from processors.kafka.connection import NoBroker
from processors.settings.whereabouts import remedy_of
from tests.settings.test_running import living, made

NO_CLICKHOUSE = NoClickHouse("gone", ExitCode.UNAVAILABLE)
SERVERS = [
    (NoBroker("gone"), "LEADSTREAM_KAFKA_BOOTSTRAP"),
    (NO_CLICKHOUSE, "LEADSTREAM_CLICKHOUSE_URL"),
]


@pytest.mark.parametrize(("error", "name"), SERVERS)
def test_where_nothing_runs_and_nothing_is_set(error: LeadstreamError, name: str) -> None:
    assert remedy_of(error) == f"No `leadstream up` runs here: start one in this directory, or set {name}."


@pytest.mark.parametrize(("error", "name"), SERVERS)
def test_where_it_is_set(monkeypatch: pytest.MonkeyPatch, error: LeadstreamError, name: str) -> None:
    monkeypatch.setenv(name, "x")
    assert remedy_of(error) == error.remedy


@pytest.mark.parametrize(("error", "name"), SERVERS)
def test_where_it_runs(tmp_path: Path, error: LeadstreamError, name: str) -> None:
    with living(tmp_path / ".leadstream") as up:
        told = remedy_of(error)
    assert str(up.pid) in told
    assert str(up.data / "logs") in told


def test_where_it_is_only_starting(tmp_path: Path) -> None:
    up = made(tmp_path / ".leadstream")
    lock = DirectoryLock(up.data)
    lock.acquire()
    told = remedy_of(NO_CLICKHOUSE)
    lock.release()
    assert f"process {os.getpid()} is starting" in told
    assert "LEADSTREAM_CLICKHOUSE_URL" in told


def test_who_refuses_us_is_there() -> None:
    error = NoClickHouse("wrong password", ExitCode.MISCONFIGURED)
    assert remedy_of(error) == error.remedy
