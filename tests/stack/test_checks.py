"""Does somebody read what is there to be read?"""

from typing import NoReturn

import pytest

from processors.clickhouse.connection import NoClickHouse
from processors.errors import ExitCode
from processors.kafka.lag import Group
from processors.settings import Settings
from processors.stack.checks import _group, check_clickhouse, check_embedded


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
