"""The command line as a whole: its help, its errors, its exit codes."""

import re
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError

from deploy.local.errors import DataDirectoryInUse, LocalServerError
from processors.cli import main as main_module
from processors.cli.errors import UserError, explained
from processors.cli.lazy import Lazy, LazyGroup
from processors.cli.main import cli, main
from processors.engine.errors import EngineError, TopicsMismatch
from processors.errors import CheckFailed, Misconfigured

NOWHERE = click.Context(cli)
COMMANDS = cli.list_commands(NOWHERE)


def groups_in(group: click.Group, path: str = "") -> Iterator[tuple[str, list[str]]]:
    """Each by the words that lead to it, and the names of what is in it."""
    for name in group.list_commands(NOWHERE):
        if isinstance(found := group.get_command(NOWHERE, name), click.Group):
            yield f"{path}{name}", found.list_commands(NOWHERE)
            yield from groups_in(found, f"{path}{name} ")


GROUPS = dict(groups_in(cli))
SUBCOMMANDS = [f"{group} {name}" for group, names in GROUPS.items() for name in names]


def test_the_help_lists_every_command(runner: CliRunner) -> None:
    result = runner.invoke(cli, ["--help"])
    assert result.exit_code == 0
    for name in COMMANDS:
        assert f"\n  {name} " in result.output


@pytest.mark.parametrize("command", [*COMMANDS, *SUBCOMMANDS])
def test_every_command_explains_itself(runner: CliRunner, command: str) -> None:
    result = runner.invoke(cli, [*command.split(), "--help"])
    assert result.exit_code == 0, result.output
    assert len(result.output) > 150
    assert command in (*GROUPS, "version") or "Exit codes: 0" in result.output


def test_help_comes_at_once() -> None:
    """Nothing that takes long to load is loaded for it."""
    script = (
        "import sys, processors.cli.main as main\n"
        "try: main.main()\n"
        "finally: print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script, "--help"], check=True, capture_output=True)
    loaded = set(done.stderr.decode().split())
    assert "click" in loaded
    assert not loaded & {"faust", "aiokafka", "clickhouse_connect", "rocksdict", "numpy", "rich.progress"}


def test_version(runner: CliRunner) -> None:
    result = runner.invoke(cli, ["version"])
    assert result.exit_code == 0
    assert re.match(
        r"leadstream 0\.[\d.]+, (not )?compiled\nPython 3\.[\d.]+, (built with(out)? PGO|PGO unknown), on ",
        result.output,
    )
    assert "aiokafka 0.14.0" in result.output


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["send"], ["topics", "nonsense"], ["up", "--workers", "0"]]
)
def test_wrong_usage_is_2(arguments: list[str]) -> None:
    assert main(arguments) == 2


def test_a_wrong_setting_is_78_and_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LEADSTREAM_PARTITIONS", "many")
    monkeypatch.setenv("LEADSTREAM_HOLD", "a while")
    assert main(["topics", "check"]) == 78
    error = capsys.readouterr().err
    assert "LEADSTREAM_PARTITIONS" in error
    assert "LEADSTREAM_HOLD: not a duration: 'a while'" in error
    assert "Traceback" not in error


def test_a_mistyped_setting_is_noticed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LEADSTREAM_PARTITION", "4")
    assert main(["config"]) == 0
    assert (
        "LEADSTREAM_PARTITION is no setting; did you mean LEADSTREAM_PARTITIONS?" in capsys.readouterr().err
    )


@pytest.mark.parametrize("name", ["LEADSTRAEM_PARTITIONS", "LEADSTREM_PARTITIONS", "Leadstreams_Partitions"])
def test_so_is_one_whose_prefix_is_mistyped(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    monkeypatch.setenv(name, "4")
    monkeypatch.setenv("BEDSTREAM_PARTITIONS", "4")
    monkeypatch.setenv("LEADSTREAMER_HOME", "/opt")
    assert main(["config"]) == 0
    assert capsys.readouterr().err == (
        f"warning: {name} is no setting; did you mean LEADSTREAM_PARTITIONS?\n"
    )


@click.command()
@click.argument("kind")
def fail(kind: str) -> None:
    raise {
        "bug": ZeroDivisionError("no such thing"),
        "interrupt": KeyboardInterrupt(),
        "check": CheckFailed("three things are wrong", "Mend them."),
    }[kind]


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        main_module, "cli", LazyGroup("leadstream", lazy={"fail": Lazy(f"{__name__}:fail", "")})
    )


@pytest.mark.parametrize(
    ("kind", "code", "said"),
    [
        ("bug", 70, "error: ZeroDivisionError: no such thing"),
        ("interrupt", 130, "interrupted"),
        ("check", 1, "error: three things are wrong\n  Mend them."),
    ],
)
@pytest.mark.usefixtures("failing")
def test_errors_are_a_line_or_two(
    capsys: pytest.CaptureFixture[str], kind: str, code: int, said: str
) -> None:
    assert main(["fail", kind]) == code
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error


def clickhouse_error(text: str, code: int) -> DatabaseError:
    """As the driver raises it for what the server answers."""
    error = DatabaseError(text)
    error.code = code
    return error


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (Misconfigured("x"), UserError, 78),
        (LocalServerError("no Java"), UserError, 69),
        (DataDirectoryInUse(main_module.__file__, 1), UserError, 73),  # type: ignore[arg-type]
        (TopicsMismatch("a topic"), UserError, 78),
        (EngineError("a guard"), UserError, 70),
        (RuntimeError("a bug"), UserError, 70),
        (clickhouse_error("SELECT ON leadstream.leads_raw", 497), UserError, 78),
        (clickhouse_error("leadstream.customers does not exist", 60), UserError, 78),
        (clickhouse_error("too many simultaneous queries", 202), UserError, 69),
        (OperationalError("Connection refused"), UserError, 69),
        (clickhouse_error("an argument of another type", 43), UserError, 70),
        (click.UsageError("x"), click.UsageError, 2),
    ],
)
def test_what_each_error_becomes(error: Exception, kind: type[click.ClickException], code: int) -> None:
    told = explained(error)
    assert isinstance(told, kind)
    assert told.exit_code == code
    assert str(error) in told.message
