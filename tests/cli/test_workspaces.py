"""A typo in a workspace is no all-clear: every command that finds nothing asks whether there is one."""

from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner

from processors import workspaces
from processors.audit.report import Counts, Summary
from processors.cli import auditing
from processors.cli import refusals as listing
from processors.cli.main import cli
from processors.clickhouse.connection import NoClickHouse
from processors.errors import CheckFailed, ExitCode
from processors.people.identity import Person
from processors.people.tracing import Found
from processors.registry.changes import NoSuchWorkspace
from processors.settings import Settings
from processors.workspaces import require_workspace


class Stored:
    """A ClickHouse with rows of one workspace."""

    def query(self, _sql: str, parameters: dict[str, Any] | None = None, settings: object = None) -> "Stored":
        known = [{"workspace_id": "acme"}]
        self._rows = known if settings else [one for one in known if parameters == {"workspace": "acme"}]
        return self

    def named_results(self) -> Iterator[dict[str, str]]:
        return iter(self._rows)

    def close(self) -> None:
        pass


@pytest.fixture(autouse=True)
def system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workspaces, "registered", lambda _: {"globex"})
    monkeypatch.setattr(auditing, "registered", lambda _: {"globex"})
    for home in (workspaces, auditing):
        monkeypatch.setattr(home, "open_clickhouse", lambda _: Stored())


class NothingFound:
    foreign = 0

    def __init__(self, *_: object) -> None:
        self.missing: set[object] = set()
        self.workspaces = {"initech"}

    async def newest(self, *_: object) -> list[object]:
        return []

    async def find(self) -> Any:
        for one in list[Any]():
            yield one


class NothingReplayed:
    """As ``Replay``, of nothing."""

    def __init__(self, *_: object, **__: object) -> None:
        self.by_topic: dict[str, int] = {}
        self.left_alone: dict[str, int] = {}
        self.missing: set[object] = set()
        self.workspaces = {"initech"}

    async def run(self) -> None:
        pass

    rehearse = run

    def lines(self, *, dry_run: bool) -> list[str]:
        return [f"nothing, {dry_run}"]


class NothingAudited:
    steps = 1

    def __init__(self, *_: object, **__: object) -> None:
        self.summary = Summary(kinds={"lead": Counts()})
        self.others = {"acme"}

    async def read(self, *_: object) -> None:
        pass

    def verdicts(self, _: object) -> Iterator[Any]:
        return iter(())


VIEWS = ("customers", "leads", "sales", "unmatched")
COMMANDS = [
    ["dlq", "list", "--workspace", "ID"],
    ["dlq", "list", "--json", "--workspace", "ID"],
    ["dlq", "replay", "--workspace", "ID"],
    ["dlq", "replay", "--dry-run", "--workspace", "ID"],
    ["unmatched", "list", "--workspace", "ID"],
    ["unmatched", "replay", "--workspace", "ID"],
    ["audit", "--workspace", "ID"],
    ["audit", "--no-clickhouse", "--workspace", "ID"],
    ["trace", "ID", "u1"],
]


@pytest.fixture
def nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "Finder", NothingFound)
    monkeypatch.setattr(listing, "Replay", NothingReplayed)
    monkeypatch.setattr(auditing, "Audit", NothingAudited)
    found = Found(Person("acem", "u1"), clickhouse={view: [] for view in VIEWS})
    monkeypatch.setattr("processors.people.tracing.find", lambda *_: found)


@pytest.mark.usefixtures("nothing")
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_workspace_that_there_is_not(runner: CliRunner, command: list[str]) -> None:
    result = runner.invoke(cli, ["acem" if one == "ID" else one for one in command])
    assert result.exit_code == 1
    assert "there is no workspace acem; did you mean acme?\n" in result.stderr
    assert "globex" in result.stderr
    assert ("initech" in result.stderr) == (command[0] in ("dlq", "unmatched"))
    # Of events that all wait, nothing is in a table yet.
    assert ("`leadstream trace` shows them" in result.stderr) == ("--no-clickhouse" not in command)


@pytest.mark.usefixtures("nothing")
@pytest.mark.parametrize("command", COMMANDS[:-2], ids=" ".join)
@pytest.mark.parametrize("known", ["acme", "globex"])
def test_nothing_found_of_one_that_there_is(runner: CliRunner, command: list[str], known: str) -> None:
    """By its events, or registered and without any."""
    result = runner.invoke(cli, [known if one == "ID" else one for one in command])
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("wrong", ["", " ", "a b", "acme\udcff", "x" * 65])
def test_what_no_workspace_is_called(runner: CliRunner, command: list[str], wrong: str) -> None:
    assert runner.invoke(cli, [wrong if one == "ID" else one for one in command]).exit_code == 2


def test_without_clickhouse_nobody_says_that_all_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_: Settings) -> None:
        raise NoClickHouse("it does not answer", ExitCode.UNAVAILABLE)

    monkeypatch.setattr(workspaces, "open_clickhouse", away)
    require_workspace(Settings(), "globex")
    with pytest.raises(CheckFailed, match=r"not registered, and .* it does not answer"):
        require_workspace(Settings(), "acme")


def test_few_are_named_and_the_close_ones_first() -> None:
    known = [f"shop{number}" for number in range(500)] + ["Acme", "acme2"]
    error = NoSuchWorkspace("acem", known)
    assert error.cause == "there is no workspace acem; did you mean Acme or acme2?"
    assert error.remedy.startswith("There are Acme, acme2, shop0, ")
    assert error.remedy.endswith(", and 492 more.")
    assert NoSuchWorkspace("x", ["acme"]).remedy == "There is acme."
    assert "workspace list" in NoSuchWorkspace("x").remedy
