"""No block of the documentation is left alone: each is run, or it is said why not; and each can be read."""

import json
import re
import shutil
import subprocess
from datetime import UTC, datetime

import jsonschema
import pytest

from schemas.routing import place_of
from schemas.times import to_ms
from schemas.topics import Topic
from tests.docs import shapes
from tests.docs.blocks import BLOCKS, DONE, NOT_RUN, PAGES, ROOT, Block, why_not

SAMPLES = {
    "click": ("click", Topic.CLICKS),
    "deferred-lead": ("lead-event", Topic.DEFERRED_LEADS),
    "qualification": ("lead-event", Topic.QUALIFICATIONS),
    "purchase": ("purchase", Topic.PURCHASES),
    "erasure": ("erasure", Topic.ERASURES),
    "refund": ("refund", Topic.REWARD_EVENTS),
}
"""Schema and topic by sample."""

left_alone = pytest.mark.parametrize(
    "block", [block for block in BLOCKS if why_not(block)], ids=lambda block: block.where
)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.where)
def test_something_is_done_with_every_block(block: Block) -> None:
    assert block.language in DONE, f"{block.where}: {block.language!r} is no language of {', '.join(DONE)}"


@pytest.mark.parametrize(("page", "beginning"), NOT_RUN, ids=" ".join)
def test_what_is_not_run_is_there(page: str, beginning: str) -> None:
    assert sum(block.page == page and block.text.startswith(beginning) for block in BLOCKS) == 1


def test_most_blocks_are_run() -> None:
    assert sum(block.is_run for block in BLOCKS) > 2 * len(NOT_RUN)


def test_output_is_held_against_what_printed_it() -> None:
    of_make_run = BLOCKS[1]
    outputs = [block for block in BLOCKS if block.language == "text" and why_not(block) is None]
    assert of_make_run in outputs
    assert [one.where for one in outputs if one is not of_make_run and one.before != "sh"] == []


def test_pages_of_the_web_are_for_others_to_load() -> None:
    assert [block.where for block in BLOCKS if block.language == "html" and why_not(block) is None] == []


@left_alone
def test_what_is_not_run_can_be_read(block: Block) -> None:
    match block.language:
        case "sh":
            assert _passes("bash", "-n", text=block.text) == ""
        case "js":
            assert _passes("node", "--check", "--input-type=module", "-", text=block.text) == ""
        case "html":
            scripts = re.findall(r"<script[^>]*>(.*?)</script>", block.text, re.DOTALL)
            assert scripts
            for script in scripts:
                assert _passes("node", "--check", "--input-type=commonjs", "-", text=script) == ""
        case language:
            assert language in ("sql", "text")


@pytest.mark.parametrize(
    "block", [block for block in BLOCKS if block.language == "json"], ids=lambda block: block.where
)
def test_json_is_json(block: Block) -> None:
    assert json.loads(block.text)


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.is_run], ids=lambda block: block.where)
def test_what_is_run_has_nothing_to_fill_in(block: Block) -> None:
    assert "…" not in block.text
    assert "..." not in block.text


def test_there_is_a_sample_of_every_event() -> None:
    assert {path.stem for path in (ROOT / "docs" / "samples").iterdir()} == SAMPLES.keys()
    page = (ROOT / "docs" / "producing.md").read_text()
    assert [name for name in SAMPLES if f"samples/{name}.json" not in page] == []


@pytest.mark.parametrize("sample", SAMPLES)
def test_samples_are_events_of_their_topics(sample: str) -> None:
    schema, topic = SAMPLES[sample]
    text = (ROOT / "docs" / "samples" / f"{sample}.json").read_text()
    rules = json.loads((ROOT / "schemas" / "json" / f"{schema}.schema.json").read_text())
    assert text.count("\n") == 1, "what is read line by line is one line"
    jsonschema.validate(json.loads(text), rules)
    assert place_of(text.encode(), to_ms(datetime(2026, 12, 1, tzinfo=UTC))).topic is topic


def test_pages_are_found() -> None:
    assert {"README.md", "docs/consuming.md", "docs/producing.md"} < set(PAGES)


@pytest.mark.parametrize(
    ("shown", "real", "expected"),
    [
        ({"a": 1}, {"a": 2, "b": 3}, []),
        ({"a": 1}, {"b": 3}, [".a"]),
        ({"a": {"b": "x"}}, {"a": {"b": 1}}, [".a.b: int"]),
        ({"a": None}, {"a": "x"}, []),
        ([{"a": 1}, {"b": 1}], [{"a": 1}], [": 1 of 2"]),
        ([{"a": 1}], [{"c": 1}, {"a": 1}], ["[0].a"]),
    ],
)
def test_shown_and_real_json_are_compared(shown: object, real: object, expected: list[str]) -> None:
    assert shapes.missing(shown, real) == expected


def test_json_is_found_in_what_is_printed() -> None:
    assert shapes.documents('made\n{"a": [1]}[2] {broken\n{"b": 1}') == [{"a": [1]}, [2], {"b": 1}]


def test_lines_are_compared_without_numbers_and_blanks() -> None:
    assert shapes.lines("leads:  1,690 of 12\n\n sales: 3 ") == ["leads: 0 of 0", "sales: 0"]


def _passes(*command: str, text: str) -> str:
    """What a program complains of in its input."""
    assert shutil.which(command[0]), f"{command[0]} is missing"
    run = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, check=False)
    return run.stderr if run.returncode else ""
