"""The page says what is so."""

import re
from pathlib import Path

import pytest

from processors.rewards.conditions import FIELDS, OPERATORS
from processors.rewards.parsing import parse
from processors.rewards.policy_file import read_policy
from schemas.rewards import RefusalReason, RewardReason

PAGE = (Path(__file__).parents[2] / "docs" / "rewards.md").read_text()


def test_the_policy_of_the_page_is_one() -> None:
    (text,) = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    (version,) = parse(read_policy(text)).versions
    assert version.terms("pn_8").excluded


@pytest.mark.parametrize("reason", [*RefusalReason, *RewardReason])
def test_every_reason_is_explained(reason: str) -> None:
    assert re.search(rf"^\|.*`{reason}`.*\|.*\|$", PAGE, re.MULTILINE)


@pytest.mark.parametrize("name", sorted([*FIELDS, *(one for one in OPERATORS if one.isascii())]))
def test_every_field_and_operator_is_named(name: str) -> None:
    assert f"`{name}`" in PAGE
