"""How ``leadstream up`` connects to servers that are named on its command line."""

from pathlib import Path
from typing import Any

import pytest

from processors.cli import running
from processors.cli.main import main

HTTP, HTTPS = "http://me:s3cret@127.0.0.1:1/d", "https://me:s3cret@127.0.0.1:1/d"


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Any]:
    """The settings with which it would have begun."""
    begun: list[Any] = []

    def run(_plan: Any, settings: Any, _demo: Any) -> int:
        begun.append(settings)
        return 0

    monkeypatch.setattr(running, "run", run)
    monkeypatch.chdir(tmp_path)
    return begun


def test_the_settings_are_for_the_servers_that_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ran: list[Any]
) -> None:
    """Whatever the URL is that the other commands use."""
    (tmp_path / "ca.pem").write_text("PEM")
    monkeypatch.setenv("LEADSTREAM_CLICKHOUSE_CA_FILE", str(tmp_path / "ca.pem"))
    assert main(["up", "--kafka", "127.0.0.1:1", "--clickhouse", HTTPS]) == 0
    [settings] = ran
    assert settings.kafka_bootstrap == "127.0.0.1:1"
    assert settings.clickhouse_address.secret() == HTTPS


@pytest.mark.parametrize(
    ("variable", "value"),
    [("LEADSTREAM_CLICKHOUSE_USERNAME", "you"), ("LEADSTREAM_CLICKHOUSE_CA_FILE", __file__)],
)
def test_what_does_not_fit_them_is_said_before_anything_begins(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    ran: list[Any],
    variable: str,
    value: str,
) -> None:
    """The URL is of a server that is known by now, not of one that each worker finds out about."""
    monkeypatch.setenv(variable, value)
    monkeypatch.setenv("LEADSTREAM_CLICKHOUSE_URL", "https://other/d")
    assert main(["up", "--clickhouse", HTTP]) == 78
    told = capsys.readouterr()
    assert variable in told.err
    assert "s3cret" not in told.out + told.err
    assert ran == []


def test_an_address_that_is_none_begins_nothing(capsys: pytest.CaptureFixture[str], ran: list[Any]) -> None:
    assert main(["up", "--kafka", "localhost", "--clickhouse", HTTP]) == 78
    assert "not addresses" in capsys.readouterr().err
    assert ran == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--kafka", "127.0.0.1:1", "--clickhouse", HTTP], "no Kafka broker answers at 127.0.0.1:1"),
        (["--clickhouse", HTTP], "ClickHouse at 127.0.0.1:1 cannot be reached"),
    ],
)
def test_a_server_that_does_not_answer_is_named_with_its_option_before_anything_begins(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    options: list[str],
    said: str,
) -> None:
    monkeypatch.setattr("processors.stack.running._check_installed", lambda _: None)
    assert main(["up", "--data", str(tmp_path / "data"), *options]) == 69
    told = capsys.readouterr().err
    assert said in told
    assert options[0] in told
    assert "LEADSTREAM_" not in told
    assert not (tmp_path / "data").exists()
