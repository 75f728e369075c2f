"""The table of the fault suite, at the end of a run: of every process that ran a part of it."""

import os
from dataclasses import asdict
from pathlib import Path
from typing import Final

import pytest

from tests.faults.verdict import Verdict, markdown, write

_PROPERTY: Final = "verdict"
_VERDICTS: Final[list[Verdict]] = []


def add(item: pytest.Item, verdict: Verdict) -> None:
    """It goes with the report of the test, to whichever process shows it."""
    item.user_properties.append((_PROPERTY, asdict(verdict)))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Reports of the parts of a test have its properties, each: those of the last one are all."""
    if report.when == "teardown":
        for name, value in report.user_properties:
            if name == _PROPERTY and isinstance(value, dict):
                _VERDICTS.append(Verdict(**value))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The table, and the same under ``FAULTS_RESULTS``."""
    if not _VERDICTS:
        return
    terminalreporter.section("faults")
    terminalreporter.write_line(markdown(_VERDICTS))
    if directory := os.environ.get("FAULTS_RESULTS"):
        write(_VERDICTS, Path(directory))
