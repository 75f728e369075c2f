"""The examples of docs/rules.md, told to the joins and to the reference model, in any order."""

import random
from pathlib import Path
from typing import NamedTuple, get_args

import pytest

from processors.attribution.policy import AttributionModel, Policy
from processors.audit.model.reference import ReferenceModel
from processors.settings import Settings
from schemas.times import DAY_MS
from tests.attribution.builders import T0, arrived, click, deferred, lead
from tests.model.simulate import Network, Record

PAGE = Path(__file__).parents[2] / "docs" / "rules.md"
MODELS: tuple[AttributionModel, ...] = get_args(AttributionModel)
NOW_MS = T0 + 400 * DAY_MS


class Example(NamedTuple):
    """``clicks`` and ``deferred``: clickIds, each with its day. ``request``: perhaps a clickId, and a day."""

    clicks: str
    deferred: str
    request: str
    answers: dict[AttributionModel, str]

    def records(self) -> list[Record]:
        return [
            *(click(name, day * DAY_MS) for name, day in _named(self.clicks)),
            *(deferred(name, day * DAY_MS) for name, day in _named(self.deferred)),
            *(lead(day * DAY_MS, click_id=name or None) for name, day in _named(self.request)),
        ]


def _named(text: str) -> list[tuple[str, int]]:
    return [(one.rstrip("0123456789"), int(one.lstrip("abcdefghij"))) for one in text.split()]


def examples() -> list[Example]:
    found = []
    table = PAGE.read_text().partition("### By example")[2].partition("## Purchases")[0]
    for line in table.splitlines():
        if line.startswith("| `"):
            clicks, signed_up, request, *chosen, _ = (cell.strip(" `") for cell in line.strip("|").split("|"))
            found.append(Example(clicks, signed_up, request, dict(zip(MODELS, chosen, strict=True))))
    return found


def test_the_page_has_examples() -> None:
    assert len(examples()) > 5


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("example", examples(), ids=lambda one: ", ".join(one[:3]))
def test_example(example: Example, model: AttributionModel) -> None:
    settings = Settings()
    policy = Policy(model, settings.attribution_window, settings.qualification_window, settings.hold)
    records = example.records()
    by_model = ReferenceModel(policy).compute(arrived(records, NOW_MS))
    assert [one.click.id for one in by_model.leads.values()] == [example.answers[model]]
    for seed in range(5):
        system = Network(policy, NOW_MS)
        system.run(random.Random(seed).sample(records, len(records)))
        assert [one.click.id for one in system.published.leads.values()] == [example.answers[model]]
