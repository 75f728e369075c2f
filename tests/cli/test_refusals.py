"""What the commands about refusals take, and how they fail."""

import time

import click
import pytest
from click.testing import CliRunner

from processors.cli.main import cli
from processors.cli.parameters import MOMENT
from processors.cli.refusal_options import ID
from processors.refusals.selection import Id
from schemas.times import DAY_MS

NOW = 1_780_000_000_000


def test_moments_and_ids() -> None:
    moment = MOMENT
    assert moment.convert("2026-05-28T20:26:40Z", None, None) == NOW
    assert moment.convert("2026-05-28T22:26:40+02:00", None, None) == NOW
    assert moment.convert("2026-05-28", None, None) == moment.convert("2026-05-28T00:00Z", None, None)
    ago = time.time_ns() // 1_000_000 - moment.convert("24h", None, None)
    assert abs(ago - DAY_MS) < 60_000
    assert ID.convert("3:42", None, None) == Id(3, 42)
    for wrong in ("yesterday", "24 parsecs", ""):
        with pytest.raises(click.BadParameter, match="24h for 24 hours ago"):
            moment.convert(wrong, None, None)
    for wrong in ("3", "3:", ":3", "-1:2", "a:b", "3:²", "1:" + "9" * 5000):
        with pytest.raises(click.BadParameter, match="partition:offset"):
            ID.convert(wrong, None, None)


@pytest.mark.parametrize(
    "arguments",
    [
        ["dlq", "show"],
        ["dlq", "show", "x"],
        ["dlq", "list", "--reason", "boredom"],
        ["dlq", "replay", "--rate", "0"],
        ["unmatched", "list", "--since", "tomorrow"],
    ],
)
def test_wrong_usage(runner: CliRunner, arguments: list[str]) -> None:
    assert runner.invoke(cli, arguments).exit_code == 2


@pytest.mark.parametrize(
    ("command", "reason", "topic"),
    [("dlq", "schema_violation", "touches"), ("unmatched", "click_not_found", "purchases")],
)
def test_reasons_and_topics_are_written_as_they_are_everywhere(
    runner: CliRunner, monkeypatch: pytest.MonkeyPatch, command: str, reason: str, topic: str
) -> None:
    monkeypatch.setenv("LEADSTREAM_KAFKA_BOOTSTRAP", "127.0.0.1:1")
    assert runner.invoke(cli, [command, "list", "--reason", reason, "--topic", topic]).exit_code == 69


@pytest.mark.parametrize(
    "command", [["dlq", "list"], ["dlq", "replay"], ["unmatched", "replay", "--dry-run"]]
)
def test_without_a_broker(runner: CliRunner, monkeypatch: pytest.MonkeyPatch, command: list[str]) -> None:
    monkeypatch.setenv("LEADSTREAM_KAFKA_BOOTSTRAP", "127.0.0.1:1")
    result = runner.invoke(cli, command)
    assert result.exit_code == 69
    assert result.stdout == ""
    assert "no Kafka broker answers at 127.0.0.1:1" in result.stderr
