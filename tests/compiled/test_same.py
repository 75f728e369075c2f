"""Compiled or not, it is one program: the same results and the same words, to the byte."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.machinery import EXTENSION_SUFFIXES
from itertools import zip_longest
from pathlib import Path
from typing import Final, NamedTuple
from zipfile import ZipFile

import pytest

from tests.compiled import building, fuzz
from tests.compiled.building import MODULES, SWITCH, Failed, is_compiled
from tests.light import ROOT

RECORDS: Final = 100_000

pytestmark = pytest.mark.integration  # of the minutes that it takes, most are a compiler's


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("compiled")
    source = directory / "source"
    source.mkdir()
    building.as_in_the_image(source)
    try:
        # What a C compiler takes a minute for makes it faster, and no different.
        made = building.wheel(directory, source, **{SWITCH: "true", "CFLAGS": "-O0"})
    except Failed as error:
        pytest.fail(f"no wheel with compiled modules was built:\n{error}", pytrace=False)
    assert not made.name.endswith("-any.whl"), "it is for this platform alone"
    building.tree(made, directory / "tree")
    return directory / "tree"


class Run(NamedTuple):
    files: list[str]
    digests: list[str]


def fuzzed(tree: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", fuzz.__name__, *arguments]
    env = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONSAFEPATH")}
    return subprocess.Popen(command, cwd=tree, env=env, stdout=subprocess.PIPE, text=True)


def both(tree: Path, *arguments: str) -> Iterator[list[str]]:
    """At the same time: what each of them says."""
    with fuzzed(ROOT, *arguments) as pure, fuzzed(tree, *arguments) as compiled:
        said = [process.communicate()[0].splitlines() for process in (pure, compiled)]
    assert (pure.returncode, compiled.returncode) == (0, 0)
    yield from said


@pytest.mark.timeout(1_800)  # beside the tests of everything else a compiler takes its time
@pytest.mark.parametrize("process", fuzz.FUZZED)
def test_fuzzed_records_lead_to_the_same(tree: Path, process: str) -> None:
    asked = process, str(RECORDS)
    pure, compiled = (Run(json.loads(said[0]), said[1:]) for said in both(tree, *asked))
    assert not any(map(is_compiled, pure.files))
    assert [is_compiled(file) for file in compiled.files] == [True] * len(MODULES)
    assert len(pure.digests) > RECORDS / 150
    for number, (one, other) in enumerate(zip_longest(pure.digests, compiled.digests)):
        if one != other:
            lines = zip_longest(*both(tree, *asked, str(number)))
            pytest.fail("\n".join(next(pair for pair in lines if pair[0] != pair[1])), pytrace=False)


def test_sources_lie_beside_what_was_compiled_of_them(tree: Path) -> None:
    """So that a traceback shows them."""
    for path in MODULES:
        assert tree.joinpath(path).read_bytes() == ROOT.joinpath(path).read_bytes()
    script = "from schemas.times import parse_rfc3339; parse_rfc3339('2026-01-01T00:00:00')"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tree, capture_output=True, text=True, check=False
    )
    assert 'raise ValueError(f"a time without an offset: {text}")' in done.stderr


def test_a_compiled_command_says_so(tree: Path) -> None:
    command = [sys.executable, "-m", "processors.cli.main", "version"]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[0].endswith(", compiled")


def test_a_compiled_bench_measures_itself(tree: Path, tmp_path: Path) -> None:
    """Nothing is built for it."""
    command = [
        sys.executable,
        "-m",
        "processors.cli.main",
        "bench",
        "rewards",
        "--leads",
        "1000",
        "--runs",
        "1",
    ]
    env = os.environ | {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    done = subprocess.run(command, cwd=tree, env=env, capture_output=True, text=True, check=True)
    assert "| a monthly cap | " in done.stdout
    assert not (tmp_path / "cache").exists()


def test_what_was_compiled_before_is_in_no_wheel_that_is_not(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    building.as_in_the_image(source)
    left = (source / MODULES[0]).with_suffix(EXTENSION_SUFFIXES[0])
    left.touch()
    with ZipFile(building.wheel(tmp_path, source)) as made:
        names = made.namelist()
    assert MODULES[0] in names
    assert str(left.relative_to(source)) not in names


def test_without_a_compiler_it_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(Failed) as failed:
        building.wheel(tmp_path, **{SWITCH: "true", "CC": str(tmp_path / "no-compiler")})
    assert "cannot be compiled: there is no " in str(failed.value)
    assert "apt-get install gcc libc6-dev python3-dev" in str(failed.value)


def test_without_the_switch_no_compiler_is_needed(tmp_path: Path) -> None:
    made = building.wheel(tmp_path, CC=str(tmp_path / "no-compiler"))
    assert made.name.endswith("-py3-none-any.whl")
