"""How the processes of `leadstream up` connect."""

from pathlib import Path

import pytest

from processors.clickhouse.url import ClickHouseUrl
from processors.settings import Settings
from processors.stack.running import Plan, _services

ELSEWHERE = {
    "LEADSTREAM_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
    "LEADSTREAM_KAFKA_PASSWORD_FILE": "/run/secrets/kafka",
    "LEADSTREAM_CLICKHOUSE_USERNAME": "me",
}


@pytest.mark.parametrize(
    ("kafka", "clickhouse", "kept"),
    [
        (None, None, set()),
        ("kafka:9092", None, {"LEADSTREAM_KAFKA_SECURITY_PROTOCOL", "LEADSTREAM_KAFKA_PASSWORD_FILE"}),
        (None, "https://ch/d", {"LEADSTREAM_CLICKHOUSE_USERNAME"}),
    ],
)
def test_how_one_connects_to_others_is_not_for_what_is_embedded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kafka: str | None, clickhouse: str | None, kept: set[str]
) -> None:
    for name, value in ELSEWHERE.items():
        monkeypatch.setenv(name, value)
    plan = Plan(tmp_path, kafka, ClickHouseUrl.parse(clickhouse) if clickhouse else None, 1)
    settings = Settings.model_construct()
    for service in _services(plan, settings):
        assert service.env["LEADSTREAM_KAFKA_BOOTSTRAP"] == settings.kafka_bootstrap
        assert ELSEWHERE.keys() & service.env.keys() == kept
