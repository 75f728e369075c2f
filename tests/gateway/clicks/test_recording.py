"""One click for each visitor and link within an hour."""

import asyncio
import re
from random import Random

import pytest

from processors.gateway.clicks.recording import is_click_id, new_click_id
from schemas.registry import ApiKey, KeyRole
from schemas.times import DAY_MS, HOUR_MS, MINUTE_MS
from tests.gateway.clicks.world import AMERICAN, CHROME, DOMAIN, DUTCH, NOON, World, link, location, tracked

MIDNIGHT = NOON + 12 * HOUR_MS
OTHER = CHROME.replace("138", "139")


def handed(world: World) -> list[str]:
    """The ids of the clicks that were recorded."""
    return [one["clickId"] for one in world.events]


@pytest.mark.parametrize("start", [NOON, MIDNIGHT - HOUR_MS, MIDNIGHT - 1, MIDNIGHT])
async def test_within_an_hour_a_visitor_has_one_click(start: int) -> None:
    world = World(tracked())
    for minutes in (0, 1, 59):
        answer = await world.follow(at=start + minutes * MINUTE_MS)
        assert location(answer).endswith(f"dub_id={handed(world)[0]}")
    assert len(handed(world)) == 1
    await world.follow(at=start + HOUR_MS)
    assert len(handed(world)) == 2


async def test_the_hour_goes_on_when_facts_have_heard_of_nothing() -> None:
    """Kafka is slow, or away: what was handed out is remembered until then."""
    world = World(tracked())
    world.publisher.facts.clear()
    assert [location(await world.follow(at=NOON + one)) for one in (0, 1, HOUR_MS - 1)] == [
        f"https://acme.example/?dub_id={handed(world)[0]}"
    ] * 3
    await world.follow(at=NOON + HOUR_MS)
    assert len(handed(world)) == 2


async def test_the_same_on_another_gateway() -> None:
    one = World(tracked())
    other = one.beside()
    first, second = await one.follow(), await other.follow(at=NOON + 30 * MINUTE_MS)
    assert location(first) == location(second)
    assert len(handed(one)) == 1


async def test_a_double_click_is_one() -> None:
    world = World(tracked())
    world.publisher.pause = asyncio.Event()
    both = asyncio.gather(world.follow(), world.follow())
    await asyncio.sleep(0)
    world.publisher.pause.set()
    first, second = await both
    assert location(first) == location(second)
    assert len(handed(world)) == 1


async def test_visitors_are_told_apart() -> None:
    world = World(tracked(), tracked("other"))
    await world.follow()
    await world.follow(ip=DUTCH)
    await world.follow(agent=OTHER)
    await world.follow("/other")
    await world.follow(at=NOON + DAY_MS)
    assert len(set(handed(world))) == 5
    assert len(set(world.publisher.visitors)) == 5


async def test_nothing_that_was_recorded_names_the_visitor() -> None:
    world = World(tracked())
    await world.follow(ip=DUTCH)
    [visitor] = world.publisher.visitors
    assert visitor is not None
    assert re.fullmatch("[0-9a-f]{24}", visitor)
    assert DUTCH not in str(world.events)
    assert visitor not in str(world.events)


async def test_a_link_that_tracks_from_now_on_hands_out_clicks_that_count() -> None:
    world = World(link())
    await world.follow()
    world.registry.put(tracked())
    await world.follow()
    await world.follow()
    assert [one["trackConversion"] for one in world.events] == [False, True]


async def test_who_has_no_address_is_somebody_else_each_time() -> None:
    world = World(tracked())
    for _ in range(2):
        await world.follow(peer=None)
    assert len(set(handed(world))) == 2
    assert world.publisher.visitors == [None, None]


async def test_a_browser_brings_its_click_back() -> None:
    """From wherever it is then."""
    world = World(tracked())
    cookie = (await world.follow()).headers["Set-Cookie"].partition(";")[0]
    for ip, agent in ((DUTCH, CHROME), (AMERICAN, OTHER)):
        answer = await world.follow(headers={"cookie": f"a=b; {cookie}; c=d"}, ip=ip, agent=agent)
        assert location(answer).endswith(f"dub_id={handed(world)[0]}")
        assert answer.headers["Set-Cookie"].startswith(f"{cookie}; Path=/offer; ")
    assert len(handed(world)) == 1


@pytest.mark.parametrize("key", ["a/b", "한글", "Ü b", "_root"])
async def test_the_cookie_of_any_key_is_found_again(key: str) -> None:
    world = World(tracked(key))
    path = f"/{key}" if key != "_root" else "/"
    cookie = (await world.follow(path)).headers["Set-Cookie"].partition(";")[0]
    answer = await world.follow(path, ip=DUTCH, headers={"cookie": cookie})
    assert location(answer).endswith(f"dub_id={handed(world)[0]}")


@pytest.mark.parametrize(
    "cookie",
    [
        f"dub_id_{DOMAIN}_other=abcdefghij012345",
        f"dub_id_{DOMAIN}_offer=short",
        f"dub_id_{DOMAIN}_offer=abcdefghij01234%0d",
        f"dub_id_{DOMAIN}_offer=abcdefghij01234é",
        f"dub_id_{DOMAIN}_offer",
        f"xdub_id_{DOMAIN}_offer=abcdefghij012345",
        "dub_id_",
    ],
)
async def test_other_cookies_are_none(cookie: str) -> None:
    world = World(tracked())
    answer = await world.follow(headers={"cookie": cookie})
    assert location(answer).endswith(f"dub_id={handed(world)[0]}")


async def test_a_made_up_cookie_is_nobody_elses() -> None:
    """Whoever sits behind the same address is not given what somebody there has written into his cookie."""
    world = World(tracked())
    made_up = "abcdefghij012345"
    forged = await world.follow(headers={"cookie": f"dub_id_{DOMAIN}_offer={made_up}"})
    assert location(forged).endswith(made_up)
    assert not location(await world.follow()).endswith(made_up)


async def test_without_a_salt_visitors_are_hashed_with_the_oldest_key() -> None:
    """Its workspace was made by a release that knew of none."""
    keys = [
        ApiKey(id=f"key_{at}", role=KeyRole.SECRET, hash=f"hash of {at}", prefix="", created_at=at)
        for at in (2, 1)
    ]
    worlds = [World(tracked(), visitor_salt="", keys=tuple(some)) for some in (keys, keys[::-1], keys[:1])]
    for world in worlds:
        await world.follow()
        await world.follow()
        assert len(handed(world)) == 1
    one, same, other = (world.publisher.visitors[0] for world in worlds)
    assert one == same != other


async def test_without_any_secret_there_is_no_hash() -> None:
    """Of one without a key the address could be found by trying all that there are."""
    world = World(tracked(), visitor_salt="")
    await world.follow()
    assert world.publisher.visitors == [None]


async def test_clicks_that_are_remembered_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("processors.gateway.clicks.recording._MOST_REMEMBERED", 2)
    world = World(tracked())
    world.publisher.facts.clear()
    visitors = [AMERICAN, DUTCH, "200.160.2.3"]
    for ip in [*visitors, *reversed(visitors)]:
        await world.follow(ip=ip)
    assert len(handed(world)) == 4


def test_ids_are_letters_and_digits() -> None:
    ids = {new_click_id(Random(seed)) for seed in range(500)}
    assert len(ids) == 500
    assert all(re.fullmatch("[A-Za-z0-9]{16}", one) and is_click_id(one) for one in ids)
    assert len(set("".join(ids))) == 62


@pytest.mark.parametrize(
    "text", ["", "x" * 15, "x" * 17, "x" * 15 + "-", "é" * 16, "٣" * 16, "x" * 15 + "\n"]
)
def test_other_texts_are_no_ids(text: str) -> None:
    assert not is_click_id(text)
