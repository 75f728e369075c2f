"""What a user agent says."""

from timeit import timeit

import pytest
from crawleruseragents import CRAWLER_USER_AGENTS_DATA
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.demo.world import DEVICES
from processors.visitors.agents import Agents

AGENTS = Agents()
_BLINK = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0"
_WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
_MOZILLA = "Mozilla/5.0"
_IPHONE = f"{_MOZILLA} (iPhone; CPU iPhone OS 18_5 like Mac OS X) {_WEBKIT}"
_IPAD = f"{_MOZILLA} (iPad; CPU OS 16_5 like Mac OS X) {_WEBKIT}"
_MAC = f"{_MOZILLA} (Macintosh; Intel Mac OS X 10_15_7)"
_PHONE = "Mobile Safari/537.36"
_PIXEL = "Instagram 300.0 Android (34/14; 420dpi; 1080x2219; Google/google; Pixel 8; shiba; en_US; 1)"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"{_MOZILLA} (Windows NT 10.0; Win64; x64) {_BLINK} Safari/537.36", "Chrome Windows Desktop"),
        (f"{_MAC} {_BLINK} Safari/537.36", "Chrome Mac OS Desktop"),
        (_MAC, "None Mac OS Desktop"),
        (f"{_MOZILLA} (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox Linux Desktop"),
        (f"{_MOZILLA} (X11; CrOS x86_64 14541.0.0) {_BLINK} Safari/537.36", "Chrome Chrome OS Desktop"),
        (f"{_IPHONE} Version/18.5 Mobile/15E148 Safari/604.1", "Mobile Safari iOS Mobile"),
        (f"{_IPHONE} CriOS/138.0 Mobile/15E148 Safari/604.1", "Chrome iOS Mobile"),
        (f"{_IPHONE} FxiOS/140.0 Mobile/15E148 Safari/605.1.15", "Firefox iOS Mobile"),
        (f"{_IPAD} Version/16.5 Mobile/15E148 Safari/604.1", "Mobile Safari iOS Tablet"),
        (f"{_MOZILLA} (Linux; Android 10; K) {_BLINK} {_PHONE}", "Chrome Android Mobile"),
        (f"{_MOZILLA} (Linux; Android 13; SM-X906C) {_BLINK} Safari/537.36", "Chrome Android Tablet"),
        (f"{_MOZILLA} (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0", "Firefox Android Mobile"),
        # A telephone by Google, and one by Cubot: neither is a robot.
        (f"{_MOZILLA} (Linux; Android 14; wv) {_BLINK} {_PHONE} {_PIXEL}", "Chrome WebView Android Mobile"),
        (f"{_MOZILLA} (Linux; Android 9; CUBOT_X19) {_BLINK} {_PHONE}", "Chrome Android Mobile"),
    ],
)
def test_people_come_with_a_browser(text: str, found: str) -> None:
    agent = AGENTS.of(text)
    assert f"{agent.browser} {agent.os} {agent.device}" == found
    assert (agent.bot, agent.library) == (False, False)


def test_the_demo_has_the_same_names() -> None:
    """But for what cannot be told of an iPad that says it were a Mac."""
    for one in DEVICES:
        if one.os != "iPadOS":
            found = AGENTS.of(one.ua)
            assert (found.browser, found.os, found.device) == (one.browser, one.os, one.device)


@pytest.mark.parametrize(
    ("text", "library"),
    [
        ("curl/8.1.2", True),
        ("python-requests/2.32.0", True),
        ("okhttp/4.12.0", True),
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 HeadlessChrome/138.0.0.0 Safari/537.36", False),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", False),
        ("Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", False),
        ("facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", False),
        ("Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", False),
        ("WhatsApp/2.23.20.0", False),
        ("Mozilla/5.0 (compatible; NobodyHasHeardOfItBot/2.0)", False),
        ("", False),
        (" ", False),
        (None, False),
    ],
)
def test_a_robot_is_known(text: str | None, library: bool) -> None:
    found = AGENTS.of(text)
    assert (found.bot, found.library, found.device) == (True, library, None)


def test_the_same_is_looked_at_once() -> None:
    agents = Agents()
    text = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    assert agents.of(text) is agents.of(text)


def test_robots_are_those_that_the_list_says() -> None:
    """The list has examples; it is read with other expressions than it was written for."""
    texts = [text for one in CRAWLER_USER_AGENTS_DATA for text in one["instances"]]
    assert len(texts) > 1_000
    assert [text for text in texts if not AGENTS.of(text).bot] == []


@pytest.mark.parametrize(
    "text", ["a" * 1_024, "http://" * 146, "Mozilla/5.0 " * 85, "bot" * 341, "(" * 1_024]
)
def test_what_was_made_up_takes_no_longer(text: str) -> None:
    """Than a hundred times what a browser takes: by Python's expressions, it was some thousand times."""
    ordinary = min(timeit(lambda: Agents._read(AGENTS, _MAC), number=1) for _ in range(20))
    assert min(timeit(lambda: Agents._read(AGENTS, text), number=1) for _ in range(20)) < 100 * ordinary


@settings(max_examples=50)
@given(st.text() | st.text(alphabet="Mozila/5.0 ();AndroidbtBOT+-", max_size=3_000))
def test_any_text_is_an_agent(text: str) -> None:
    assert AGENTS.of(text).device in ("Desktop", "Mobile", "Tablet", None)
