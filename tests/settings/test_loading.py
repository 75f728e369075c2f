"""Where the environment says nothing, the system that runs here is the one that is meant."""

from dataclasses import replace
from pathlib import Path

import pytest

from processors.errors import Misconfigured
from processors.settings import Settings
from processors.settings.listing import rows_of
from processors.settings.loading import (
    agreed_on,
    settings_of_environment,
    source_of,
    unknown_variables,
    variables_of,
)
from processors.settings.running import RunningUp

UP = RunningUp(
    data=Path("/data/of/up"),
    pid=7,
    kafka="127.0.0.1:29092",
    clickhouse="http://leadstream:s3cret@127.0.0.1:8123/leadstream",
    gateway="http://127.0.0.1:8787",
    metrics={},
    settings={"topic_prefix": "x.", "hold": "2h", "partitions": "4"},
)


def test_what_is_not_set_is_that_of_the_running_up() -> None:
    settings = settings_of_environment(UP)
    assert settings.kafka_bootstrap == UP.kafka
    assert settings.clickhouse_address.secret() == UP.clickhouse
    assert settings.data_dir == UP.data
    assert (settings.topic_prefix, settings.hold, settings.partitions) == ("x.", 7_200_000, 4)


@pytest.mark.parametrize("name", ["LEADSTREAM_CLICKHOUSE_URL", "leadstream_clickhouse_url"])
def test_a_variable_always_wins(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "http://db/other")
    monkeypatch.setenv("LEADSTREAM_HOLD", "3h")
    settings = settings_of_environment(UP)
    assert settings.clickhouse_address.secret() == "http://db/other"
    assert settings.kafka_bootstrap == UP.kafka
    assert settings.hold == 10_800_000


def test_a_secret_in_a_file_wins_as_well(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "url").write_text("http://db/other\n")
    monkeypatch.setenv("LEADSTREAM_CLICKHOUSE_URL_FILE", str(tmp_path / "url"))
    assert settings_of_environment(UP).clickhouse_address.secret() == "http://db/other"
    assert source_of("clickhouse_url", UP) == "LEADSTREAM_CLICKHOUSE_URL_FILE"


def test_what_is_agreed_on_belongs_to_its_kafka(monkeypatch: pytest.MonkeyPatch) -> None:
    """The topics of another Kafka are not named as those of the one that runs here."""
    monkeypatch.setenv("LEADSTREAM_KAFKA_BOOTSTRAP", "kafka:9092")
    settings = settings_of_environment(UP)
    assert (settings.topic_prefix, settings.partitions) == ("", 8)
    assert settings.clickhouse_address.secret() == UP.clickhouse


def test_nothing_else_is_taken_from_it() -> None:
    """Whatever its file may say."""
    settings = settings_of_environment(replace(UP, settings={"log_level": "debug", "colour": "blue"}))
    assert settings.log_level == "info"


def test_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADSTREAM_HOLD", "3h")
    rows = rows_of(settings_of_environment(UP), UP)
    sources = {name.removeprefix("LEADSTREAM_").lower(): row["source"] for name, row in rows.items()}
    assert {name for name, source in sources.items() if source == "running up"} == {
        "kafka_bootstrap",
        "clickhouse_url",
        "data_dir",
        "topic_prefix",
        "partitions",
    }
    assert (sources["hold"], sources["retention"]) == ("environment", "default")
    assert "s3cret" not in str(rows)
    assert set(rows_of(Settings())["LEADSTREAM_PARTITIONS"].values()) >= {"default"}


def test_what_it_hands_on_makes_another_process_one_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    here = settings_of_environment(UP)
    variables = variables_of(UP)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    elsewhere = settings_of_environment()
    assert elsewhere.model_copy(update={"data_dir": UP.data}) == here
    assert agreed_on() == UP.settings
    assert unknown_variables() == []


def test_a_contradiction_says_whose_url_that_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADSTREAM_CLICKHOUSE_USERNAME", "me")
    with pytest.raises(Misconfigured, match="LEADSTREAM_CLICKHOUSE_USERNAME") as failure:
        settings_of_environment(UP)
    assert "that of `leadstream up` in /data/of/up" in failure.value.remedy
