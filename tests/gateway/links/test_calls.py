"""The calls about links, from their bodies to what they answer and leave in the registry."""

from typing import Any

import pytest

from processors.gateway.answers import ApiError, Code, TryAgain
from processors.kafka.connection import NoBroker
from schemas.links import Link
from tests.gateway.links.test_document import KEYS
from tests.gateway.links.world import NOW_MS, OTHER, World

URL = "https://example.com/"


@pytest.fixture
def world() -> World:
    return World()


async def _refused(world: World, what: str, body: Any = None, **more: Any) -> tuple[Code, str]:
    with pytest.raises(ApiError) as refused:
        await world.call(what, body, **more)
    return refused.value.code, refused.value.message


async def test_a_link_of_nothing_but_a_url(world: World) -> None:
    made = await world.call("POST /links", {"url": URL})
    assert made.keys() == KEYS
    assert len(made["key"]) == 7
    assert made["shortLink"] == f"https://go.example/{made['key']}"
    assert made["qrCode"] == f"https://api.example/qr?url={made['shortLink']}?qr=1"
    assert (made["userId"], made["workspaceId"], made["trackConversion"]) == ("key_1", "acme", False)
    assert made["id"].startswith("link_01")
    assert len(made["id"]) == 31
    assert await world.call(f"GET /links/{made['id']}") == made


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ({"key": "/Shop/Summer/"}, {"key": "Shop/Summer"}),
        ({"key": "näh🎉"}, {"key": "näh🎉", "shortLink": "https://go.example/näh🎉"}),
        ({"key": "_root"}, {"shortLink": "https://go.example/"}),
        ({"domain": "ACME.example"}, {"domain": "acme.example"}),
        ({"domain": ""}, {"domain": "go.example"}),
        ({"externalId": "ext_7"}, {"externalId": "7"}),
        ({"partnerId": "p"}, {"trackConversion": True, "partnerId": "p"}),
        ({"partnerId": "p", "trackConversion": False}, {"trackConversion": False}),
        ({"utm_source": "s"}, {"url": f"{URL}?utm_source=s", "utm_source": "s"}),
        ({"url": f"{URL}?utm_term=t"}, {"utm_term": "t"}),
        ({"expiresAt": "2030-04-16T17:00:00.000Z"}, {"expiresAt": "2030-04-16T17:00:00.000Z"}),
        ({"geo": {"AF": f"{URL}AF"}, "rewrite": True}, {"geo": {"AF": f"{URL}AF"}, "rewrite": True}),
    ],
)
async def test_what_is_said_of_a_new_link(world: World, sent: dict[str, Any], shown: dict[str, Any]) -> None:
    made = await world.call("POST /links", {"url": URL, **sent})
    assert {name: made[name] for name in shown} == shown


async def test_random_keys_have_the_length_and_the_prefix_that_are_asked_for(world: World) -> None:
    made = await world.call("POST /links", {"url": URL, "prefix": "/c/", "keyLength": 9.0})
    assert made["key"].startswith("c/")
    assert len(made["key"]) == 2 + 9


@pytest.mark.parametrize(
    ("sent", "code", "message"),
    [
        ({"domain": "google.com"}, Code.FORBIDDEN, "Domain does not belong to workspace."),
        ({"domain": "other.example"}, Code.FORBIDDEN, "Domain does not belong to workspace."),
        ({"url": "invalid"}, Code.UNPROCESSABLE_ENTITY, "Invalid destination URL"),
        ({"tagIds": ["invalid"]}, Code.UNPROCESSABLE_ENTITY, "Invalid tagIds detected: invalid"),
        ({"key": "TAKEN"}, Code.CONFLICT, "There is a link with this key already. Choose another key."),
        (
            {"externalId": "taken"},
            Code.CONFLICT,
            "There is a link with this externalId already. Choose another one.",
        ),
        (
            {"prefix": "p" * 187},
            Code.UNPROCESSABLE_ENTITY,
            "too_big: prefix: at most 190 characters together with the key",
        ),
    ],
)
async def test_links_that_cannot_be(world: World, sent: dict[str, Any], code: Code, message: str) -> None:
    await world.call("POST /links", {"url": URL, "key": "taken", "externalId": "taken"})
    assert await _refused(world, "POST /links", {"url": URL, **sent}) == (code, message)
    assert world.store.written == 1


@pytest.mark.parametrize("key", ["_hidden", "a b", "a?b", "a#b", "a%20b", "a/../b", ".", "a\u202eb", "a\nb"])
async def test_keys_that_cannot_be(world: World, key: str) -> None:
    code, message = await _refused(world, "POST /links", {"url": URL, "key": key})
    assert code == Code.UNPROCESSABLE_ENTITY
    assert message.startswith("invalid_format: key: ")


async def test_an_external_id_of_another_workspace_is_no_conflict(world: World) -> None:
    await world.call("POST /links", {"url": URL, "externalId": "7"})
    await world.call("POST /links", {"url": URL, "externalId": "7"}, workspace=OTHER)


async def test_an_idempotency_key_makes_one_link_in_each_workspace(world: World) -> None:
    headers = {"Idempotency-Key": "abc"}
    first = await world.call("POST /links", {"url": URL}, headers=headers)
    world.numbers.rows[first["id"]] = (7, NOW_MS, 0, 0, 0, 0)
    again = {**first, "clicks": 7, "lastClicked": first["createdAt"]}
    assert await world.call("POST /links", {"url": URL}, headers=headers) == again
    assert (await world.call("POST /links", {"url": URL}))["id"] != first["id"]
    other = await world.call("POST /links", {"url": URL}, headers=headers, workspace=OTHER)
    assert other["id"] != first["id"]
    kept = world.store.links.get(first["id"])
    assert kept is not None
    assert kept.idempotency is not None
    assert "abc" not in kept.idempotency
    long = {"Idempotency-Key": "k" * 256}
    assert (await _refused(world, "POST /links", {"url": URL}, headers=long))[0] == Code.UNPROCESSABLE_ENTITY


async def test_a_change_leaves_the_rest_as_it_is(world: World) -> None:
    made = await world.call("POST /links", {"url": f"{URL}?x=%7e", "externalId": "7", "title": "T"})
    told = {"comments": "C", "utm_source": "s", "key": "new"}
    changed = await world.call("PATCH /links/ext_7", told)
    expected = {
        **made,
        "comments": "C",
        "url": f"{URL}?x=%7e&utm_source=s",
        "utm_source": "s",
        "key": "new",
        "shortLink": "https://go.example/new",
        "qrCode": "https://api.example/qr?url=https://go.example/new?qr=1",
    }
    assert changed == expected
    assert await world.call("PUT /links/ext_7", {"title": None, "utm_source": ""}) == {
        **expected,
        "title": None,
        "url": f"{URL}?x=%7e",
        "utm_source": None,
    }


async def test_what_changes_nothing_writes_nothing(world: World) -> None:
    made = await world.call("POST /links", {"url": URL, "key": "k"})
    assert await world.call(f"PATCH /links/{made['id']}", {}) == made
    assert await world.call(f"PATCH /links/{made['id']}", {"key": "k", "url": URL, "archived": False}) == made
    assert world.store.written == 1


async def test_upserting_finds_by_where_a_link_leads(world: World) -> None:
    body = {"url": URL, "utm_source": "s"}
    made = await world.call("PUT /links/upsert", body)
    again = await world.call("PUT /links/upsert", {**body, "comments": "C"})
    assert again == {**made, "comments": "C"}
    assert (await world.call("PUT /links/upsert", {"url": URL}))["id"] != made["id"]


async def test_deleted_is_gone_and_its_key_is_free(world: World) -> None:
    made = await world.call("POST /links", {"url": URL, "key": "k"})
    assert await world.call(f"DELETE /links/{made['id']}") == {"id": made["id"]}
    assert await _refused(world, f"DELETE /links/{made['id']}") == (Code.NOT_FOUND, "Link not found.")
    await world.call("POST /links", {"url": URL, "key": "K"})


@pytest.mark.parametrize("method", ["GET", "PATCH", "PUT", "DELETE"])
async def test_another_workspaces_link_is_unknown(world: World, method: str) -> None:
    made = await world.call("POST /links", {"url": URL, "externalId": "7"})
    for name in (made["id"], "ext_7", "link_nowhere", "ext_"):
        what = f"{method} /links/{name}"
        assert await _refused(world, what, {"title": "T"}, workspace=OTHER) == (
            Code.NOT_FOUND,
            "Link not found.",
        )


async def test_info_by_each_of_its_names(world: World) -> None:
    made = await world.call("POST /links", {"url": URL, "key": "Shop", "externalId": "7"})
    root = await world.call("POST /links", {"url": URL, "key": "_root"})
    for query in ("domain=GO.example&key=shop", f"linkId={made['id']}", "externalId=ext_7", "externalId=7"):
        assert await world.call(f"GET /links/info?{query}") == made
        assert (await _refused(world, f"GET /links/info?{query}", workspace=OTHER))[0] == Code.NOT_FOUND
    assert await world.call("GET /links/info?domain=go.example") == root
    assert (await _refused(world, "GET /links/info"))[0] == Code.BAD_REQUEST
    assert (await _refused(world, "GET /links/info?key=shop"))[0] == Code.BAD_REQUEST


async def test_lists_and_counts(world: World) -> None:
    ids = [
        (await world.call("POST /links", {"url": URL, "domain": domain, "archived": archived}))["id"]
        for domain, archived in (("go.example", False), ("go.example", True), ("acme.example", False))
    ]
    assert ids == sorted(ids)
    await world.call("POST /links", {"url": URL}, workspace=OTHER)
    shown = await world.call("GET /links?withTags=true&pageSize=2&showArchived=true")
    assert [one["id"] for one in shown] == [ids[2], ids[1]]
    assert [one["id"] for one in await world.call(f"GET /links?startingAfter={ids[2]}")] == [ids[0]]
    assert await world.call("GET /links/count?showArchived=false") == 2
    assert await world.call("GET /links/count?showArchived=true&groupBy=domain") == [
        {"_count": 2, "domain": "go.example"},
        {"_count": 1, "domain": "acme.example"},
    ]
    assert await world.call("GET /links/count?groupBy=userId") == [{"_count": 2, "userId": "key_1"}]
    assert await world.call("GET /links/count?groupBy=folderId") == [{"_count": 2, "folderId": None}]
    assert await world.call("GET /links/count?groupBy=tagId") == []


async def test_a_cursor_is_a_link_of_the_workspace(world: World) -> None:
    other = (await world.call("POST /links", {"url": URL}, workspace=OTHER))["id"]
    await world.call("POST /links", {"url": URL, "externalId": "mine"})
    for cursor in ("startingAfter=link_nowhere", f"endingBefore={other}", "startingAfter=ext_mine"):
        assert await _refused(world, f"GET /links?{cursor}") == (
            Code.UNPROCESSABLE_ENTITY,
            "Invalid cursor: the provided ID does not exist.",
        )


async def test_numbers_are_shown_and_the_last_known_ones_without_clickhouse(world: World) -> None:
    made = await world.call("POST /links", {"url": URL})
    world.numbers.rows[made["id"]] = (7, NOW_MS, 5, 2, 3, 4_200)
    numbers = {"clicks": 7, "lastClicked": made["createdAt"], "leads": 5, "conversions": 2, "sales": 3}
    shown = await world.call("GET /links")
    assert shown == [{**made, **numbers, "saleAmount": 4200}]
    world.numbers.away = True
    assert await world.call("GET /links") == shown


async def test_a_link_that_another_gateway_has_just_made_is_found(world: World) -> None:
    link = Link(
        id="link_1", workspace_id="acme", domain="go.example", key="k", url=URL, created_at=1, updated_at=1
    )
    world.store.arrives = lambda: world.store.links.put(link)
    assert (await world.call("GET /links/info?domain=go.example&key=k"))["id"] == "link_1"
    world.store.links.delete("link_1")
    assert (await world.call("GET /links/link_1"))["id"] == "link_1"


@pytest.mark.parametrize(
    "what",
    ["POST /links", "PUT /links/upsert", "PATCH /links/l", "DELETE /links/l", "GET /links/l"],
)
async def test_without_kafka_callers_are_to_try_again(world: World, what: str) -> None:
    world.store.fails = NoBroker("nobody answers at 10.0.0.1:9092")
    with pytest.raises(TryAgain) as refused:
        await world.call(what, {"url": URL})
    assert "10.0.0.1" not in refused.value.message
