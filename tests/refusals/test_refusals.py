"""Dead letters and unmatched events as their topics hold them: what is meant, found, sent back."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import pytest
from aiokafka import ConsumerRecord, TopicPartition

import schemas.dead_letters
from processors.kafka.reading import Span
from processors.printable import printable
from processors.refusals import finding
from processors.refusals.dead_letters import dead_letters
from processors.refusals.refusal import LeftAlone, Refusal
from processors.refusals.replaying import Pace
from processors.refusals.selection import Id, Selection
from processors.refusals.unmatched import unmatched_events
from processors.settings import Settings
from processors.sink.refusal_rows import dead_letter_row, unmatched_last_row
from processors.terminal.bars import Bar
from schemas.dead_letters import cause_of, dead_letter_headers
from schemas.headers import Headers
from schemas.reasons import DeadLetterReason, UnmatchedReason
from schemas.results import Unmatched, UnmatchedSource
from schemas.times import DAY_MS, rfc3339
from schemas.topics import Topic

TOPICS = {topic.on("test."): topic for topic in Topic}
NOW = 1_780_000_000_000
CLICK = b'{"workspaceId":"acme","clickId":"c1"}'


@dataclass(frozen=True)
class Source:
    topic: str = "test.clicks"
    partition: int = 3
    offset: int = 17
    timestamp: int = NOW - DAY_MS
    headers: Headers = ()


def record(
    topic: Topic, value: bytes | None, headers: Headers = (), key: bytes | None = b"k"
) -> ConsumerRecord:
    return ConsumerRecord(f"test.{topic}", 2, 7, NOW, 1, key, value, None, 0, 0, headers)


def dead_letter(
    value: bytes | None = CLICK, source: Source | None = None, key: bytes | None = b"k"
) -> Refusal:
    headers = dead_letter_headers(source or Source(), DeadLetterReason.NOT_JSON, "truncated")
    found = dead_letters(TOPICS).read(record(Topic.DEAD_LETTERS, value, headers, key))
    assert found is not None
    return found


def unmatched(event: bytes, topic: str = "test.clicks", record_ms: int = NOW - DAY_MS) -> Refusal:
    found = unmatched_events(TOPICS).read(record(Topic.UNMATCHED, unmatched_value(event, topic, record_ms)))
    assert found is not None
    return found


def unmatched_value(event: bytes, topic: str = "test.clicks", record_ms: int = NOW - DAY_MS) -> bytes:
    one = Unmatched(
        reason=UnmatchedReason.CLICK_NOT_FOUND,
        detail="why",
        workspace_id="acme",
        customer_external_id="u1",
        click_id=None,
        event_name="Sign Up",
        timestamp=rfc3339(NOW - 2),
        event=msgspec.Raw(event),
        source=UnmatchedSource(topic=topic, partition=1, offset=2, timestamp=rfc3339(record_ms)),
    )
    return msgspec.json.encode(one)


def test_a_dead_letter_without_its_value_stays_where_it_is() -> None:
    """Sent back as it lies there it would be refused for another reason, and count as an attempt."""
    source = record(Topic.CLICKS, b"x" * 12_000_000)
    key, value, headers = schemas.dead_letters.dead_letter(source, DeadLetterReason.TOO_LARGE, "12 MB")
    found = dead_letters(TOPICS).read(record(Topic.DEAD_LETTERS, value, headers, key))
    assert found is not None
    assert not found.readable(NOW)
    with pytest.raises(LeftAlone, match="too large to be kept"):
        found.back(NOW)
    assert found.document()["value"] is None


def test_a_dead_letter_goes_back_as_it_came() -> None:
    letter = dead_letter(b"\xff", key=None)
    back = letter.back(NOW)
    assert back[:4] == (Topic.CLICKS, None, b"\xff", NOW - DAY_MS)
    assert dict(back.headers)["attempt"] == b"1"
    assert cause_of(back.headers).source == ("test.clicks", 3, 17)
    assert not letter.readable(NOW)
    assert dead_letter().readable(NOW)


def test_a_record_without_a_time_goes_back_without_one() -> None:
    assert dead_letter(source=Source(timestamp=-1)).back(NOW).timestamp_ms is None


@pytest.mark.parametrize(
    ("letter", "why"),
    [
        # A second copy would be a second lead to reward consumers.
        (dead_letter(source=Source(topic="test.leads")), "a result"),
        (dead_letter(source=Source(topic="clicks")), "no topic of this system"),
        (dead_letter(b"x" * (1 << 20)), "too large"),
        (unmatched(b"null"), "erased"),
        (unmatched(CLICK, topic="elsewhere"), "no topic of this system"),
        (unmatched(b'{"workspaceId":"acme"}'), "no event any more: schema_violation: clickId: required"),
    ],
)
def test_what_is_left_alone(letter: Refusal, why: str) -> None:
    with pytest.raises(LeftAlone, match=why):
        letter.back(NOW)


def test_an_unmatched_event_goes_back_under_its_right_key_at_the_time_of_its_record() -> None:
    event = b'{"workspaceId":"acme","customerId":" u1 ","eventName":"Sign Up"}'
    # It was sent to the wrong one of the two topics of lead events, then sent on, then unmatched.
    back = unmatched(event, topic="test.deferred-leads").back(NOW)
    assert back == (Topic.QUALIFICATIONS, b"acme:u1", event, NOW - DAY_MS, ())
    assert unmatched(event, topic="test.qualifications", record_ms=0).back(NOW).timestamp_ms == NOW - 2


def test_the_note_of_a_replay_names_the_refusal_and_repeats_nothing_of_it() -> None:
    """Under the same key and identity, so that a reader holds it against the reports before and after it."""
    kinds = (unmatched_events(TOPICS), dead_letters(TOPICS))
    for refusal, kind in zip((unmatched(CLICK), dead_letter()), kinds, strict=True):
        note = refusal.note()
        assert (note.topic, note.key, note.timestamp_ms) == (kind.topic, b"k", None)
        assert b"c1" not in (note.value or b"")
        found = kind.read(record(note.topic, note.value, note.headers, note.key))
        assert found is not None
        assert (refusal.replayed, found.replayed) == (False, True)
        assert (found.identity, found.attempt) == (refusal.identity, refusal.attempt)
    note = unmatched(CLICK).note()
    reports = [record(Topic.UNMATCHED, unmatched_value(CLICK)), record(note.topic, note.value)]
    rows = [unmatched_last_row(one) for one in reports]
    assert len({row and row[1] for row in rows}) == 1
    headers = dead_letter_headers(Source(), DeadLetterReason.NOT_JSON, "why")
    note = dead_letter().note()
    letters = [record(Topic.DEAD_LETTERS, CLICK, headers), record(note.topic, None, note.headers)]
    assert len({dead_letter_row(one)[0] for one in letters}) == 1


class Topics:
    """Instead of a ``TopicReader``: these records, all of one partition."""

    def __init__(self, records: Sequence[ConsumerRecord]) -> None:
        self._records = records

    async def __aenter__(self) -> "Topics":
        return self

    async def __aexit__(self, *_: object) -> None: ...

    async def spans(self, *_: object) -> dict[TopicPartition, Span]:
        return {TopicPartition("test.unmatched", 2): Span(0, len(self._records))}

    async def records(self, _: object) -> AsyncIterator[Sequence[ConsumerRecord]]:
        for one in self._records:
            yield [one]


@pytest.mark.parametrize("behind_ms", [0, 300])
async def test_the_last_record_about_an_event_decides_whatever_the_clocks_of_brokers(
    monkeypatch: pytest.MonkeyPatch, behind_ms: int
) -> None:
    """A new leader may be behind the one before: later records of a partition are later all the same."""
    note = unmatched(CLICK).note()
    told = [unmatched_value(CLICK), note.value, unmatched_value(CLICK)]
    other = unmatched_value(b'{"workspaceId":"acme","clickId":"c2","country":"DE"}')
    for count, found_at in ((1, ["2:0"]), (2, []), (3, ["2:2"])):
        records = [
            replace(record(Topic.UNMATCHED, value), offset=place, timestamp=NOW - place * behind_ms)
            for place, value in enumerate([*told[:count], other])
        ]
        for ids in ((), (Id(2, 0), Id(2, 1))):
            monkeypatch.setattr(finding, "TopicReader", lambda _, these=records: Topics(these))
            selection = Selection(ids=frozenset(ids))
            with Bar("", None, "") as bar:
                finder = finding.Finder(Settings(), unmatched_events(TOPICS), selection, bar)
                found = [one.id async for one in finder.find()]
            if ids:
                assert found[0] == "2:0", "who names an id wants it all the same"
                assert (Id(2, 1) in finder.missing) == (count > 1), "a note is none"
            else:
                assert found == [*found_at, f"2:{count}"]


def test_what_is_none_of_them() -> None:
    assert unmatched_events(TOPICS).read(record(Topic.UNMATCHED, b"\xff")) is None
    foreign = dead_letters(TOPICS).read(record(Topic.DEAD_LETTERS, None))
    assert foreign is not None
    assert (foreign.reason, foreign.topic, foreign.workspace) == ("", None, "")
    assert foreign.document()["source"]["timestamp"] is None
    with pytest.raises(LeftAlone):
        foreign.back(NOW)


@pytest.mark.parametrize(
    ("selection", "taken"),
    [
        (Selection(), True),
        (Selection(reasons=frozenset({"not_json", "too_large"}), workspace="acme", topic=Topic.CLICKS), True),
        (Selection(since_ms=NOW, until_ms=NOW + 1), True),
        (Selection(since_ms=NOW + 1), False),
        (Selection(until_ms=NOW), False),
        (Selection(reasons=frozenset({"too_large"})), False),
        (Selection(workspace="globex"), False),
        (Selection(topic=Topic.PURCHASES), False),
    ],
)
def test_filters(selection: Selection, taken: bool) -> None:
    assert selection.takes(dead_letter()) is taken


def test_no_more_than_the_rate() -> None:
    now = 100.0
    pace = Pace(50, lambda: now)
    assert pace.wait_s(0) == 0
    assert pace.wait_s(1) == pytest.approx(0.02)
    assert pace.wait_s(100) == pytest.approx(2.0)
    now = 103.0
    assert pace.wait_s(100) == pytest.approx(-1.0)


def test_strangers_do_not_reach_the_terminal() -> None:
    assert printable("größe 🙂") == "größe 🙂"
    assert printable("\x1b]0;title\x07\n\u202e") == "\\u001b]0;title\\u0007\\u000a\\u202e"


def test_the_operators_page_explains_every_reason() -> None:
    page = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
    for reason in (*DeadLetterReason, *UnmatchedReason):
        assert f"`{reason.value}`" in page
