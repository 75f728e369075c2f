"""What the commands about refusals take, and how they fail."""

import time
from collections import Counter

import click
import pytest
from click.testing import CliRunner

from processors.cli import refusals as listing
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


class Replayed:
    """As ``Replay``, of three records, two of which would be read; remembers what was done."""

    done: list[str]

    def __init__(self, *_: object, **__: object) -> None:
        self.by_topic: Counter[str] = Counter()
        self.left_alone: Counter[str] = Counter()
        self.missing: set[Id] = set()

    async def rehearse(self) -> None:
        self.by_topic["clicks"] = 3
        self.done.append("rehearsed")

    async def run(self) -> None:
        self.by_topic["clicks"] = 3
        self.done.append("sent")

    def lines(self, *, dry_run: bool) -> list[str]:
        return [f"{'would replay' if dry_run else 'replayed'} 3: this version reads 2 of them"]


@pytest.mark.parametrize("command", ["dlq", "unmatched"])
@pytest.mark.parametrize(
    ("options", "answer", "code", "done"),
    [
        ([], "y\n", 0, ["rehearsed", "sent"]),
        ([], "n\n", 1, ["rehearsed"]),
        ([], "\n", 1, ["rehearsed"]),
        ([], "", 2, ["rehearsed"]),
        (["--yes"], "", 0, ["sent"]),
        (["--dry-run"], "", 0, ["rehearsed"]),
        (["--since", "1d"], "", 0, ["sent"]),
        (["0:1"], "", 0, ["sent"]),
    ],
)
def test_a_replay_of_everything_asks_and_says_how_many_would_be_read(
    runner: CliRunner,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    options: list[str],
    answer: str,
    code: int,
    done: list[str],
) -> None:
    monkeypatch.setattr(Replayed, "done", [], raising=False)
    monkeypatch.setattr(listing, "Replay", Replayed)
    result = runner.invoke(cli, [command, "replay", *options], input=answer)
    assert result.exit_code == code, result.output
    assert Replayed.done == done
    asked = "No filter is given. Replay all 3 " in result.stderr
    assert asked == (done[0] == "rehearsed" and options == [])
    assert ("would replay 3: this version reads 2 of them\n" in result.stderr) == asked
    assert (code == 2) == ("With --yes nobody is asked." in result.stderr)
