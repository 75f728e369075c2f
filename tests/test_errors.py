"""Exit codes are told once, and everywhere the same."""

from pathlib import Path

from processors.cli.main import cli
from processors.errors import ExitCode, exit_codes_table


def test_the_operators_page_has_the_table() -> None:
    page = (Path(__file__).parents[1] / "docs" / "operations.md").read_text()
    assert exit_codes_table() in page, "put into the page what processors.errors.exit_codes_table() gives"


def test_the_help_names_every_code() -> None:
    told = " ".join((cli.help or "").split())
    for code in ExitCode:
        assert f"{code} {code.meaning}" in told
