"""A worker's data directory is one process's, and one user's."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from processors.engine.state.data_dir import claim
from processors.files import OTHERS


@pytest.fixture(autouse=True)
def a_generous_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.parametrize("there_already", [True, False])
def test_no_other_user_reads_the_states(tmp_path: Path, there_already: bool) -> None:
    directory = tmp_path / "worker"
    if there_already:
        (directory / "state" / "clicks-0").mkdir(parents=True)
        (directory / "state" / "clicks-0" / "000001.sst").write_text("what events say of people")
    with claim(directory):
        everything = (directory, *directory.rglob("*"))
        assert [one for one in everything if one.stat().st_mode & OTHERS] == []
