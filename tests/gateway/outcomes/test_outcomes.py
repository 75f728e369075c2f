"""What became of events, against the rows that a sink writes."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

import pytest
from msgspec.json import decode, encode

from deploy.local.clickhouse import LocalClickHouse
from processors.gateway.answers import Answer, ApiError, Code, TryAgain
from processors.gateway.asking import Ask
from processors.gateway.known import Facts, KnownCustomer
from processors.gateway.looking import Looks
from processors.gateway.outcomes.held import Holding
from processors.gateway.outcomes.routes import outcome_routes
from processors.gateway.places import NEXT
from processors.people.traced import HeldEvents
from schemas.ids import customer_id
from tests.clickhouse.database import Database, fresh_database
from tests.gateway.customers.traces import held, waiting
from tests.gateway.links.world import OTHER, called
from tests.gateway.stored import stored

pytestmark = pytest.mark.integration

_AT: Final = datetime(2026, 1, 1, tzinfo=UTC)
_HOUR: Final = timedelta(hours=1)


class Known:
    """Facts: of ``eve`` an erasure was accepted a moment ago."""

    async def customer(self, _: str, external_id: str, *, wait: bool) -> KnownCustomer | None:
        assert not wait
        return KnownCustomer(erased=True) if external_id == "eve" else None


@pytest.fixture(scope="module")
def database(clickhouse: LocalClickHouse) -> Iterator[Database]:
    """One for all tests of this module, which read only."""
    with fresh_database(clickhouse.url) as database:
        _emit(database, "ada", [{"click_id": "c2", "partner_id": "p1"}, {}, {"quantity": 4}])
        _emit(database, "eve", [{}])
        _emit(database, "dan", [{}])
        _refuse(database)
        database.client.insert("erased_raw", [[customer_id("acme", "dan"), 1]], ["customer_id", "version"])
        yield database


def _emit(database: Database, person: str, said: list[dict[str, object]]) -> None:
    """A lead, an hour after the other as it is said then, and once more by a replay; also in ``other``."""
    for number, changed in [*enumerate(said)] * 2:
        for workspace in ("acme", "other"):
            row = {
                "workspace_id": workspace,
                "lead_id": f"lead_{person}" if workspace == "acme" else f"lead_{person}_other",
                "revision": number + 1,
                "timestamp": _AT,
                "event_name": "Sign up",
                "event_id": "e1",
                "quantity": 1,
                "customer_id": customer_id(workspace, person),
                "customer_external_id": person,
                "click_id": "c1",
                "click_timestamp": _AT - _HOUR,
                "link_id": "link_1",
                "partner_id": "p2",
                "version": int((_AT + number * _HOUR).timestamp() * 1000) << 22,
                **changed,
            }
            database.client.insert("leads_raw", [[*row.values()]], [*row])


def _refuse(database: Database) -> None:
    """Of each workspace five events, of which two are reported in the same moment, and two records."""
    for workspace in ("acme", "other"):
        events = [
            ("ada", "click_not_found", "c1", '{"clickId":"c1"}', 0),
            ("ben", "bot_click", "c2", '{"clickId":"c2"}', 1),
            ("ada", "no_deferred_lead", "", "{}", 1),
            ("eve", "click_not_found", "c3", "{}", 2),
            ("dan", "click_not_found", "c4", "{}", 3),
        ]
        columns = (
            *("workspace_id", "unmatched_id", "customer_external_id", "customer_id", "reason", "click_id"),
            *("event", "reported_at", "timestamp", "version"),
        )
        rows = [
            [
                *(workspace, f"{workspace}_{number}", who, customer_id(workspace, who), reason, click, event),
                *(_AT + hours * _HOUR, _AT, 1),
            ]
            for number, (who, reason, click, event, hours) in enumerate(events)
        ]
        database.client.insert("unmatched_raw", rows * 2, columns)
        dead = [
            [f"{workspace}_dead_{number}", workspace, reason, value, 1, "leads", _AT + number * _HOUR, _AT, 1]
            for number, (reason, value) in enumerate((("not_json", b"\xffno {"), ("too_large", b"x" * 900)))
        ]
        names = (
            *("dead_letter_id", "workspace_id", "reason", "value", "attempt", "source_topic"),
            *("reported_at", "source_timestamp", "version"),
        )
        database.client.insert("dead_letters_raw", dead, names)


def _holding(ask: Ask) -> Holding:
    """Of four, in which ``dan`` was erased."""

    async def look(_: str, most: int) -> HeldEvents:
        return held(*(waiting(who) for who in ("ada", "ben", "dan", "fay")[:most]))

    return Holding(look, Looks(1), ask)


async def _called(database: Database, what: str, **more: Any) -> tuple[Any, str]:
    """What is answered, and where the next page begins."""
    async with stored(database.url) as store:
        answer = await called(
            outcome_routes(store.rows, cast(Facts, Known()), _holding(store.rows)), f"GET {what}", **more
        )
    if isinstance(answer, Answer):
        return decode(encode(answer.content)), answer.headers.get(NEXT, "")
    return decode(encode(answer)), ""


async def test_every_revision_says_what_it_has_changed(database: Database) -> None:
    found, _ = await _called(database, "/leads/lead_ada/revisions")
    assert [(one["revision"], one["emittedAt"], one["changed"]) for one in found] == [
        (3, "2026-01-01T02:00:00.000Z", ["quantity"]),
        (2, "2026-01-01T01:00:00.000Z", ["clickId", "partnerId"]),
        (1, "2026-01-01T00:00:00.000Z", None),
    ]
    assert found[0] == {
        "revision": 3,
        "emittedAt": "2026-01-01T02:00:00.000Z",
        "timestamp": "2026-01-01T00:00:00.000Z",
        "customerExternalId": "ada",
        "eventName": "Sign up",
        "eventId": "e1",
        "quantity": 4,
        "clickId": "c1",
        "clickedAt": "2025-12-31T23:00:00.000Z",
        "linkId": "link_1",
        "partnerId": "p2",
        "programId": None,
        "changed": ["quantity"],
    }


@pytest.mark.parametrize("lead_id", ["nothing", "lead_eve", "lead_dan", "lead_ada_other"])
async def test_a_lead_that_is_not_there_is_erased_or_anothers(database: Database, lead_id: str) -> None:
    with pytest.raises(ApiError) as error:
        await _called(database, f"/leads/{lead_id}/revisions")
    assert (error.value.code, error.value.message) == (Code.NOT_FOUND, "Lead not found.")


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("", "2 1 0"),
        ("reason=click_not_found", "0"),
        ("customerExternalId=ada", "2 0"),
        ("customerExternalId=ada&reason=no_deferred_lead", "2"),
        ("clickId=c2", "1"),
        ("customerExternalId=nobody", ""),
        ("clickId=' OR 1 --", ""),
        ("clickId=c4", ""),
        ("cursor=0.z", ""),
    ],
)
async def test_what_led_to_nothing(database: Database, query: str, ids: str) -> None:
    found, following = await _called(database, f"/unmatched?{query}")
    assert [one["id"] for one in found] == [f"acme_{number}" for number in ids.split()]
    assert following == ""


@pytest.mark.parametrize("limit", [1, 2, 3])
async def test_page_after_page_it_is_the_same(database: Database, limit: int) -> None:
    ids, cursor, pages = [], "", 0
    while cursor or not pages:
        found, cursor = await _called(database, f"/unmatched?limit={limit}&cursor={cursor}")
        ids += [one["id"] for one in found]
        pages += 1
    assert ids == ["acme_2", "acme_1", "acme_0"]
    # Whom an erasure hides is on the pages all the same: nobody.
    assert pages == -(-4 // limit)


async def test_an_event_is_shown_as_it_came(database: Database) -> None:
    found, _ = await _called(database, "/unmatched?clickId=c1", workspace=OTHER)
    assert found == [
        {
            "id": "other_0",
            "reason": "click_not_found",
            "detail": "",
            "timestamp": "2026-01-01T00:00:00.000Z",
            "reportedAt": "2026-01-01T00:00:00.000Z",
            "customerExternalId": "ada",
            "clickId": "c1",
            "eventName": None,
            "event": {"clickId": "c1"},
        }
    ]


async def test_records_that_could_not_be_used(database: Database) -> None:
    found, following = await _called(database, "/dead-letters?limit=1")
    assert (found[0]["reason"], found[0]["preview"]) == ("too_large", "x" * 500)
    (last,), end = await _called(database, f"/dead-letters?limit=1&cursor={following}")
    assert (last["id"], last["reason"], end) == ("acme_dead_0", "not_json", "")
    assert last["preview"].endswith("no {")
    assert (await _called(database, "/dead-letters?reason=not_json"))[0] == [last]


@pytest.mark.parametrize("cursor", ["x", "1", "1.", ".a", "-1.a", "١.a", "1234567890123456.a", "1_0.a"])
async def test_cursors_that_nobody_wrote(database: Database, cursor: str) -> None:
    for path in ("/unmatched", "/dead-letters"):
        with pytest.raises(ApiError) as error:
            await _called(database, f"{path}?cursor={cursor}")
        assert error.value.code is Code.UNPROCESSABLE_ENTITY
        assert error.value.message.startswith("custom: cursor: ")


async def test_without_clickhouse_callers_are_to_try_again(clickhouse: LocalClickHouse) -> None:
    async with stored(f"{clickhouse.url.rsplit('/', 1)[0]}/no_such_database") as store:
        for path in ("/unmatched", "/dead-letters", "/leads/lead_ada/revisions"):
            with pytest.raises(TryAgain):
                await called(
                    outcome_routes(store.rows, cast(Facts, Known()), _holding(store.rows)), f"GET {path}"
                )


async def test_what_is_held_names_nobody_who_was_erased(database: Database) -> None:
    """A click does not know of an erasure; the number, which names nobody, stays."""
    found, _ = await _called(database, "/held")
    assert [one["customerExternalId"] for one in found["events"]] == ["ada", "ben", "fay"]
    assert (found["reasons"], found["complete"]) == ({"click_not_found": 4}, True)
    few, _ = await _called(database, "/held?limit=2")
    assert len(few["events"]) == 2
