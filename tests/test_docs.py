"""What the documentation names is there: files, headings, settings, reasons, commands and their options."""

import re
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest

from processors.cli.main import cli
from processors.settings import PREFIX, Settings, variable
from processors.settings.loading import UP_CLICKHOUSE
from processors.settings.part import file_variable, is_secret
from schemas.reasons import DeadLetterReason, UnmatchedReason
from schemas.routing import place_of
from schemas.times import to_ms
from schemas.topics import Topic

ROOT = Path(__file__).parents[1]
PAGES = {path.relative_to(ROOT): path.read_text() for path in (ROOT / "README.md", *ROOT.glob("docs/*.md"))}
OPERATIONS = PAGES[Path("docs/operations.md")]
_LINK = re.compile(r"\]\(([^)#]*)(?:#([^)]*))?\)")
_FILE = re.compile(r"`((?:processors|schemas|tests|bench|deploy|docs)/[\w/.-]*)`")
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
_COMMAND = re.compile(rf"^(?:{PREFIX}\w+=\S+ )*leadstream ([a-z][^|#\n]*)", re.MULTILINE)
_IN_TEXT = re.compile(rf"`(?:{PREFIX}\w+=\S+ )*leadstream ([a-z][^`|]*)`")
_VARIABLE = re.compile(rf"{PREFIX}[A-Z_]*[A-Z]\b(?!_?\*)")

on_every_page = pytest.mark.parametrize("page", PAGES, ids=str)


def anchors(text: str) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@on_every_page
def test_links_lead_somewhere(page: Path) -> None:
    for link, anchor in _LINK.findall(PAGES[page]):
        target = (ROOT / page.parent / link).resolve() if link else ROOT / page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target.read_text()), f"{link}#{anchor}"


@on_every_page
def test_files_that_are_named_are_there(page: Path) -> None:
    for name in _FILE.findall(PAGES[page]):
        assert (ROOT / name).exists(), name


@on_every_page
def test_settings_that_are_named_are_there(page: Path) -> None:
    secrets = {file_variable(field) for field, info in Settings.model_fields.items() if is_secret(info)}
    known = (
        {variable(field) for field in Settings.model_fields}
        | secrets
        | {UP_CLICKHOUSE, "LEADSTREAM_GATEWAY_URL"}
    )
    assert set(_VARIABLE.findall(PAGES[page])) <= known


@pytest.mark.parametrize("reason", [*DeadLetterReason, *UnmatchedReason])
def test_operators_can_look_up_every_reason(reason: str) -> None:
    assert re.search(rf"^\|.*`{reason}`.*\|.*\|$", OPERATIONS, re.MULTILINE)


def commands(text: str) -> Iterator[str]:
    shown = [block for language, block in _BLOCK.findall(text) if language in ("", "sh")]
    for one in (*_COMMAND.findall("\n".join(shown)), *_IN_TEXT.findall(_BLOCK.sub("", text))):
        # Some show what may be added.
        yield re.sub(r"\[(--[^]]*)\]", r"\1", " ".join(one.split()))


COMMANDS = sorted({one for text in PAGES.values() for one in commands(text)})


@pytest.mark.parametrize("line", COMMANDS)
def test_commands_that_are_shown_are_taken(line: str) -> None:
    words = shlex.split(line)
    command: click.Command = cli
    context = click.Context(cli)
    while words and isinstance(command, click.Group):
        if command.invoke_without_command and words[0].startswith("-"):
            break  # options of its own, and no command
        found = command.get_command(context, words.pop(0))
        assert found is not None
        command, context = found, click.Context(found)
    command.make_parser(context).parse_args(words)


def test_the_events_that_are_shown_are_events() -> None:
    lines = [line for line in PAGES[Path("README.md")].splitlines() if line.startswith('{"type":')]
    now_ms = to_ms(datetime(2026, 12, 1, tzinfo=UTC))
    assert [place_of(line.encode(), now_ms).topic for line in lines] == [
        *(Topic.CLICKS, Topic.DEFERRED_LEADS, Topic.QUALIFICATIONS, Topic.PURCHASES)
    ]


def test_there_are_commands_to_look_at() -> None:
    assert len(COMMANDS) > 30
