"""Which Chromium is taken; without one the tests fail and say what to install."""

from pathlib import Path

import pytest

from tests.browser.browser import NoBrowser, find_chromium


def program(path: Path) -> str:
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture(autouse=True)
def nothing_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CHROMIUM", raising=False)


def test_one_on_path(tmp_path: Path) -> None:
    other = program(tmp_path / "google-chrome")
    assert find_chromium() == other
    assert find_chromium() != program(tmp_path / "chromium") == find_chromium()


def test_the_one_that_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path / "chromium")
    named = program(tmp_path / "mine")
    monkeypatch.setenv("CHROMIUM", named)
    assert find_chromium() == named
    monkeypatch.setenv("CHROMIUM", f"{named}-not")
    with pytest.raises(NoBrowser, match="mine-not"):
        find_chromium()


def test_none() -> None:
    with pytest.raises(NoBrowser, match="apt-get install chromium"):
        find_chromium()
