"""The table that everybody looks at."""

import re
import subprocess

from tests.faults.verdict import Verdict, markdown
from tests.light import ROOT


def test_runs_of_a_scenario_are_one_row() -> None:
    """Counts are added up, of times the longest counts, nothing that was lost gets lost."""
    verdicts = [
        Verdict("freeze", 1, 1_000, 1, stall=2.0, note="went on"),
        Verdict("kill", 1, 5, 2, lost=3, note="open transaction: leads-0"),
        Verdict("freeze", 1, 2_500, 1, doubled=4, stall=1.0, recovery=9.96, note="went on"),
    ]
    heading, _, freeze, kill = markdown(verdicts).splitlines()
    assert [cell.strip() for cell in heading.strip("|").split("|")] == [
        *("scenario", "seed", "runs", "events", "faults", "lost", "unexpected", "doubled"),
        *("stall", "recovery", "note"),
    ]
    assert [cell.strip() for cell in freeze.strip("|").split("|")] == [
        *("freeze", "1", "2", "3,500", "2", "0", "0", "4", "2.0", "10.0", "went on"),
    ]
    assert [cell.strip() for cell in kill.strip("|").split("|")] == [
        *("kill", "1", "1", "5", "2", "3", "0", "0", "", "", "open transaction: leads-0"),
    ]


def test_a_run_on_compiled_modules_leaves_the_other_table_alone() -> None:
    command = ["make", "--print-data-base", "--question", "RESULTS=/results", "faults"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    assert dict(re.findall(r"^(\S+): FAULTS_RESULTS := (.*)$", said, re.MULTILINE)) == {
        "faults": "/results",
        "faults-compiled": "/results/compiled",
    }
