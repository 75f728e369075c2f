"""What is wrong is found and named, what is not certain is listed apart, and nothing else is said."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from processors.attribution.policy import Policy
from processors.audit.judging import Horizon
from processors.audit.report import Apart, Difference, Verdict, Wrong
from processors.audit.results import CUSTOMERS, KINDS, LEADS, SALES, Kind
from processors.audit.telling import Telling
from schemas.times import DAY_MS, HOUR_MS
from tests.attribution.builders import HOLD, T0, click, deferred, erasure, lead, policy, purchase
from tests.audit.system import Published, Story, audited, happen

EVENTS = [
    click("c1", 0, linkId="l1", partnerId="p1"),
    deferred("c1", 10, customerName="Ann"),
    lead(70, "Demo"),
    purchase(80, invoiceId="i1"),
    click("c2", 0),
    deferred("c2", 10, customerExternalId="bob"),
]


CLICKS = ("click", "click by id")


def audit(tmp_path: Path, story: Story, **options: object) -> list[Verdict]:
    return audited(tmp_path / "work", story, **options).verdicts  # type: ignore[arg-type]


def named(verdicts: list[Verdict]) -> list[tuple[str, str]]:
    """What is wrong or apart, with what."""
    return sorted((str(one.wrong if isinstance(one, Difference) else one.why), one.kind) for one in verdicts)


def changed(value: bytes | None, **fields: object) -> bytes:
    return msgspec.json.encode(msgspec.json.decode(value or b"") | fields)


def of_kind(published: Published, kind: Kind) -> int:
    """Place of the last record of this kind."""
    return max(place for place, one in enumerate(published.results) if one[0] is kind)


def lose(published: Published) -> None:
    """The lead was never written; nor was it stored."""
    del published.results[of_kind(published, LEADS)]
    published.rows = [one for one in published.rows if one[0] is not LEADS]
    published.revisions.clear()


def make_up(published: Published) -> None:
    kind, key, value = published.results[of_kind(published, LEADS)]
    published.results.append((kind, key, changed(value, leadId="ld_other")))
    published.store()


def falsify(published: Published) -> None:
    place = of_kind(published, LEADS)
    kind, key, value = published.results[place]
    published.results[place] = kind, key, changed(value, deferredAt="2026-01-01T00:00:00.011Z")
    published.store()


def double(published: Published) -> None:
    published.results.append(published.results[of_kind(published, SALES)])


def skip(published: Published) -> None:
    kind, key, value = published.results[of_kind(published, SALES)]
    published.results.append((kind, key, changed(value, revision=3)))
    published.store()


def garble(published: Published) -> None:
    published.results.append((LEADS, b"w1:ann", b"{"))


def forget_row(published: Published) -> None:
    published.rows = [one for one in published.rows if one[0] is not SALES]


def add_row(published: Published) -> None:
    kind, row = next(one for one in published.rows if one[0] is SALES)
    published.rows.append((kind, {**row, "sale_id": "sl_other"}))


def repeat_row(published: Published) -> None:
    published.rows.append(next(one for one in published.rows if one[0] is LEADS))


def change_row(published: Published) -> None:
    published.rows = [
        (kind, {**row, "partner_id": "p2"} if kind is CUSTOMERS and row["status"] == "qualified" else row)
        for kind, row in published.rows
    ]


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        pytest.param(lose, [(Wrong.MISSING_IN_TOPIC, "lead")], id="lost"),
        pytest.param(make_up, [(Wrong.UNEXPECTED_IN_TOPIC, "lead")], id="made up"),
        pytest.param(falsify, [(Wrong.DIFFERS_IN_TOPIC, "lead")], id="falsified"),
        pytest.param(double, [(Wrong.REVISION_TWICE, "sale")], id="doubled"),
        pytest.param(skip, [(Wrong.REVISION_MISSING, "sale")], id="skipped"),
        pytest.param(garble, [(Wrong.UNREADABLE_IN_TOPIC, "lead")], id="garbled"),
        pytest.param(forget_row, [(Wrong.MISSING_IN_CLICKHOUSE, "sale")], id="row lost"),
        pytest.param(add_row, [(Wrong.UNEXPECTED_IN_CLICKHOUSE, "sale")], id="row made up"),
        pytest.param(repeat_row, [(Wrong.TWICE_IN_CLICKHOUSE, "lead")], id="row doubled"),
        pytest.param(change_row, [(Wrong.DIFFERS_IN_CLICKHOUSE, "customer")], id="row falsified"),
    ],
)
def test_every_difference_is_named(
    damage: Callable[[Published], None], expected: list[tuple[str, str]], tmp_path: Path
) -> None:
    story = happen(EVENTS)
    damage(story.published)
    assert named(audit(tmp_path, story)) == expected


def test_a_difference_says_whose_it_is_and_what_differs(tmp_path: Path) -> None:
    story = happen(EVENTS)
    falsify(story.published)
    change_row(story.published)
    first, second = (str(one) for one in audit(tmp_path, story))
    assert first.startswith("differs in topic: lead ld_")
    assert (
        " of w1:ann: deferred_at is '2026-01-01T00:00:00.011Z', should be '2026-01-01T00:00:00.010Z'" in first
    )
    assert second.endswith("partner_id is 'p2', should be 'p1'")


def test_counts(tmp_path: Path) -> None:
    story = happen(EVENTS)
    lose(story.published)
    summary = audited(tmp_path / "work", story).summary.as_dict()
    assert (summary["events"], summary["refused"], summary["differences"]) == (6, 0, 1)
    assert summary["lead"] == {
        "expected": 1,
        "inTopic": 0,
        "inClickHouse": 0,
        "agreeing": 0,
        "differing": 1,
        "leftApart": 0,
        "differences": {"missing in topic": 1},
        "apart": {},
    }
    assert summary["customer"] == {
        "expected": 2,
        "inTopic": 2,
        "inClickHouse": 2,
        "agreeing": 2,
        "differing": 0,
        "leftApart": 0,
        "differences": {},
        "apart": {},
    }


def test_whoever_was_erased_agrees_with_nobody(tmp_path: Path) -> None:
    """The customer is nowhere, as it should be: no number knows of it. Its lead is in the topic still."""
    summary = audited(tmp_path / "work", happen([*EVENTS, erasure()])).summary
    assert [*summary.lines()][:8] == [
        "leads:          0 expected, 1 in the topic, 0 in ClickHouse; 0 agree, 1 apart",
        "                apart: 1 erased",
        "sales:          0 expected, 1 in the topic, 0 in ClickHouse; 0 agree, 1 apart",
        "                apart: 1 erased",
        "customers:      1 expected, 1 in the topic, 1 in ClickHouse; 1 agree",
        "lead revisions: 0 expected, 0 in ClickHouse; 0 agree",
        "clicks:         2 expected, 2 in ClickHouse; 2 agree",
        "clicks by id:   2 expected, 2 in ClickHouse; 2 agree",
    ]


def test_without_clickhouse_nothing_is_missing_there(tmp_path: Path) -> None:
    story = happen(EVENTS)
    story.published.rows.clear()
    assert audit(tmp_path, story, clickhouse=False) == []


def test_what_is_not_processed_yet_is_no_difference(tmp_path: Path) -> None:
    """The workers have come to the deferred leads; the result of the rest is on its way, or not."""
    story = happen(EVENTS)
    lose(story.published)
    assert {why for why, _ in named(audit(tmp_path, story, settled=2))} == {Apart.UNSETTLED}


def test_what_has_been_sent_on_and_not_yet_used(tmp_path: Path) -> None:
    """A click that came to a wrong place was read there; what was sent on, the same record, was not yet."""
    story = happen([*EVENTS, EVENTS[0]])
    story.records[-1] = story.records[0]
    lose(story.published)
    assert (Apart.UNSETTLED, "lead") in named(audit(tmp_path, story, settled=len(EVENTS)))


def test_what_the_sink_has_not_come_to_is_no_difference(tmp_path: Path) -> None:
    story = happen(EVENTS)
    of_leads = of_kind(story.published, LEADS)
    story.published.rows = [one for one in story.published.rows if one[0] is not LEADS]
    assert named(audit(tmp_path / "1", story, stored=of_leads)) == [(Apart.NOT_STORED_YET, "lead")]
    assert named(audit(tmp_path / "2", story, stored=of_leads + 1)) == [(Wrong.MISSING_IN_CLICKHOUSE, "lead")]


def test_contested_customers_are_listed_apart(tmp_path: Path) -> None:
    """An earlier deferred lead moves the touch out of the window of a request that made a lead already."""
    events = [click("c1", 0), deferred("c1", 100), lead(300), deferred("c1", 5)]
    story = happen(events, [0, 0, 0, HOLD - 1])
    found = audited(tmp_path / "work", story)
    assert {why for why, _ in named(found.verdicts)} == {Apart.CONTESTED}
    assert found.summary.contested == 1
    assert found.summary.clean


def test_a_doubled_revision_is_wrong_whoever_is_contested(tmp_path: Path) -> None:
    events = [click("c1", 0), deferred("c1", 100), lead(300), purchase(400), deferred("c1", 5)]
    story = happen(events)
    double(story.published)
    assert (Wrong.REVISION_TWICE, "sale") in named(audit(tmp_path, story))


def test_a_replay_that_says_the_same(tmp_path: Path) -> None:
    """Revisions are counted by each alone: the live system saw the events in another order."""
    replayed = happen(EVENTS)
    live = happen([EVENTS[3], *EVENTS[:3], *EVENTS[4:], click("c0", 0), deferred("c0", 5)])
    story = Story([*replayed.records, *live.records[-2:]], happen([*EVENTS, *live.records[-2:]]).published)
    assert audit(tmp_path, story, live=live.published) == []


@pytest.mark.parametrize(
    ("of_live", "expected"),
    [
        pytest.param(lose, Wrong.ONLY_REPLAYED, id="not live"),
        pytest.param(make_up, Wrong.NOT_REPLAYED, id="not replayed"),
        pytest.param(falsify, Wrong.REPLAYED_DIFFERENTLY, id="different"),
    ],
)
def test_a_replay_that_says_something_else(
    of_live: Callable[[Published], None], expected: Wrong, tmp_path: Path
) -> None:
    live = happen(EVENTS).published
    of_live(live)
    assert named(audit(tmp_path, happen(EVENTS), live=live)) == [(expected, "lead")]


def test_a_replay_to_which_nothing_was_late(tmp_path: Path) -> None:
    """All events arrive at once; the live system has given up what the hold was over for."""
    slow, exact = happen(LATE), happen(LATE, [0, HOLD])
    story = Story(exact.records, slow.published)
    assert {why for why, _ in named(audit(tmp_path, story, live=exact.published))} == {Apart.HOLD}


LATE = [deferred("c1", 10), click("c1", 0), lead(70), lead(80, "Demo")]


def test_what_came_after_the_hold_made_nothing(tmp_path: Path) -> None:
    assert audit(tmp_path, happen(LATE, [0, HOLD])) == []


def test_a_worker_whose_clock_saw_it_otherwise_is_believed(tmp_path: Path) -> None:
    """The records' times say that the hold was over; the worker came late, and it was not."""
    slow, exact = happen(LATE), happen(LATE, [0, HOLD])
    story = Story(exact.records, slow.published)
    assert slow.published != exact.published
    assert audit(tmp_path, story) == []


def test_what_no_hold_explains_is_listed_apart(tmp_path: Path) -> None:
    """Neither what the records' times make of it nor what no hold at all would."""
    slow, exact = happen(LATE), happen(LATE, [0, HOLD])
    falsify(slow.published)
    assert named(audit(tmp_path, Story(exact.records, slow.published))) == [(Apart.HOLD, "lead")]


def test_erased_customers_keep_nothing_in_clickhouse(tmp_path: Path) -> None:
    story = happen([*EVENTS, erasure()])
    assert named(audit(tmp_path / "1", story)) == [(Apart.ERASED, "lead"), (Apart.ERASED, "sale")]
    story.published.rows += happen(EVENTS).published.rows[:1]
    assert named(audit(tmp_path / "2", story))[-1][0] == Wrong.UNEXPECTED_IN_CLICKHOUSE
    tombstone = of_kind(story.published, CUSTOMERS)
    found = named(audit(tmp_path / "3", story, stored=tombstone))
    assert {why for why, _ in found} == {Apart.ERASED, Apart.NOT_STORED_YET}


def horizons(inputs: int | None, results: int | None) -> dict[Kind, Horizon]:
    """Milliseconds after T0; statuses are kept for ever."""
    inputs_ms = None if inputs is None else T0 + inputs
    results_ms = None if results is None else T0 + results
    return {kind: Horizon(inputs_ms, None if kind is CUSTOMERS else results_ms) for kind in KINDS}


def test_what_retention_took_is_no_difference(tmp_path: Path) -> None:
    """The click and the deferred lead are gone from the topics."""
    story = happen(EVENTS)
    left = Story(story.records[2:], story.published)
    found = named(audit(tmp_path / "1", left, horizons=horizons(20, None)))
    kinds = ("click", "click by id", "customer", "lead", "sale")
    assert found == [(Apart.BEYOND_INPUT, kind) for kind in kinds]
    assert set(named(audit(tmp_path / "2", left))) == {
        *((Wrong.UNEXPECTED_IN_TOPIC, kind) for kind in ("customer", "lead", "sale")),
        *((Wrong.UNEXPECTED_IN_CLICKHOUSE, kind) for kind in CLICKS),
    }


def test_retention_excuses_nothing_that_happened_later(tmp_path: Path) -> None:
    story = happen(EVENTS)
    falsify(story.published)
    assert named(audit(tmp_path / "1", story, horizons=horizons(0, 0))) == [(Wrong.DIFFERS_IN_TOPIC, "lead")]
    story = happen(EVENTS)
    lose(story.published)
    assert named(audit(tmp_path / "2", story, horizons=horizons(0, 0))) == [(Wrong.MISSING_IN_TOPIC, "lead")]


def test_rows_outlive_their_records(tmp_path: Path) -> None:
    """Inputs and results are gone; the rows stay, and so do the statuses."""
    story = happen(EVENTS)
    story.published.results = [one for one in story.published.results if one[0] is CUSTOMERS]
    found = named(audit(tmp_path, Story([], story.published), horizons=horizons(90, 90)))
    kinds = ("customer", "lead", "lead revision", "sale", *CLICKS)
    assert set(found) == {(Apart.BEYOND_INPUT, kind) for kind in kinds}


def test_an_erasure_that_is_gone_too(tmp_path: Path) -> None:
    """Events after it are suppressed: without the erasure the model expects a lead."""
    story = happen([erasure(), *EVENTS])
    left = Story(story.records[1:], story.published)
    found = named(audit(tmp_path, left, horizons=horizons(0, 0)))
    assert found == [(Apart.BEYOND_INPUT, kind) for kind in ("customer", "lead", "sale")]


def test_one_workspace(tmp_path: Path) -> None:
    other = [
        click("c1", 0, workspaceId="w2"),
        deferred("c1", 10, workspaceId="w2"),
        lead(70, workspaceId="w2"),
    ]
    story = happen([*EVENTS, *other])
    lose(story.published)  # the last one: of w2
    assert named(audit(tmp_path / "1", story, workspace="w1")) == [
        (Wrong.MISSING_IN_CLICKHOUSE, "lead"),
        (Wrong.MISSING_IN_CLICKHOUSE, "lead revision"),
    ]
    found = audited(tmp_path / "2", story, workspace="w2")
    assert named(found.verdicts) == [(Wrong.MISSING_IN_TOPIC, "lead")]
    assert found.summary.events == 3


def test_since(tmp_path: Path) -> None:
    story = happen(EVENTS)
    lose(story.published)
    assert audit(tmp_path / "1", story, since_ms=T0 + 71) == []
    assert named(audit(tmp_path / "2", story, since_ms=T0 + 70)) == [(Wrong.MISSING_IN_TOPIC, "lead")]


def test_an_event_of_the_future_is_judged_by_the_clock_of_its_arrival(tmp_path: Path) -> None:
    """Out of range when it was written; whoever read it hours later has used it, perhaps."""
    ahead = 2 * HOUR_MS
    early = [replace(one, timestamp=one.timestamp - DAY_MS - ahead) for one in happen(EVENTS).records]
    found = audited(tmp_path / "1", Story(early, happen(EVENTS).published))
    assert found.summary.refused == 6
    assert {why for why, _ in named(found.verdicts)} == {Apart.UNSETTLED}


def test_another_policy_makes_other_leads(tmp_path: Path) -> None:
    """An audit under the wrong settings says so, and does not agree by accident."""
    story = happen([click("c1", 0), deferred("c1", 10), click("c2", 0), deferred("c2", 20), lead(70)])
    last = policy("last-click")
    rules = Policy(last.model, last.attribution_window_ms, last.qualification_window_ms, HOLD)
    found = audited(tmp_path / "work", story, rules=rules)
    assert found.summary.differences[("lead", Wrong.DIFFERS_IN_TOPIC)] == 1


SIGN_UPS = [click("c1", 0), click("c2", 0), deferred("c1", 10), deferred("c2", 20)]


def with_touches(value: bytes | None, touches: object) -> bytes:
    document = msgspec.json.decode(value or b"")
    assert [one["clickId"] for one in document["touches"]] == ["c1", "c2"]
    return msgspec.json.encode({**document, "touches": touches})


def test_a_release_before_listed_no_touches(tmp_path: Path) -> None:
    """Nor did its sink store any; a replay of today lists them."""
    story = happen(SIGN_UPS)
    assert audit(tmp_path / "now", story) == []
    kind, key, value = story.published.results[-1]
    story.published.results[-1] = kind, key, with_touches(value, [])
    story.published.store()
    assert audit(tmp_path / "before", story) == []
    assert audit(tmp_path / "replayed", happen(SIGN_UPS), live=story.published) == []


def test_a_touch_that_is_missing_is_a_difference(tmp_path: Path) -> None:
    story = happen(SIGN_UPS)
    kind, key, value = story.published.results[-1]
    [first, _] = msgspec.json.decode(value or b"")["touches"]
    story.published.results[-1] = kind, key, with_touches(value, [first])
    verdicts = audit(tmp_path, story)
    assert named(verdicts) == [
        ("differs in ClickHouse", "customer"),
        ("differs in topic", "customer"),
    ]
    told = [msgspec.json.decode(line) for line in Telling(10, as_json=True).verdicts(verdicts)]
    [change] = next(one["difference"]["changes"] for one in told if one["difference"]["changes"])
    assert (change["field"], change["found"]) == ("touches", [first])
