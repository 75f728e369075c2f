"""Short links, as visitors follow them."""

import re
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.errors import Unavailable
from schemas.registry import Domain
from tests.gateway.clicks.world import (
    AMERICAN,
    CHROME,
    DOMAIN,
    DUTCH,
    IPHONE,
    NOON,
    World,
    link,
    location,
    tracked,
)

CLICK_ID = re.compile("[A-Za-z0-9]{16}")


def dub_id(url: str) -> str:
    found = re.search("[?&]dub_id=([^&#]*)", url)
    assert found is not None, url
    return found[1]


async def test_a_tracked_link_hands_out_a_click() -> None:
    world = World(tracked(url="https://acme.example/?a=1#top"))
    answer = await world.follow(query="utm_source=x", headers={"referer": "https://www.news.example/1?x=y"})
    [event] = world.events
    click_id = event["clickId"]
    assert CLICK_ID.fullmatch(click_id)
    assert answer.status == 302
    assert answer.headers == {
        "Location": f"https://acme.example/?a=1&utm_source=x&dub_id={click_id}#top",
        "Cache-Control": "private, no-store",
        "X-Robots-Tag": "noindex",
        "Set-Cookie": f"dub_id_{DOMAIN}_offer={click_id}; Path=/offer; Max-Age=3600; HttpOnly; SameSite=Lax",
    }
    assert event == {
        "type": "click",
        "workspaceId": "acme",
        "clickId": click_id,
        "timestamp": NOON,
        "linkId": "link_offer",
        "domain": DOMAIN,
        "key": "offer",
        "url": "https://acme.example/?a=1&utm_source=x#top",
        "trackConversion": True,
        "continent": "NA",
        "country": "US",
        "device": "Desktop",
        "browser": "Chrome",
        "os": "Linux",
        "ua": CHROME,
        "referer": "news.example",
        "refererUrl": "https://www.news.example/1?x=y",
        "ip": AMERICAN,
        "trigger": "link",
        "qr": False,
    }


async def test_a_partners_link_names_the_partner() -> None:
    world = World(link("Ann", partner_id="pn_1", program_id="prog_1", tenant_id="t", external_id="e"))
    answer = await world.follow("/ann")
    [event] = world.events
    assert location(answer) == f"https://acme.example/?via=Ann&dub_id={event['clickId']}"
    assert event["trackConversion"] is True
    assert [event[one] for one in ("partnerId", "programId", "tenantId", "linkExternalId")] == [
        *("pn_1", "prog_1", "t", "e")
    ]


async def test_other_links_hand_out_nothing_and_are_counted() -> None:
    world = World(link())
    answer = await world.follow()
    assert location(answer) == "https://acme.example/"
    assert "Set-Cookie" not in answer.headers
    assert [one["trackConversion"] for one in world.events] == [False]


async def test_a_payment_page_is_given_its_reference() -> None:
    world = World(tracked(url="https://pay.example/?dub_client_reference_id=1"))
    answer = await world.follow()
    assert location(answer) == f"https://pay.example/?client_reference_id=dub_id_{world.events[0]['clickId']}"


async def test_the_root_of_a_domain_is_a_link() -> None:
    world = World(tracked("_root"))
    for path in ("/", "//", ""):
        answer = await world.follow(path)
        assert answer.status == 301
        assert "; Path=/; " in answer.headers["Set-Cookie"]


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("offer", "/offer"),
        ("offer", "/OFFER"),
        ("Offer", "/offer/"),
        ("a/b/c", "/a/b/c"),
        ("a/b", "/a%2Fb"),
        ("a/b", "/%61/b"),
        ("한글", "/한글"),
        ("한글", "/%ED%95%9C%EA%B8%80"),
        ("שלום", "/%D7%A9%D7%9C%D7%95%D7%9D"),
        ("Ü", "/%c3%bc"),
        ("a b+c", "/a%20b+c"),
    ],
)
async def test_keys_are_found_as_browsers_write_them(key: str, path: str) -> None:
    world = World(tracked(key))
    answer = await world.follow(path)
    assert answer.status == 302
    assert all(one.isascii() and one.isprintable() for one in answer.headers.values())


NOT_FOUND = Domain(slug=DOMAIN, not_found_url="https://acme.example/404")


@pytest.mark.parametrize("path", ["/nobody", "/", "/%ff", "/offer%00", "/offer/more", "/%0d%0aX:%20y"])
async def test_where_nothing_is(path: str) -> None:
    answer = await World(tracked()).follow(path)
    assert answer.status == 404
    assert b"nothing here" in answer.content
    assert answer.headers["X-Robots-Tag"] == "noindex"
    answer = await World(tracked(), domains=(NOT_FOUND,)).follow(path)
    assert (answer.status, location(answer)) == (307, "https://acme.example/404")


async def test_a_link_that_is_disabled_is_not_there() -> None:
    world = World(tracked(disabled_at=NOON - 1), domains=(NOT_FOUND,))
    assert (await world.follow()).status == 307
    assert world.events == []


async def test_a_link_of_the_domains_former_owner_is_not_there() -> None:
    assert (await World(tracked(workspace_id="globex")).follow()).status == 404


@pytest.mark.parametrize(
    ("own", "domains", "expected"),
    [
        ("https://acme.example/over", None, "https://acme.example/over"),
        ("https://acme.example/over", "https://acme.example/all", "https://acme.example/over"),
        (None, "https://acme.example/all", "https://acme.example/all"),
        (None, None, None),
    ],
)
async def test_a_link_that_has_expired(own: str | None, domains: str | None, expected: str | None) -> None:
    world = World(
        tracked(expires_at=NOON, expired_url=own), domains=(Domain(slug=DOMAIN, expired_url=domains),)
    )
    assert (await world.follow(at=NOON - 1)).headers["Location"].startswith("https://acme.example/?dub_id=")
    answer = await world.follow(ip=DUTCH)
    assert (answer.status, answer.headers.get("Location")) == (302 if expected else 404, expected)
    assert len(world.events) == 1


async def test_archived_links_work_on() -> None:
    assert (await World(tracked(archived=True)).follow()).status == 302


async def test_who_wants_to_be_found_says_so() -> None:
    assert "X-Robots-Tag" not in (await World(link(do_index=True)).follow()).headers


async def test_systems_and_countries_have_addresses_of_their_own() -> None:
    world = World(tracked(ios="https://ios.example/", geo={"NL": "https://nl.example/"}))
    for agent, ip, host in ((CHROME, AMERICAN, "acme"), (IPHONE, DUTCH, "ios"), (CHROME, DUTCH, "nl")):
        answer = await world.follow(agent=agent, ip=ip)
        assert location(answer) == f"https://{host}.example/?dub_id={world.events[-1]['clickId']}"
        assert world.events[-1]["url"] == f"https://{host}.example/"


async def test_a_scanned_code_is_told_apart() -> None:
    world = World(tracked())
    answer = await world.follow(query="qr=1&x=2")
    assert (world.events[0]["trigger"], world.events[0]["qr"]) == ("qr", True)
    assert location(answer) == f"https://acme.example/?x=2&dub_id={world.events[0]['clickId']}"


NOT_RECORDED: Final[dict[str, dict[str, Any]]] = {
    "robot": {"agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"},
    "curl": {"agent": "curl/8.1"},
    "headless": {"agent": CHROME.replace("Chrome/", "HeadlessChrome/")},
    "nameless": {"agent": ""},
    "HEAD": {"method": "HEAD"},
    "prefetch": {"headers": {"sec-purpose": "prefetch;prerender"}},
    "old prefetch": {"headers": {"purpose": "prefetch"}},
    "header": {"headers": {"dub-no-track": "1"}},
    "query": {"query": "dub-no-track=1"},
    "privacy": {"headers": {"sec-gpc": "1"}},
}


@pytest.mark.parametrize("how", NOT_RECORDED)
async def test_some_are_not_recorded_and_given_nothing(how: str) -> None:
    world = World(link(partner_id="pn_1"))
    answer = await world.follow(**NOT_RECORDED[how])
    assert (answer.status, location(answer)) == (302, "https://acme.example/?via=offer")
    assert "Set-Cookie" not in answer.headers
    assert world.events == []


async def test_a_workspace_may_record_those_who_ask_for_privacy() -> None:
    world = World(tracked(), record_gpc=True)
    assert dub_id(location(await world.follow(headers={"sec-gpc": "1"}))) == world.events[0]["clickId"]


@pytest.mark.parametrize("answer", ["0", "", "2"])
async def test_other_answers_to_privacy_are_none(answer: str) -> None:
    world = World(tracked())
    await world.follow(headers={"sec-gpc": answer})
    assert len(world.events) == 1


@pytest.mark.parametrize(
    ("ip", "peer", "headers", "kept", "country"),
    [
        (AMERICAN, "10.0.0.1", {}, AMERICAN, "US"),
        (DUTCH, "10.0.0.1", {}, None, "NL"),
        ("10.9.9.9", "10.0.0.1", {}, None, None),
        # A proxy that says where, and others who only say so.
        (AMERICAN, "10.0.0.1", {"cf-ipcountry": "DE"}, None, "DE"),
        (DUTCH, "10.0.0.1", {"cf-ipcountry": "US"}, DUTCH, "US"),
        ("ignored", DUTCH, {"cf-ipcountry": "US"}, None, "NL"),
        (AMERICAN, DUTCH, {}, None, "NL"),
        (f"{AMERICAN}, {DUTCH}", "10.0.0.1", {}, None, "NL"),
    ],
)
async def test_an_address_is_kept_where_that_is_allowed(
    ip: str, peer: str, headers: dict[str, str], kept: str | None, country: str | None
) -> None:
    world = World(tracked())
    await world.follow(ip=ip, peer=peer, headers=headers)
    [event] = world.events
    assert (event.get("ip"), event.get("country")) == (kept, country)


async def test_what_was_made_elsewhere_a_moment_ago_is_found() -> None:
    world = World()
    world.registry.later = [tracked("new")]
    assert (await world.follow("/new")).status == 302
    assert (await world.follow("/new")).status == 302
    assert world.registry.caught_up == 1


@pytest.mark.parametrize("how", [Unavailable("no broker"), TimeoutError()])
async def test_without_kafka_what_is_known_has_to_do(how: Exception) -> None:
    world = World(tracked())
    world.registry.away = how
    assert (await world.follow()).status == 302
    assert (await world.follow("/new")).status == 404


async def test_what_cannot_be_recorded_leads_on(caplog: pytest.LogCaptureFixture) -> None:
    world = World(tracked(tenant_id="x" * 300))
    answer = await world.follow()
    assert location(answer) == "https://acme.example/"
    assert "link_offer" in caplog.text


async def test_an_address_that_is_too_long_with_its_query_is_cut_in_the_record_alone() -> None:
    world = World(tracked(url="https://acme.example/?" + "x" * 31_970))
    assert dub_id(location(await world.follow(query="y=" + "z" * 1_000)))
    assert len(world.events[0]["url"]) == 32_000


async def test_a_proxy_that_was_forgotten_is_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    """Nothing else would say why all visitors are one."""
    world = World(tracked(), proxies=())
    for ip in (AMERICAN, DUTCH):
        await world.follow(ip=ip)
    assert len(world.events) == 1
    assert [one.levelname for one in caplog.records] == ["WARNING"]
    assert "LEADSTREAM_TRUSTED_PROXIES" in caplog.text
    assert AMERICAN not in caplog.text


@pytest.mark.parametrize(
    ("peer", "ip"), [("10.0.0.1", AMERICAN), ("10.9.9.9", ""), (AMERICAN, DUTCH), (None, DUTCH)]
)
async def test_of_others_nothing_is_told(peer: str | None, ip: str, caplog: pytest.LogCaptureFixture) -> None:
    await World(tracked(), proxies=("10.0.0.1",)).follow(peer=peer, ip=ip)
    assert caplog.records == []


HOSTILE = st.text(alphabet="\r\n\x00:;,= /?#&%abüX\u2028\U0001f600-_\"'<>")
BYTES = st.one_of(HOSTILE.map(lambda text: text.encode()), st.binary(max_size=60))


@settings(max_examples=200, deadline=None)
@given(path=BYTES, query=BYTES, agent=HOSTILE, referer=HOSTILE, ip=HOSTILE, cookie=HOSTILE, url=HOSTILE)
async def test_no_header_has_what_a_visitor_sends(
    path: bytes, query: bytes, agent: str, referer: str, ip: str, cookie: str, url: str
) -> None:
    """Nor what an owner writes: every value is one line of ASCII, and a cookie has its own parts alone."""
    key = path.decode("utf-8", "replace").strip("/") or "k"
    world = World(
        link(key, url=f"https://acme.example/{url}", partner_id="pn_1"),
        domains=(Domain(slug=DOMAIN, not_found_url=f"https://acme.example/{url}"),),
    )
    answer = await world.follow(
        b"/" + path,
        query.decode("utf-8", "surrogateescape"),
        agent=CHROME + agent,
        ip=ip,
        headers={"referer": referer, "cookie": cookie},
    )
    for value in answer.headers.values():
        assert re.fullmatch("[ -~]*", value)
    assert location(answer).startswith("https://acme.example/")
    if cookie_set := answer.headers.get("Set-Cookie"):
        name = r"dub_id_go\.acme\.example_[!#$%&'*+.^`|~\w/-]*"
        assert re.fullmatch(
            rf"{name}=[A-Za-z0-9]{{16}}; Path=/[^;]*; Max-Age=3600; HttpOnly; SameSite=Lax",
            cookie_set,
            re.ASCII,
        )
