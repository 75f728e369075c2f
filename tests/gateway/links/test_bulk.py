"""Many links in one call."""

from typing import Any

import pytest
from msgspec import ValidationError

from processors.gateway.answers import ApiError, Code
from tests.gateway.links.world import OTHER, World

URL = "https://example.com/"


@pytest.fixture
def world() -> World:
    return World()


async def _made(world: World, count: int, **more: Any) -> list[dict[str, Any]]:
    bodies = [{"url": f"{URL}{number}", "key": f"k{number}", **more} for number in range(count)]
    found: list[dict[str, Any]] = await world.call("POST /links/bulk", bodies)
    return found


async def test_what_can_be_made_is_made_and_the_rest_is_told_at_the_end(world: World) -> None:
    bodies: list[dict[str, Any]] = [
        {"url": URL, "tagNames": ["red"]},
        {"url": URL, "key": "one", "trackConversion": True},
        {"url": URL, "key": "ONE"},
        {"url": URL, "domain": "other.example"},
        {"url": URL, "key": "two"},
    ]
    answer = await world.call("POST /links/bulk", bodies)
    assert [one["key"] for one in answer[:2]] == ["one", "two"]
    assert answer[2:] == [
        {"error": "Invalid tagNames detected: red", "code": "unprocessable_entity", "link": bodies[0]},
        {
            "error": "There is a link with this key already. Choose another key.",
            "code": "conflict",
            "link": bodies[2],
        },
        {"error": "Domain does not belong to workspace.", "code": "forbidden", "link": bodies[3]},
    ]
    ids = [one["id"] for one in await world.call("GET /links")]
    assert ids == [answer[1]["id"], answer[0]["id"]]


async def test_all_of_them_may_be_refused(world: World) -> None:
    answer = await world.call("POST /links/bulk", [{"url": "nowhere"}])
    assert answer == [
        {"error": "Invalid destination URL", "code": "unprocessable_entity", "link": {"url": "nowhere"}}
    ]


@pytest.mark.parametrize("bodies", [[], [{"url": URL}] * 101, [{"url": URL}, {"url": 1}]])
async def test_what_is_no_list_of_links_is_refused_as_a_whole(world: World, bodies: list[Any]) -> None:
    with pytest.raises(ValidationError):
        await world.call("POST /links/bulk", bodies)


async def test_the_same_for_many(world: World) -> None:
    made = await _made(world, 2)
    ids = [made[1]["id"], "link_nowhere", made[0]["id"], made[0]["id"]]
    data = {"comments": "C", "utm_source": "s", "key": "ignored"}
    answer = await world.call("PATCH /links/bulk", {"linkIds": ids, "data": data})
    assert [(one["id"], one["key"], one["url"], one["comments"]) for one in answer[:2]] == [
        (made[1]["id"], "k1", f"{URL}1?utm_source=s", "C"),
        (made[0]["id"], "k0", f"{URL}0?utm_source=s", "C"),
    ]
    assert answer[2:] == [{"error": "Link not found.", "code": "not_found", "link": {"id": "link_nowhere"}}]


async def test_by_external_ids(world: World) -> None:
    await world.call("POST /links", {"url": URL, "externalId": "7"})
    body = {"externalIds": ["7", "ext_7"], "data": {"title": "T"}}
    assert [one["title"] for one in await world.call("PATCH /links/bulk", body)] == ["T"]
    assert await world.call("PATCH /links/bulk", {"data": {"title": "T"}}) == []


async def test_what_is_refused_of_one_is_refused_of_all(world: World) -> None:
    made = await _made(world, 2)
    body = {"linkIds": [one["id"] for one in made], "data": {"password": "p"}}
    with pytest.raises(ApiError, match="password"):
        await world.call("PATCH /links/bulk", body)


async def test_many_are_deleted_and_counted_once(world: World) -> None:
    made = await _made(world, 2)
    await world.call("POST /links", {"url": URL, "externalId": "7"})
    ids = [made[0]["id"], made[0]["id"], "nowhere", "ext_7"]
    assert await world.call(f"DELETE /links/bulk?linkIds={','.join(ids)}") == {"deletedCount": 2}
    assert [one["id"] for one in await world.call("GET /links")] == [made[1]["id"]]


async def test_nobody_deletes_or_changes_links_of_others(world: World) -> None:
    made = await _made(world, 1)
    name = made[0]["id"]
    assert await world.call(f"DELETE /links/bulk?linkIds={name}", workspace=OTHER) == {"deletedCount": 0}
    body = {"linkIds": [name], "data": {"title": "T"}}
    assert [one["code"] for one in await world.call("PATCH /links/bulk", body, workspace=OTHER)] == [
        "not_found"
    ]
    assert await world.call("GET /links") == made


async def test_without_names_nothing_is_deleted(world: World) -> None:
    with pytest.raises(ApiError) as refused:
        await world.call("DELETE /links/bulk?linkIds=")
    assert refused.value.code == Code.BAD_REQUEST
