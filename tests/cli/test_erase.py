"""Whoever erases sees first what there is; of nobody one yes is too little."""

from typing import Any

import pytest
from click.testing import CliRunner, Result

from processors import workspaces
from processors.cli.main import cli
from processors.people import erasing
from processors.people.holdings import Holdings
from processors.people.identity import Person
from processors.registry.changes import NoSuchWorkspace

ANN = Person("acme", "ann")
HELD = Holdings(ANN, {"touches": 2, "requests": 0, "leads": 1_000}, {"leads": 3, "sales": 0})
ERASED = Holdings(ANN, {}, {}, erased=True)
NOTHING = Holdings(ANN, {}, {}, similar=["Ann"])
NOT_ASKED = Holdings(ANN, {}, None, backlog={"touches": 3}, notes=["ClickHouse is away"])


class Erasing:
    """Finds ``found``, and remembers what was sent."""

    found = HELD
    sent: list[Person]

    def __init__(self, _: object, person: Person) -> None:
        self._person = person

    def look(self, _: object, *, waits: bool) -> Holdings:
        assert not waits
        return self.found

    async def send(self) -> None:
        self.sent.append(self._person)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Person]:
    sent: list[Person] = []
    monkeypatch.setattr(Erasing, "sent", sent, raising=False)
    monkeypatch.setattr(erasing, "Erasing", Erasing)
    monkeypatch.setattr(workspaces, "require_workspace", lambda *_: None)
    return sent


def erase(
    monkeypatch: pytest.MonkeyPatch, found: Holdings, *options: str, answers: str | None = None
) -> Result:
    monkeypatch.setattr(Erasing, "found", found)
    return CliRunner().invoke(cli, ["erase", "acme", "ann", "--no-wait", *options], input=answers)


@pytest.mark.parametrize(
    ("found", "options", "answers", "code"),
    [
        (HELD, [], "y\n", 0),
        (HELD, [], "n\n", 1),
        (HELD, [], "", 2),
        (HELD, ["--yes"], "", 0),
        (ERASED, ["--yes"], "", 0),
        (NOTHING, [], "y\n", 1),
        (NOTHING, [], "Ann\n", 1),
        (NOTHING, [], "\n", 1),
        (NOTHING, [], "", 2),
        (NOTHING, [], "ann\n", 0),
        (NOTHING, ["--yes"], "", 1),
        (NOTHING, ["--yes", "--unknown-too"], "", 0),
        (NOT_ASKED, ["--yes"], "", 1),
        (NOT_ASKED, ["--yes", "--unknown-too"], "", 0),
    ],
)
def test_what_is_sent_and_what_is_not(
    monkeypatch: pytest.MonkeyPatch,
    sent: list[Person],
    found: Holdings,
    options: list[str],
    answers: str,
    code: int,
) -> None:
    result = erase(monkeypatch, found, *options, answers=answers)
    assert result.exit_code == code, result.output
    assert sent == ([] if code else [ANN])


@pytest.mark.usefixtures("sent")
def test_what_there_is_comes_before_the_question(monkeypatch: pytest.MonkeyPatch) -> None:
    told = erase(monkeypatch, HELD, answers="n\n")
    assert told.stdout.splitlines()[:3] == [
        "'ann' of workspace 'acme':",
        "  in the workers' state  touches 2, leads 1,000",
        "  in ClickHouse          leads 3",
    ]
    assert "Forget 'ann' of workspace 'acme' for ever?" in told.stderr
    assert "  in the workers' state  erased already\n" in erase(monkeypatch, ERASED, "--yes").stdout

    told = erase(monkeypatch, NOTHING, answers="y\n")
    assert "  in ClickHouse          nothing\n" in told.stdout
    assert "Ids that differ in case are different customers: Ann?" in told.stderr
    assert "nothing was sent: what was typed is something else" in told.stderr

    told = erase(monkeypatch, NOT_ASKED, "--yes")
    assert "note: ClickHouse is away\n" in told.stderr
    assert "  in ClickHouse          not known\n" in told.stdout
    assert "when the workers have caught up" in told.stderr
    assert "--unknown-too" in told.stderr


def test_a_workspace_that_there_is_not(monkeypatch: pytest.MonkeyPatch, sent: list[Person]) -> None:
    def missing(_: Any, workspace_id: str) -> None:
        raise NoSuchWorkspace(workspace_id, ["acme2"])

    monkeypatch.setattr(workspaces, "require_workspace", missing)
    for options in ([], ["--yes"]):
        told = erase(monkeypatch, NOTHING, *options, answers="ann\n")
        assert told.exit_code == 1
        assert "there is no workspace acme; did you mean acme2?" in told.stderr
    assert sent == []
    assert erase(monkeypatch, NOTHING, "--yes", "--unknown-too").exit_code == 0
