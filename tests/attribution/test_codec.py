"""Stored states: what was written is read back, also by later versions."""

import pytest
from hypothesis import given

from processors.attribution import click_join, customer_join
from processors.attribution.policy import AttributionModel
from tests.attribution.builders import network
from tests.attribution.effort import examples
from tests.attribution.golden_states import DIRECTORY, STORIES, VERSION, lines, restored
from tests.attribution.strategies import MODELS, histories
from tests.model.simulate import Record

GOLDEN = sorted((path.parent.name, path.stem) for path in DIRECTORY.glob("*/*.hex"))


@examples(150)
@given(MODELS, histories())
def test_round_trip(model: AttributionModel, records: list[Record]) -> None:
    """At any moment, whatever waits."""
    system = network(model)
    for record in records:
        system.send(record)
        for raw in system.clicks.values():
            assert click_join.dump(click_join.load(raw)) == raw
        for raw in system.customers.values():
            assert customer_join.dump(customer_join.load(raw)) == raw


def test_every_story_has_its_golden_file() -> None:
    assert {name for version, name in GOLDEN if version == VERSION} == STORIES.keys()


@pytest.mark.parametrize(("version", "name"), GOLDEN)
def test_a_stored_state_goes_on_as_if_there_had_been_no_upgrade(version: str, name: str) -> None:
    story = STORIES[name]
    without_upgrade, upgraded = story.begin(), restored(name, version)
    without_upgrade.run(story.before)
    upgraded.published = without_upgrade.published  # the topics outlive the upgrade
    assert upgraded.run(story.after) != []
    emitted = upgraded.published

    without_upgrade = story.begin()
    without_upgrade.run(story.before + story.after)
    assert emitted == without_upgrade.published
    assert upgraded.drain() == without_upgrade.drain()


@pytest.mark.parametrize("name", STORIES)
def test_the_codec_writes_what_it_wrote(name: str) -> None:
    """A change of the format without a new version byte breaks every stored state: add a version instead."""
    system = STORIES[name].begin()
    system.run(STORIES[name].before)
    assert "".join(lines(system)) == (DIRECTORY / VERSION / f"{name}.hex").read_text()


@pytest.mark.parametrize("raw", [b"\x02\x90", b"\xff", b"\x00"])
def test_a_version_from_the_future_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match="unknown version"):
        click_join.load(raw)
    with pytest.raises(ValueError, match="unknown version"):
        customer_join.load(raw)
