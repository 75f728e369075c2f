"""What is given on the command line reaches a command in the form in which it is used."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from bench import command as bench_command
from processors.cli.main import cli
from processors.cli.parameters import PathType
from processors.settings import Settings

PLANTED = "s3cr3t"


def commands(group: click.Group) -> Iterator[click.Command]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield from commands(command) if isinstance(command, click.Group) else [command]


def test_every_path_is_made_whole() -> None:
    paths = [
        parameter.type
        for command in commands(cli)
        for parameter in command.params
        if isinstance(parameter.type, click.Path)
    ]
    assert len(paths) >= 4
    assert all(isinstance(path, PathType) for path in paths)


def test_the_bench_is_told_of_a_directory_that_its_processes_find(
    runner: CliRunner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """They work in other directories than we do."""
    told: list[Path] = []

    def measure(_todo: Any, _parts: Any, _quick: Any, _kafka: Any, out: Path, _results: Any) -> None:
        told.append(out)

    monkeypatch.setattr(bench_command, "_measure", measure)
    monkeypatch.chdir(tmp_path)
    assert runner.invoke(cli, ["bench", "--only", "leadstream"]).exit_code == 0
    assert runner.invoke(cli, ["bench", "--only", "leadstream", "--out", "a/../b"]).exit_code == 0
    assert told == [tmp_path.resolve() / "bench-results", tmp_path.resolve() / "b"]


def test_a_data_directory_is_whole_whoever_named_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert Settings().data_dir == tmp_path / ".leadstream"
    monkeypatch.setenv("LEADSTREAM_DATA_DIR", "state")
    assert Settings().data_dir == tmp_path / "state"


@pytest.mark.parametrize("by_environment", [True, False])
def test_up_refuses_a_wrong_url_at_once_and_does_not_repeat_it(
    runner: CliRunner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, by_environment: bool
) -> None:
    url = f"http://me:{PLANTED}/x@db:8123/leadstream"
    given = [] if by_environment else ["--clickhouse", url]
    if by_environment:
        monkeypatch.setenv("LEADSTREAM_UP_CLICKHOUSE", url)
    result = runner.invoke(cli, ["up", "--data", str(tmp_path / "data"), *given])
    assert result.exit_code == 78
    assert "--clickhouse: not a ClickHouse URL" in result.output
    assert PLANTED not in result.output
    assert "no setting" not in result.output
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("url", "into"), [("http://me@db/leadstream", "lead`stream"), ("chdb:///somewhere", "leadstream_2")]
)
def test_a_replay_goes_into_nothing_that_is_no_database(
    runner: CliRunner, monkeypatch: pytest.MonkeyPatch, url: str, into: str
) -> None:
    monkeypatch.setenv("LEADSTREAM_CLICKHOUSE_URL", url)
    result = runner.invoke(cli, ["replay", "clickhouse", "--into", into])
    assert result.exit_code == 2
    assert "--into" in result.output
