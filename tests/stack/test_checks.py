"""Does somebody read what is there to be read?"""

import pytest

from processors.kafka.lag import Group
from processors.stack.checks import _group, check_embedded


@pytest.mark.parametrize(
    ("members", "lag", "still", "ok"),
    [(0, 0, False, True), (0, 5, False, False), (1, 5, False, True), (1, 5, True, False)],
)
def test_somebody_has_to_read_what_is_there(members: int, lag: int, still: bool, ok: bool) -> None:
    check = _group("sinks", "sink", Group("Stable", members, lag), "Start it.", still=still)
    assert check.ok is ok
    assert ("none of them is being read" in check.found) is still
    assert check.remedy


def test_that_the_embedded_servers_are_not_installed_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [check.name for check in check_embedded()] == ["Java", "embedded Kafka"]
    monkeypatch.setattr("deploy.local.clickhouse.LocalClickHouse.MODULES", ("no_such_module",))
    [check] = check_embedded()
    assert check.ok
    assert "pip install 'leadstream[local]'" in check.found
