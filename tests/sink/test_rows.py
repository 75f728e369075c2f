from dataclasses import replace

import orjson
import pytest
from aiokafka import ConsumerRecord, TopicPartition
from hypothesis import given
from hypothesis import strategies as st

import schemas.dead_letters
from processors.audit.results import as_stored
from processors.sink.batch import Batch
from processors.sink.click_rows import CLICK_COLUMNS, click_rows, earliest_wins
from processors.sink.persons import persons_in
from processors.sink.refusal_rows import (
    DEAD_LETTER_COLUMNS,
    dead_letter_row,
    unmatched_last_row,
    unmatched_row,
)
from processors.sink.result_rows import (
    LEAD_COLUMNS,
    SALE_COLUMNS,
    STATUS_COLUMNS,
    customer_row,
    erased_row,
    lead_row,
    sale_row,
)
from processors.sink.rows import Row, first_wins, last_wins
from processors.sink.tables import TABLES, by_topic
from schemas.ids import customer_id
from schemas.reasons import DeadLetterReason
from schemas.times import DAY_MS, parse_rfc3339
from tests.sink import records
from tests.sink.records import T0, click, record, unmatched

click_row = click_rows(lambda: T0)


def unmatched_id(value: bytes, prefix: str = "") -> object:
    row = unmatched_row(record(f"{prefix}unmatched", value))
    assert row is not None
    return row[1]


def test_a_report_is_stored_as_clickhouse_reads_it() -> None:
    """No name twice, and no number beyond a double."""
    value = unmatched(b'{"amount":4,"other":[{"a":1,"a":-1e999}],"amount":5}')
    row = unmatched_row(record("unmatched", value))
    assert row is not None
    assert '{"other":[{"a":"-1e999"}],"amount":5}' in row


def dead_letter(row: Row) -> dict[str, object]:
    return dict(zip(DEAD_LETTER_COLUMNS, row, strict=True))


def test_versions_follow_the_position_and_stay_in_range() -> None:
    later = [
        record("leads", b"", offset=5, at_ms=T0),
        record("leads", b"", offset=6, at_ms=T0),
        record("leads", b"", offset=0, at_ms=T0 + 1),
        record("leads", b"", offset=1 << 40, at_ms=4_000_000_000_000),
    ]
    assert [last_wins(one) for one in later] == sorted({last_wins(one) for one in later})
    assert [first_wins(one) for one in later] == sorted({first_wins(one) for one in later}, reverse=True)
    for one in [*later, record("leads", b"", at_ms=-1)]:
        assert 0 <= last_wins(one) < 1 << 64
        assert 0 <= first_wins(one) < 1 << 64


@given(st.integers(946_684_800_000, 1 << 42), st.integers(1, 1 << 40), st.binary(), st.binary())
def test_the_earlier_click_wins_whatever_it_says(at_ms: int, later: int, one: bytes, other: bytes) -> None:
    assert (1 << 64) > earliest_wins(at_ms, one) > earliest_wins(at_ms + later, other) >= 0


def test_metadata_is_an_object_also_where_there_was_none() -> None:
    row = dict(zip(SALE_COLUMNS, sale_row(record("sales", records.sale("u1", "in_1"))), strict=True))
    assert row["metadata"] == "{}"
    row = dict(zip(LEAD_COLUMNS, lead_row(record("leads", records.lead("u1"))), strict=True))
    assert row["metadata"] == '{"plan":"pro"}'


@pytest.mark.parametrize(
    ("carried", "stored"),
    [
        (b'{"a":1,"a":2}', '{"a":2}'),
        (b'{"n":1e400}', '{"n":"1e400"}'),
        (b'{"a.b":1,"a":{"b":2}}', '{"a":{"b":2}}'),
    ],
)
def test_documents_of_releases_before_are_json_for_every_reader(carried: bytes, stored: str) -> None:
    value = records.lead("u1").replace(b'{"plan":"pro"}', carried)
    row = dict(zip(LEAD_COLUMNS, lead_row(record("leads", value)), strict=True))
    assert row["metadata"] == stored
    assert as_stored("metadata", carried.decode()) == stored
    event = unmatched_row(record("unmatched", unmatched(carried)))
    assert event is not None
    assert stored in event
    assert unmatched_id(unmatched(carried)) == unmatched_id(unmatched(stored.encode()))


def test_a_customer_has_touches_also_where_the_document_lists_none() -> None:
    """There is one then, or it is of a release before."""

    def stored(value: bytes) -> dict[str, object]:
        row = customer_row(record("customers", value))
        assert row is not None
        return dict(zip(STATUS_COLUMNS, row, strict=True))

    alone = records.customer("u1")
    assert b"touches" not in alone
    row = stored(alone)
    own = ("click_id", "click_timestamp", "deferred_at", "link_id", "partner_id", "program_id")
    assert row["touches"] == [tuple(row[name] for name in own)]
    at = "2026-01-02T00:00:00.000Z"
    touch = {"clickId": "c", "clickTimestamp": at, "deferredAt": at, "linkId": "l", "partnerId": None}
    listed = orjson.dumps({**orjson.loads(alone), "touches": [{**touch, "programId": "p"}]})
    assert stored(listed)["touches"] == [("c", parse_rfc3339(at), parse_rfc3339(at), "l", "", "p")]


def test_a_record_on_which_a_row_function_fails_is_one_refused_record() -> None:
    def row(one: ConsumerRecord) -> Row:
        if one.offset == 1:
            raise KeyError("a bug")
        return lead_row(one)

    table = replace(next(one for one in TABLES if one.name == "leads_raw"), row=row)
    batch = Batch()
    batch.add(
        TopicPartition("leads", 0), [table], [record("leads", records.lead("c"), offset=n) for n in range(3)]
    )
    [(refused, unreadable)] = batch.refused
    assert (refused.offset, unreadable.reason, unreadable.failed) == (1, "processing_failed", True)
    assert unreadable.detail == "KeyError: 'a bug'"
    assert len(batch.tables["leads_raw"].rows) == 2


def test_clicks_that_count_elsewhere_or_nowhere_make_no_row() -> None:
    assert click_row(record("clicks", b"{")) is None
    assert click_row(record("clicks", None)) is None
    assert click_row(record("clicks", click("a", bot=True))) is None
    assert click_row(record("clicks", click("a", T0 + 2 * DAY_MS))) is None


def test_a_click_is_judged_by_the_clock_and_not_by_its_record() -> None:
    """A producer may stamp its records as it likes."""
    assert click_row(record("clicks", click("a"), at_ms=T0 - 30 * DAY_MS)) is not None
    without_any_time = click_row(record("clicks", click("a", None), at_ms=-1))
    assert without_any_time is not None
    assert without_any_time[CLICK_COLUMNS.index("timestamp")] == T0


@pytest.mark.parametrize(
    ("topic", "value", "key", "reason"),
    [
        ("leads", b"{", b"w:c", "not_json"),
        ("leads", None, b"w:c", "not_json"),
        ("leads", b"[" * 100_000, b"w:c", "not_an_object"),
        ("leads", b'{"a":' * 100_000, b"w:c", "not_json"),
        ("sales", b"[]", b"w:c", "not_an_object"),
        ("sales", b"{}", b"w:c", "schema_violation"),
        ("leads", records.lead("c").replace(b"2026-09-21T", b"some day "), b"w:c", "schema_violation"),
        ("leads", records.lead("c").replace(b'"pro"', b'"\xff"'), b"w:c", "not_json"),
        ("leads", records.lead("c").replace(b'.000Z"', b'.000"'), b"w:c", "schema_violation"),
        ("customers", None, None, "schema_violation"),
        ("customers", None, b"no colon", "schema_violation"),
        ("customers", None, b"\xff:\xff", "not_json"),
        ("unmatched", unmatched(b'"\xff"'), b"w:c", "not_json"),
    ],
)
def test_what_is_no_result_is_refused_with_a_reason(
    topic: str, value: bytes | None, key: bytes | None, reason: str
) -> None:
    tables = by_topic(str)[topic]
    batch = Batch()
    batch.add(TopicPartition(topic, 0), tables, [record(topic, value, key=key, offset=41)])
    [(refused, unreadable)] = batch.refused
    assert refused.offset == 41
    assert unreadable.reason == reason
    assert unreadable.detail
    assert [one.rows for one in batch.tables.values()] == [[] for _ in tables]
    assert batch.offsets == {TopicPartition(topic, 0): 42}, "it must not be read for ever"


def test_a_tombstone_erases_its_customer_and_names_nobody() -> None:
    tombstone = record("customers", None, key=b"w:a:b", offset=1)
    assert customer_row(tombstone) is None
    assert erased_row(tombstone) == (customer_id("w", "a:b"), last_wins(tombstone))
    assert erased_row(record("customers", records.customer("c"))) is None


class TestUnmatchedIds:
    """One per event, however often and from wherever it is reported."""

    def test_an_event_is_its_bytes_its_topic_and_its_time(self) -> None:
        event = b'{"workspaceId":"w"}'
        same = unmatched_id(unmatched(event))
        assert unmatched_id(unmatched(event, offset=8, reason="suppressed")) == same
        assert unmatched_id(unmatched(event, topic="deferred-leads")) != same
        assert unmatched_id(unmatched(event + b" ", at_ms=T0 + 1)) != same
        assert unmatched_id(unmatched(b'{"workspaceId": "w"}')) != same

    def test_the_prefix_of_a_deployment_is_no_part_of_it(self) -> None:
        prefixed = unmatched(b"{}", topic="eu.qualifications")
        assert unmatched_id(prefixed, "eu.") == unmatched_id(unmatched(b"{}"))

    def test_events_that_may_not_be_repeated_stay_apart(self) -> None:
        """Of an erased person nothing is kept: ``event`` is null."""
        some = {
            unmatched_id(unmatched(b"null", customer_external_id=customer, at_ms=at_ms))
            for customer in ("a", "b")
            for at_ms in (T0, T0 + 1)
        }
        assert len(some) == 4

    def test_a_click_that_lost_is_the_same_with_and_without_what_no_lead_keeps(self) -> None:
        as_it_came = click("k", T0, country="DE", ua="Mozilla", ip="10.0.0.1")
        as_remembered = click("k", T0, country="DE", trackConversion=True, qr=False, bot=None, url=None)
        ids = {
            unmatched_id(unmatched(event, topic="clicks", customer_external_id=None, click_id="k"))
            for event in (as_it_came, as_remembered)
        }
        assert len(ids) == 1
        others = (
            click("k", T0, country="FR"),
            click("k", T0, country="DE", qr=1),
            click("k", T0, country="DE", trackConversion=False),
            click("k", T0, country="DE", bot=True),
        )
        for event in others:
            ids.add(unmatched_id(unmatched(event, topic="clicks", customer_external_id=None, click_id="k")))
        assert len(ids) == 5

    def test_a_click_event_that_cannot_be_read_is_its_bytes(self) -> None:
        assert unmatched_id(unmatched(b'{"a":1}', topic="clicks")) != unmatched_id(
            unmatched(b'{"a":2}', topic="clicks")
        )

    def test_the_last_record_is_a_report_or_a_note(self) -> None:
        identity = unmatched_id(unmatched(b"{}"))

        def last(at_ms: int, offset: int, value: bytes) -> Row:
            row = unmatched_last_row(record("unmatched", value, at_ms=at_ms, offset=offset))
            assert row is not None
            return row

        note = unmatched(b"null", replayed=identity)
        rows = [last(T0, 1, unmatched(b"{}")), last(T0, 2, note), last(T0 + 1, 3, unmatched(b"{}"))]
        assert [row[:3] for row in rows] == [("w", identity, replayed) for replayed in (False, True, False)]
        assert sorted(row[3] for row in rows) == [row[3] for row in rows]
        assert unmatched_row(record("unmatched", note)) is None


class TestDeadLetters:
    def test_a_note_counts_until_the_next_attempt(self) -> None:
        identity = dead_letter_row(records.dead_letter(b"value"))[0]

        def version(days: int, attempt: int, *, note: bool = False) -> int:
            value, replayed = (None, identity) if note else (b"value", "")
            letter = records.dead_letter(value, offset=days * DAY_MS, attempt=attempt, replayed=replayed)
            row = dead_letter(dead_letter_row(letter))
            assert (row["dead_letter_id"], row["replayed"]) == (identity, note)
            return int(row["version"])  # type: ignore[call-overload,no-any-return]

        assert version(0, 1) < version(30, 1, note=True) < version(60, 2) < version(90, 2, note=True)
        assert version(0, 100) < version(30, 100, note=True) < version(60, 101) < 1 << 64
        assert version(90, 101, note=True) < version(60, 101), "it may stand for a later attempt"

    def test_one_row_per_record_however_often_it_comes_back(self) -> None:
        first = dead_letter(dead_letter_row(records.dead_letter(b"\xff\x00", offset=1)))
        again = dead_letter(dead_letter_row(records.dead_letter(b"\xff\x00", offset=9)))
        replayed = dead_letter(dead_letter_row(records.dead_letter(b"\xff\x00", offset=12, attempt=2)))
        assert first["dead_letter_id"] == again["dead_letter_id"] == replayed["dead_letter_id"]
        assert again["version"] < first["version"] < replayed["version"]  # type: ignore[operator]
        assert replayed["version"] < 1 << 64  # type: ignore[operator]
        assert replayed["attempt"] == 2
        assert (first["value"], first["key"], first["attempt"]) == (b"\xff\x00", b"w:c", 1)
        other = dead_letter(dead_letter_row(records.dead_letter(b"\xff\x01", offset=1)))
        assert other["dead_letter_id"] != first["dead_letter_id"]

    def test_no_value_is_another_one_than_an_empty_value(self) -> None:
        def identity(value: bytes | None) -> object:
            letter = schemas.dead_letters.dead_letter(record("clicks", value), DeadLetterReason.NOT_JSON, "")
            found = record("dead-letters", letter.value, key=letter.key, headers=letter.headers)
            return dead_letter(dead_letter_row(found))["dead_letter_id"]

        assert len({identity(value) for value in (None, b"", None, b"x")}) == 3

    def test_those_without_their_values_are_told_apart(self) -> None:
        def row(size: int) -> Row:
            source = record("clicks", b"x" * size)
            letter = schemas.dead_letters.dead_letter(source, DeadLetterReason.TOO_LARGE, "large")
            return dead_letter_row(
                record("dead-letters", letter.value, key=letter.key, headers=letter.headers)
            )

        rows = [dead_letter(row(size)) for size in (12_000_000, 12_000_000, 13_000_000)]
        assert [one["value"] for one in rows] == [b"", b"", b""]
        assert rows[0]["dead_letter_id"] == rows[1]["dead_letter_id"] != rows[2]["dead_letter_id"]

    @pytest.mark.parametrize(
        ("key", "value", "workspace"),
        [
            (b"w:c", b'{"workspaceId":"named"}', "named"),
            (b"w:c", b'{"workspaceId":"not a name"}', "w"),
            (b"w:c", b'{"workspaceId":7}', "w"),
            (b"w:c", None, "w"),
            (b"nothing", b"\xff", ""),
            (None, b"[]", ""),
            (b"\xff:c", b"{", ""),
            (b"w\n:c", b"{", ""),
        ],
    )
    def test_the_workspace_as_far_as_it_can_be_read(
        self, key: bytes | None, value: bytes | None, workspace: str
    ) -> None:
        row = dead_letter(dead_letter_row(records.dead_letter(value, key=key)))
        assert row["workspace_id"] == workspace


@pytest.mark.parametrize(
    ("key", "value", "customers"),
    [
        (b"w:u1", b"", ["u1"]),
        (b"w:u1", b'{"workspaceId":"w","customerExternalId":"u2"}', ["u1", "u2"]),
        (
            b"w:k1",
            b'{"workspaceId":"w","externalId":" u2 ","customerId" : "u3", "c',
            ["k1", "u2", "u3"],
        ),
        (b"w:k1", b'[{"customerId":"u2"},{"customerId":"u3"},{"customerId":"u2"}]', ["k1", "u2", "u3"]),
        (b"w:k1", rb'{"customerId":"Zo\u00eb\n\"x"', ["k1", 'Zoë\n"x']),
        (b"w:k1", b'{"customerId":"\xff"', ["k1", "\ufffd"]),
        (b"w:k1", b'{"customerId":42,"amount":"43"}', ["k1", "42"]),
        (b"w:k1", b"sign-up,u2;Zo\xc3\xab", ["k1", "sign-up", "u2", "Zoë"]),
        (b"nothing", b'{"customerId":"u2"}', []),
        (b"", rb'{"workspaceId":"w","customerId":"Joe \ud83d","amount":-1}', ["Joe \ufffd"]),
    ],
)
def test_whom_a_dead_letter_names(key: bytes, value: bytes, customers: list[str]) -> None:
    """However broken it is."""
    assert persons_in(key, value) == [customer_id("w", customer) for customer in customers]


def test_a_dead_letter_names_no_more_than_a_row_can_bear() -> None:
    names = b",".join(b'{"customerId":"u%d"}' % number for number in range(10_000))
    assert len(persons_in(b"w:k1", names)) == 100


def test_what_goes_with_a_person() -> None:
    tables = {table.name: table for table in TABLES}

    def persons(name: str, value: bytes) -> list[str]:
        row = tables[name].row(record("any", value))
        assert row is not None
        return list(tables[name].persons(row))

    theirs = [customer_id("w", "c")]
    assert persons("leads_raw", records.lead("c")) == theirs
    assert persons("sales_raw", records.sale("c", "i")) == theirs
    assert persons("customers_raw", records.customer("c")) == theirs
    assert persons("unmatched_raw", unmatched(b"{}")) == theirs
    assert persons("dead_letters_raw", b"{") == [*theirs]
    assert persons("unmatched_raw", unmatched(b"null", reason="suppressed")) == []
    assert persons("clicks_raw", click("c")) == []
