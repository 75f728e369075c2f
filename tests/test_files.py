"""Files that nobody else is to read, and what files there are."""

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from processors.files import OTHERS, found_in, open_private, own_directory, tighten


@pytest.fixture(autouse=True)
def a_generous_umask() -> Iterator[None]:
    before = os.umask(0o000)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def test_a_directory_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    own_directory(tmp_path / "a" / "b")
    assert mode(tmp_path / "a" / "b") == 0o700
    assert mode(tmp_path / "a") == 0o700


def test_one_that_is_there_is_tightened(tmp_path: Path) -> None:
    own_directory(tmp_path)
    assert mode(tmp_path) == 0o700


def test_everything_below_is_tightened_and_nothing_beside(tmp_path: Path) -> None:
    inside, beside = tmp_path / "inside", tmp_path / "beside"
    (inside / "deep").mkdir(parents=True, mode=0o777)
    for path in (inside / "deep" / "file", inside / "run", beside):
        path.write_text("")
    (inside / "run").chmod(0o755)
    (inside / "link").symlink_to(beside)
    tighten(inside)
    assert mode(inside / "run") == 0o700
    assert mode(inside / "deep" / "file") == 0o600
    assert all(path.is_symlink() or not mode(path) & OTHERS for path in [inside, *inside.rglob("*")])
    assert mode(beside) == 0o666


def test_what_vanishes_meanwhile_is_no_matter(tmp_path: Path) -> None:
    tighten(tmp_path / "gone")


def test_a_file_is_private_from_its_first_moment(tmp_path: Path) -> None:
    with open_private(tmp_path / "log", "wb") as file:
        file.write(b"x")
    assert mode(tmp_path / "log") == 0o600


def test_what_is_found_may_vanish_meanwhile(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    for name in ("one", "two", "deep/three"):
        (tmp_path / name).write_text(name)
    finding = found_in(tmp_path)
    first, found = next(finding)  # the names of the rest are read by now
    assert (first, stat.S_ISDIR(found.st_mode)) == (tmp_path / "deep", True)
    second, _ = next(finding)
    assert second in {tmp_path / "one", tmp_path / "two"}
    shutil.rmtree(tmp_path)
    assert list(finding) == []
