"""Clicks in ClickHouse, held against the events; every revision of a lead, against the topic."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from processors.audit.clicks import CLICK_TABLES, ClickTable, Values
from processors.audit.report import Apart, Wrong
from schemas.times import DAY_MS
from tests.attribution.builders import HOLD, T0, click, deferred, erasure, lead, policy
from tests.audit.system import Published, Story, happen
from tests.audit.test_differences import CLICKS, audit, named

EVENTS = [
    click("c1", 10, linkId="l1", ua="one"),
    click("c1", 0, linkId="l2", country="DE"),
    click("c2", 0, bot=True),
    click("c3", 5, latitude=52.5),
    click("c3", 5, latitude=52.5, ua="another"),
    deferred("c1", 10),
    lead(20),
    deferred("c3", 8),
]
"""c1 counts at 0; c2 is no click; of c3 either event does."""

SHOWN, _, QUICK = CLICK_TABLES


def of_c1(published: Published, change: Callable[[ClickTable, dict[str, object]], Values | None]) -> None:
    """Rows of c1 as ``change`` says; None: none."""
    changed = [
        (table, change(table, dict(zip(table.columns, values, strict=True))) if "c1" in values else values)
        for table, values in published.clicks
    ]
    published.clicks = [(table, values) for table, values in changed if values is not None]


def lose(published: Published) -> None:
    of_c1(published, lambda _, __: None)


def lose_for_gateways(published: Published) -> None:
    of_c1(published, lambda table, row: None if table is QUICK else [*row.values()])


def make_up(published: Published) -> None:
    made_up = Published(clicks=published.clicks)
    of_c1(made_up, lambda _, row: [*(row | {"click_id": "c9"}).values()])
    published.clicks = list(
        {(table, *values): (table, values) for table, values in published.clicks + made_up.clicks}.values()
    )


def name_another_link(published: Published) -> None:
    of_c1(published, lambda _, row: [*(row | {"link_id": "l9"}).values()])


def count_the_other_event(published: Published) -> None:
    """Both are there, as without the row that deletes the one."""
    other = happen(EVENTS[:1]).published.clicks
    published.clicks += [(table, values) for table, values in other if table is SHOWN]


def lose_revision(published: Published) -> None:
    del published.revisions[0]


def make_up_revision(published: Published) -> None:
    published.revisions.append({**published.revisions[0], "revision": 9})


def change_revision(published: Published) -> None:
    published.revisions[0] = {**published.revisions[0], "partner_id": "p9"}


def move_revision(published: Published) -> None:
    published.revisions[0] = {**published.revisions[0], "emitted_at": T0 + 60_000}


def repeat_revision(published: Published) -> None:
    published.revisions.append(published.revisions[0])


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (lose, [(Wrong.MISSING_IN_CLICKHOUSE, kind) for kind in CLICKS]),
        (lose_for_gateways, [(Wrong.MISSING_IN_CLICKHOUSE, "click by id")]),
        (make_up, [(Wrong.UNEXPECTED_IN_CLICKHOUSE, kind) for kind in CLICKS]),
        (name_another_link, [(Wrong.DIFFERS_IN_CLICKHOUSE, kind) for kind in CLICKS]),
        (count_the_other_event, [(Wrong.TWICE_IN_CLICKHOUSE, "click")]),
        (lose_revision, [(Wrong.MISSING_IN_CLICKHOUSE, "lead revision")]),
        (make_up_revision, [(Wrong.UNEXPECTED_IN_CLICKHOUSE, "lead revision")]),
        (change_revision, [(Wrong.DIFFERS_IN_CLICKHOUSE, "lead revision")]),
        (move_revision, [(Wrong.DIFFERS_IN_CLICKHOUSE, "lead revision")]),
        (repeat_revision, [(Wrong.TWICE_IN_CLICKHOUSE, "lead revision")]),
    ],
)
def test_every_difference_is_named(
    damage: Callable[[Published], None], expected: list[tuple[str, str]], tmp_path: Path
) -> None:
    story = happen(EVENTS)
    assert audit(tmp_path / "1", story) == []
    damage(story.published)
    assert set(named(audit(tmp_path / "2", story))) == set(expected)


def test_it_says_which_click_and_what_differs(tmp_path: Path) -> None:
    story = happen(EVENTS)
    name_another_link(story.published)
    lose_for_gateways(story.published)
    assert sorted(map(str, audit(tmp_path, story))) == [
        "differs in ClickHouse: click by id c1 of w1: link_id is 'l9', should be 'l2'",
        "differs in ClickHouse: click c1 of w1: link_id is 'l9', should be 'l2'",
        "missing in ClickHouse: click by id c1 of w1: in clicks_by_id",
    ]


@pytest.mark.parametrize(("ua", "wrong"), [("", 0), ("another", 0), ("a third one", 1)])
def test_of_events_that_no_lead_can_tell_apart_any_is_right(tmp_path: Path, ua: str, wrong: int) -> None:
    story = happen(EVENTS)
    place = SHOWN.columns.index("ua")
    story.published.clicks = [
        (table, [*values[:place], ua, *values[place + 1 :]] if table is SHOWN and "c3" in values else values)
        for table, values in story.published.clicks
    ]
    assert len(audit(tmp_path, story)) == wrong


def test_what_is_on_its_way_is_no_difference(tmp_path: Path) -> None:
    story = happen(EVENTS)
    lose(story.published)
    assert named(audit(tmp_path / "1", story, read=0)) == [(Apart.NOT_STORED_YET, kind) for kind in CLICKS]
    story = happen(EVENTS)
    count_the_other_event(story.published)
    assert named(audit(tmp_path / "2", story, reported=["c1"])) == [(Apart.NOT_STORED_YET, "click")]
    assert (Apart.UNSETTLED, "click") in named(audit(tmp_path / "3", story, settled=1))


def test_an_id_that_was_used_again_when_the_click_was_forgotten(tmp_path: Path) -> None:
    """To the workers it is another click, and both are shown."""
    remembered_ms = policy().attribution_window_ms + 2 * HOLD + DAY_MS
    story = happen(EVENTS[:2])
    count_the_other_event(story.published)
    first, again = story.records
    for later_ms, expected in (
        (remembered_ms, Wrong.TWICE_IN_CLICKHOUSE),
        (remembered_ms + 1, Apart.CONTESTED),
    ):
        late = replace(again, timestamp=first.timestamp + later_ms)
        found = audit(tmp_path / str(later_ms), Story([first, late], story.published))
        assert named(found) == [(expected, "click")]


def test_since(tmp_path: Path) -> None:
    story = happen(EVENTS)
    lose(story.published)
    assert {kind for _, kind in named(audit(tmp_path / "1", story, since_ms=T0))} == {*CLICKS}
    assert audit(tmp_path / "2", story, since_ms=T0 + 1) == []


def test_an_erased_customer_keeps_no_revision(tmp_path: Path) -> None:
    left = happen(EVENTS).published.revisions
    story = happen([*EVENTS, erasure()])
    assert (Wrong.UNEXPECTED_IN_CLICKHOUSE, "lead revision") not in named(audit(tmp_path / "1", story))
    story.published.revisions = left
    assert (Wrong.UNEXPECTED_IN_CLICKHOUSE, "lead revision") in named(audit(tmp_path / "2", story))


def test_each_revision_is_held_against_its_own_record(tmp_path: Path) -> None:
    """The first was emitted for another click; the sink has not come to the second."""
    story = happen([click("c1", 0), deferred("c1", 10), lead(30), click("c2", 0), deferred("c2", 5)])
    assert [row["revision"] for row in story.published.revisions] == [1, 2]
    records = len(story.published.results)
    for revisions, stored, expected in (
        (slice(0, 1), records - 2, Apart.NOT_STORED_YET),
        (slice(0, 1), records, Wrong.MISSING_IN_CLICKHOUSE),
        (slice(1, 2), records - 2, Wrong.MISSING_IN_CLICKHOUSE),
    ):
        story.published.store()
        story.published.revisions = story.published.revisions[revisions]
        found = audit(tmp_path / f"{revisions} {stored}", story, stored=stored)
        assert named(found) == [(expected, "lead revision")]
