"""An audit of what the joins really do: nothing to complain of, for any history."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from processors.attribution.policy import AttributionModel
from processors.audit.report import Apart, Difference
from tests.attribution.builders import HOLD
from tests.attribution.effort import examples
from tests.attribution.strategies import MODELS, histories, histories_with_conflicts
from tests.audit.system import Audited, Story, audited, happen
from tests.model.simulate import Record

GAPS = st.lists(st.sampled_from((0, 1, HOLD // 2, HOLD - 1, HOLD, HOLD + 1)), min_size=1, max_size=16)


def audit(story: Story, model: AttributionModel, records: int = 1) -> Audited:
    with TemporaryDirectory() as directory:
        return audited(Path(directory) / "work", story, model, records=records)


def assert_clean(found: Audited) -> None:
    assert [one for one in found.verdicts if isinstance(one, Difference)] == []
    assert found.summary.clean
    assert {one.why for one in found.verdicts if not isinstance(one, Difference)} <= {
        Apart.CONTESTED,
        Apart.ERASED,
    }, "holds are exact here: nothing may be left to them"


@examples(200)
@given(MODELS, histories(), GAPS)
def test_whatever_arrives_and_whenever(
    model: AttributionModel, records: list[Record], gaps: list[int]
) -> None:
    assert_clean(audit(happen(records, gaps, model), model))


@examples(100)
@given(MODELS, histories_with_conflicts())
def test_clicks_in_conflict(model: AttributionModel, records: list[Record]) -> None:
    assert_clean(audit(happen(records, (), model), model))


@examples(60)
@given(MODELS, histories())
def test_the_number_of_buckets_changes_nothing(model: AttributionModel, records: list[Record]) -> None:
    story = happen(records, (), model)
    one, many = audit(story, model), audit(story, model, records=1_000_000)
    assert one.summary == many.summary
    assert sorted(map(str, one.verdicts)) == sorted(map(str, many.verdicts))
