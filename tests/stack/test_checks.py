"""Does somebody read what is there to be read?"""

from pathlib import Path
from typing import NoReturn

import pytest

from processors.clickhouse.connection import NoClickHouse
from processors.disk import Disk
from processors.errors import ExitCode
from processors.kafka.lag import Group
from processors.settings import Settings
from processors.stack.checks import _group, check_clickhouse, check_data_dir, check_embedded, check_gateway


@pytest.mark.parametrize(
    ("members", "lag", "still", "ok"),
    [(0, 0, False, True), (0, 5, False, False), (1, 5, False, True), (1, 5, True, False)],
)
def test_somebody_has_to_read_what_is_there(members: int, lag: int, still: bool, ok: bool) -> None:
    check = _group("sinks", "sink", Group("Stable", members, lag), "Start it.", still=still)
    assert check.ok is ok
    assert ("none of them is being read" in check.found) is still
    assert check.remedy


@pytest.mark.parametrize(("code", "starts"), [(ExitCode.UNAVAILABLE, True), (ExitCode.MISCONFIGURED, False)])
def test_a_server_that_refuses_us_need_not_be_started(
    monkeypatch: pytest.MonkeyPatch, code: ExitCode, starts: bool
) -> None:
    def refuse(_: Settings) -> NoReturn:
        raise NoClickHouse("why, and what helps", code)

    monkeypatch.setattr("processors.clickhouse.connection.open_clickhouse", refuse)
    [check] = check_clickhouse(Settings())
    assert (check.ok, check.found) == (False, "why, and what helps")
    assert ("Start it" in check.remedy) is starts
    assert check.remedy


def test_that_the_embedded_servers_are_not_installed_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [check.name for check in check_embedded()] == ["Java", "embedded Kafka"]
    monkeypatch.setattr("deploy.local.clickhouse.LocalClickHouse.MODULES", ("no_such_module",))
    [check] = check_embedded()
    assert check.ok
    assert "pip install 'leadstream[local]'" in check.found


@pytest.mark.parametrize(
    ("free", "ok", "found"),
    [
        (10 * 2**30, True, "is writable, 10.0 GiB free"),
        (2**28, False, "is nearly full: 256 MiB"),
        (9, False, "full"),
    ],
)
def test_the_room_on_the_disk_is_looked_at(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, free: int, ok: bool, found: str
) -> None:
    monkeypatch.setattr(Disk, "of", classmethod(lambda _, where: Disk(where, free)))
    check = check_data_dir(tmp_path / "not made yet")
    assert check.ok is ok
    assert found in check.found


def test_a_disk_without_room_for_another_file_is_full() -> None:
    assert Disk(Path(), 2**40, files=0).full
    assert "no more files" in str(Disk(Path(), 2**40, files=0))
    assert not Disk(Path(), 2**40).low


@pytest.mark.parametrize(
    ("url", "found"), [("http://127.0.0.1:1", "Connection refused"), ("here", "no http address")]
)
def test_a_gateway_that_does_not_serve(url: str, found: str) -> None:
    check = check_gateway(url)
    assert not check.ok
    assert found in check.found
