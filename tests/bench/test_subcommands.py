"""``leadstream bench PART``, as small as it goes."""

import pytest
from click.testing import CliRunner

from processors.cli.main import cli


def shown(*asked: str) -> str:
    result = CliRunner().invoke(cli, ["bench", *asked])
    assert result.exit_code == 0, result.output
    return result.output


def test_without_servers() -> None:
    assert "| a monthly cap | " in shown("rewards", "--leads", "1000", "--runs", "1")
    assert "| all of them | " in shown("stages", "--events", "8000")


@pytest.mark.integration
def test_a_gateway() -> None:
    rates = ["--lead-rate", "100", "--visit-rate", "50", "--seconds", "5"]
    told = shown("gateway", "--calls", "500", *rates, "--links", "200", "--followed", "500")
    assert "| POST /track/lead, 100/s: 500 |" in told
    assert "500 × 200 |" in told
    assert "Lost: 0." in told


@pytest.mark.integration
def test_questions() -> None:
    told = shown("analytics", "--events", "20000", "--runs", "2", "--parts", "2")
    assert "| everything merged | p50 ms |" in told
    assert "| 2 unmerged parts | p50 ms |" in told
    assert "a small workspace alone: p50 " in told
