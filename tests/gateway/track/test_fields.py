"""Field by field: what is taken, what it becomes, and what is refused."""

from typing import Any, Final

import orjson
import pytest

from processors.gateway.track.bodies import ClientLeadBody, ClientSaleBody, LeadBody, SaleBody
from schemas.decoding import decode_lead_event, decode_purchase
from schemas.ids import idempotent_event_id
from schemas.times import DAY_MS
from tests.gateway.calling import NOW, Answered
from tests.gateway.track.world import ANN, LEAD, SALE, World

LEADS: Final = ("/track/lead", "/track/lead/client")
SALES: Final = ("/track/sale", "/track/sale/client")
SECRET: Final = ("/track/lead", "/track/sale")
CLIENT: Final = ("/track/lead/client", "/track/sale/client")
ALL: Final = (*LEADS, *SALES)
A_YEAR_AGO: Final = NOW - 365 * DAY_MS


@pytest.fixture
def world() -> World:
    """Click ``c1`` was recorded."""
    world = World()
    world.click("c1")
    return world


async def call(world: World, path: str, fields: dict[str, Any], **how: Any) -> Answered:
    """A call that is good but for ``fields``; a field that is ``...`` is left out."""
    body = (LEAD if path in LEADS else SALE) | {"clickId": "c1"} | fields
    return await world.post(path, body={name: one for name, one in body.items() if one is not ...}, **how)


def cases(paths: tuple[str, ...], name: str, values: list[object]) -> list[Any]:
    return [
        pytest.param(path, {name: value}, id=f"{path} {name}={str(value)[:24]!r}")
        for path in paths
        for value in values
    ]


REFUSED: Final = [
    *cases(LEADS, "eventName", [..., None, "", "  ", 7, "x" * 256]),
    *cases(SALES, "eventName", [7, "x" * 256]),
    *cases(ALL, "customerExternalId", [7, "u" * 101, "undefined", " NULL ", "[object Object]", "a\x00b"]),
    *cases(CLIENT, "customerExternalId", [..., None, "", "  "]),
    *cases(SECRET, "externalId", [7, "u" * 101]),
    *cases(SECRET, "customerId", [7, "u" * 101]),
    *cases(ALL, "clickId", [7, "c" * 65, "undefined", "a\x00b"]),
    *cases(("/track/lead/client",), "clickId", [..., None]),
    *cases(ALL, "customerName", [7, "n" * 101]),
    *cases(
        ALL,
        "customerEmail",
        ["", " ", 7, "ann", "ann@", "@example.com", "ann@example", "ann @example.com", "a..b@example.com"],
    ),
    *cases(ALL, "customerEmail", [" ann@example.com", "a@b@example.com", ".a@example.com", "a@example..com"]),
    *cases(ALL, "customerEmail", [f"{'a' * 89}@example.com", "ann@example.com\n", "Ann <ann@example.com>"]),
    *cases(ALL, "customerAvatar", [7, "a" * 2_049]),
    *cases(ALL, "metadata", [[], "text", 7, True, {"k": "v" * 10_000}]),
    *cases(LEADS, "mode", ["later", "ASYNC", 7]),
    *cases(LEADS, "eventQuantity", [0, 0.0, -1, 101, 1.5, "2", True, 1e300]),
    *cases(SALES, "amount", [..., None, -1, 1.5, "100", 2**63, 1e300]),
    *cases(SALES, "currency", ["euro", "€€€", 7]),
    *cases(SALES, "paymentProcessor", ["paypal", "Stripe", 7]),
    *cases(SALES, "invoiceId", [7, "i" * 256, "undefined", "a\x00b"]),
    *cases(SALES, "leadEventName", [7, "x" * 256]),
    *cases(
        SECRET,
        "timestamp",
        ["yesterday", "2026-01-01T00:00:00", "", NOW + DAY_MS + 10, 946_684_799_999, 1.5, 10**18, []],
    ),
]


@pytest.mark.parametrize(("path", "fields"), REFUSED)
async def test_refused(world: World, path: str, fields: dict[str, object]) -> None:
    answered = await call(world, path, fields)
    assert (answered.status, answered.code) == (422, "unprocessable_entity")
    (name,) = fields
    told = {"externalId": "xternalId", "customerId": "ustomer"}.get(name, name)
    assert told in answered.content
    assert world.written() == []


@pytest.mark.parametrize(
    ("path", "field", "told"),
    [
        ("/track/lead", {"eventName": " "}, "too_small: eventName: eventName is required"),
        ("/track/lead", {"customerEmail": "ann"}, "invalid_string: customerEmail: Invalid e-mail address"),
        (
            "/track/lead/client",
            {"customerExternalId": ""},
            "too_small: customerExternalId: customerExternalId is required",
        ),
        ("/track/lead", {"metadata": []}, "custom: metadata: expected an object"),
        (
            "/track/lead",
            {"clickId": "null"},
            "custom: clickId: 'null' is what client code sends that has no id",
        ),
    ],
)
async def test_the_first_finding_is_told(
    world: World, path: str, field: dict[str, object], told: str
) -> None:
    assert (await call(world, path, field)).content == told


@pytest.mark.parametrize("path", SECRET)
@pytest.mark.parametrize("missing", [..., None, "", "  "])
async def test_a_server_that_names_no_customer_is_told_400(world: World, path: str, missing: object) -> None:
    answered = await call(
        world, path, {"customerExternalId": missing, "externalId": missing, "customerId": missing}
    )
    assert (answered.status, answered.code) == (400, "bad_request")
    assert answered.content == "customerExternalId is required"


ACCEPTED: Final = [
    *cases(LEADS, "eventQuantity", [1, 100, 2.0, None]),
    *cases(LEADS, "mode", ["async", "wait", "deferred", None]),
    *cases(SALES, "amount", [0, 1, 100.0, 2**63 - 1]),
    *cases(SALES, "currency", ["usd", "EUR", " ", "", None, "eur "]),
    *cases(SALES, "eventName", [None, "", "  ", "x" * 255]),
    *cases(SALES, "paymentProcessor", ["stripe", "custom", None]),
    *cases(SALES, "invoiceId", [None, "", "  ", "i" * 255]),
    *cases(SALES, "leadEventName", [None, "", "x" * 255]),
    *cases(SALES, "clickId", [..., None, "", " c1 "]),
    *cases(ALL, "customerName", [None, "", "n" * 100, "🙂" * 100]),
    *cases(ALL, "customerEmail", [None, "ann@example.com", "o'neil+x_y-z@sub.example.co", "jörg@müller.de"]),
    *cases(ALL, "customerAvatar", [None, "", "https://a/b.png"]),
    *cases(ALL, "metadata", [None, {}, {"a": [1, {"b": None}]}, {"k": "v" * 9_000}]),
    *cases(ALL, "unknown", [None, {"deep": [1]}, "text"]),
    *cases(ALL, "customerExternalId", ["u" * 100, " u1 ", "émile@example.com"]),
    *cases(("/track/lead/client",), "clickId", ["c1", " c1 "]),
    *cases(CLIENT, "timestamp", ["yesterday", 5]),
    *cases(CLIENT, "externalId", [7]),
    *cases(SECRET, "timestamp", [None, A_YEAR_AGO, float(A_YEAR_AGO), "2026-01-01T01:00:00.5+01:00"]),
]


@pytest.mark.parametrize(("path", "fields"), ACCEPTED)
async def test_accepted(world: World, path: str, fields: dict[str, object]) -> None:
    """... and every event that is written is one that workers take."""
    answered = await call(world, path, fields)
    assert answered.status == 200
    for record in world.topics.records[1:]:
        decode = decode_lead_event if b'"type":"lead"' in record.value else decode_purchase
        decode(record.value, record.at_ms, record.at_ms)


async def test_the_clients_page_sends_an_empty_click(world: World) -> None:
    await call(world, "/track/lead/client", {"mode": "deferred"})
    assert (await call(world, "/track/lead/client", {"clickId": ""})).status == 200


@pytest.mark.parametrize("path", SECRET)
@pytest.mark.parametrize(
    ("ids", "counts"),
    [
        ({"customerExternalId": "a", "externalId": "b", "customerId": "c"}, "a"),
        ({"customerExternalId": None, "externalId": "b", "customerId": "c"}, "b"),
        ({"customerExternalId": " ", "externalId": "", "customerId": " c "}, "c"),
        ({"customerExternalId": ..., "customerId": "c"}, "c"),
        ({"customerExternalId": "a", "externalId": "undefined"}, "a"),
    ],
)
async def test_the_first_id_that_is_given_counts(
    world: World, path: str, ids: dict[str, object], counts: str
) -> None:
    answered = await call(world, path, ids)
    assert answered.content["customer"]["externalId"] == counts
    assert {event["customerExternalId"] for event in world.written()} == {counts}


NULLS: Final = {
    "customerName": None,
    "customerEmail": None,
    "customerAvatar": None,
    "metadata": None,
}


@pytest.mark.parametrize("mode", [None, "async"])
async def test_explicit_nulls_are_absent(world: World, mode: str | None) -> None:
    """As the SDKs send them."""
    nulls = {**NULLS, "externalId": None, "customerId": None, "eventQuantity": None, "timestamp": None}
    await call(world, "/track/lead", {**nulls, "mode": mode})
    spare = {
        "currency": None,
        "eventName": None,
        "paymentProcessor": None,
        "invoiceId": None,
        "leadEventName": None,
    }
    answered = await call(world, "/track/sale", {**NULLS, **spare, "clickId": None})
    assert answered.content["sale"] == {
        "amount": 1_000,
        "currency": "usd",
        "paymentProcessor": "custom",
        "invoiceId": None,
        "metadata": None,
    }
    lead, sale = world.written()
    common = {"workspaceId": "acme", **ANN}
    assert lead == {
        "type": "lead",
        **common,
        "timestamp": world.now_ms - 1,
        "clickId": "c1",
        "eventName": "Sign Up",
        **({"mode": mode} if mode else {}),
    }
    assert sale == {
        "type": "purchase",
        **common,
        "timestamp": world.now_ms,
        "amount": 1_000,
        "paymentProcessor": "custom",
        "eventId": sale["eventId"],
    }


@pytest.mark.parametrize(
    ("given", "written"),
    [
        (None, None),
        (A_YEAR_AGO, A_YEAR_AGO),
        (float(A_YEAR_AGO), A_YEAR_AGO),
        ("2026-01-01T01:00:00.5+01:00", 1_767_225_600_500),
        (NOW + DAY_MS, NOW + DAY_MS),
    ],
)
@pytest.mark.parametrize("path", ALL)
async def test_the_time_of_an_event(world: World, path: str, given: object, written: int | None) -> None:
    """Given by a server, else of the arrival; a page does not say it. It is always written."""
    await call(world, path, {"timestamp": given})
    expected = world.now_ms if written is None or path in CLIENT else written
    assert {event["timestamp"] for event in world.written()} == {expected}


async def test_metadata_goes_along_without_its_blanks(world: World) -> None:
    raw = orjson.dumps({**LEAD, "clickId": "c1"})[:-1] + b',"metadata":{ "a": [ 1, 2.50 ],  "b": "c d" }}'
    assert (await world.post("/track/lead", body=raw)).status == 200
    assert b'"metadata":{"a":[1,2.50],"b":"c d"}' in world.topics.records[-1].value


async def test_metadata_is_measured_in_characters_however_they_are_written(world: World) -> None:
    """Some clients write every letter beyond ASCII as an escape of six characters."""
    metadata = {"k": "я" * 9_900, "n": 1.5}
    escaped = b'{"k":"' + b"\\u044f" * 9_900 + b'","n":1.50}'
    body = orjson.dumps({**LEAD, "clickId": "c1"})[:-1] + b',"metadata":' + escaped + b"}"
    assert (await world.post("/track/lead", body=body)).status == 200
    assert orjson.loads(world.topics.records[-1].value)["metadata"] == metadata
    longer = body.replace(b"\\u044f", b"\\u044f\\u044f", 200)
    assert (await world.post("/track/lead", body=longer)).status == 422


@pytest.mark.parametrize("path", ALL)
async def test_an_idempotency_key_is_the_events_id(world: World, path: str) -> None:
    await call(world, path, {}, headers={"Idempotency-Key": " key 1 "})
    expected = idempotent_event_id("acme", "key 1")
    assert expected.startswith("ik_")
    assert "key" not in expected.removeprefix("ik_")
    assert {event["eventId"] for event in world.written()} == {expected}
    assert idempotent_event_id("other", "key 1") != expected


@pytest.mark.parametrize("path", ALL)
async def test_a_blank_idempotency_key_is_none(world: World, path: str) -> None:
    answered = await call(world, path, {}, headers={"Idempotency-Key": " "})
    assert answered.status == 200
    assert "ik_" not in str(world.written())


@pytest.mark.parametrize("path", ALL)
async def test_an_idempotency_key_has_a_length(world: World, path: str) -> None:
    assert (await call(world, path, {}, headers={"Idempotency-Key": "k" * 255})).status == 200
    answered = await call(world, path, {}, headers={"Idempotency-Key": "k" * 256})
    assert answered.content == "too_big: Idempotency-Key: Idempotency-Key must have at most 255 characters"


@pytest.mark.parametrize("kind", [LeadBody, SaleBody, ClientLeadBody, ClientSaleBody])
def test_no_body_has_a_field_that_says_whose_it_is(kind: type[LeadBody]) -> None:
    """Only the key does."""
    assert not {"workspaceId", "eventId", "type"} & set(kind.__struct_encode_fields__)
