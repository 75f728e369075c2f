"""What a ``User-Agent`` says: browser, operating system, kind of device; whether anybody sits there."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from crawleruseragents import CRAWLER_USER_AGENTS_DATA
from ua_parser import OS, Device, Domain, UserAgent, load_lazy_builtins
from ua_parser.core import Matcher
from ua_parser.matchers import UserAgentMatcher
from ua_parser.regex import Resolver

_MOST_CHARACTERS: Final = 1_024
"""Of those that are looked at: the longest of a browser, of apps that add their own words, has some 400."""
_MOST_REMEMBERED: Final = 4_096
"""Different ones, of which an hour of an ordinary site has some hundred."""

_LIBRARY: Final = "http-library"
_SPIDER: Final = "Spider"
_SYSTEMS: Final = {"Mac OS X": "Mac OS"}
_BROWSERS: Final = {
    "Chrome Mobile": "Chrome",
    "Chrome Mobile iOS": "Chrome",
    "Chrome Mobile WebView": "Chrome WebView",
    "Edge Mobile": "Edge",
    "Firefox Mobile": "Firefox",
    "Firefox iOS": "Firefox",
    "Mobile Safari UI/WKWebView": "Mobile Safari",
    "Opera Mobile": "Opera",
}
"""One name for a browser, whatever it runs on: that is said beside it."""
_TABLETS: Final = ("iPad", "Tablet", "PlayBook", "Silk/", "Kindle")
_PHONES: Final = ("Mobi", "iPhone", "iPod", "Phone", "Opera Mini", "BlackBerry")
_ANDROID: Final = "Android"


class Agent(NamedTuple):
    """None: it does not say. ``device``: ``Desktop``, ``Mobile``, ``Tablet``.

    ``bot``: a program that nobody watches. ``library``: one that is only how some other program asks.
    """

    browser: str | None
    os: str | None
    device: str | None
    bot: bool
    library: bool


class Agents:
    """Loading what is known of agents takes some 0.4 s; looking one up 30 µs, and nothing the second time.

    However it was made up, an agent takes time that grows with its length, and that is bounded.
    """

    def __init__(self) -> None:
        self._resolve = Resolver(load_lazy_builtins())
        # By the parser's expressions, too: they take 3 µs, Python's 150, and for what is made up 70 ms.
        self._robots = Resolver((_robots(), [], []))
        self._find = lru_cache(maxsize=_MOST_REMEMBERED)(self._read)

    def of(self, user_agent: str | None) -> Agent:
        """Whoever does not say what he is, is no browser."""
        return self._find((user_agent or "")[:_MOST_CHARACTERS])

    def _read(self, text: str) -> Agent:
        found = self._resolve(text, Domain.ALL)
        spider = found.device is not None and found.device.family == _SPIDER
        robot = self._robots(text, Domain.USER_AGENT).user_agent
        bot = not text.strip() or spider or robot is not None
        return Agent(
            browser=_named(found.user_agent, _BROWSERS),
            os=_named(found.os, _SYSTEMS),
            device=None if bot else _device(text, found.device),
            bot=bot,
            library=robot is not None and robot.family == _LIBRARY,
        )


def _robots() -> list[Matcher[UserAgent]]:
    """The first that fits counts: a library is only what is nothing else."""
    kinds = [(one["pattern"], _LIBRARY in one["tags"]) for one in CRAWLER_USER_AGENTS_DATA]
    return [
        UserAgentMatcher(pattern, _LIBRARY if library else _SPIDER)
        for pattern, library in sorted(kinds, key=lambda one: one[1])
    ]


def _named(found: OS | UserAgent | None, names: Mapping[str, str]) -> str | None:
    return None if found is None else names.get(found.family, found.family)


def _device(text: str, device: Device | None) -> str:
    names = f"{text} {device.family if device else ''}"
    if any(one in names for one in _TABLETS) or (_ANDROID in text and "Mobi" not in text):
        return "Tablet"
    return "Mobile" if any(one in names for one in _PHONES) else "Desktop"
