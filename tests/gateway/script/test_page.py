"""The page for people who install the script says what the script does."""

import re
from pathlib import Path

from processors.gateway.script.routes import SCRIPT, paths

PAGE = (Path(__file__).parents[3] / "docs" / "script.md").read_text()
OPTIONS = (SCRIPT.parent / "src" / "options.js").read_text()


def test_every_option_is_explained() -> None:
    read = {f"data-{name}" for name in re.findall(r'\b(?:text|json)\("([\w-]+)"', OPTIONS)}
    assert len(read) == 8
    assert set(re.findall(r"^\| `(data-[\w-]+)`", PAGE, re.MULTILINE)) == read


def test_file_names_that_it_names_are_served() -> None:
    named = set(re.findall(r"`(/[\w./-]+\.js)`", PAGE))
    assert len(named) == 2
    assert named <= set(paths())
