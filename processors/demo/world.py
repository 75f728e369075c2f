"""Who and what the demo traffic is about. Every name is invented; no person is meant."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import repeat
from random import Random
from typing import Final, NamedTuple, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Link:
    """A partner's link; ``fields`` is what a click says of it."""

    fields: dict[str, object]
    track_conversion: bool


@dataclass(frozen=True)
class Workspace:
    """A company that rewards partners for qualified leads."""

    workspace_id: str
    share: float
    sign_up: str
    qualifications: tuple[str, ...]
    prices: tuple[int, ...]
    currency: str
    payment_processor: str
    links: tuple[Link, ...]
    """Each as often as its share of the clicks demands."""


class Place(NamedTuple):
    """Where visitors come from."""

    weight: int
    continent: str
    country: str
    region: str
    city: str
    latitude: str
    longitude: str


class Device(NamedTuple):
    """What visitors come with."""

    weight: int
    device: str
    browser: str
    os: str
    ua: str


_PARTNERS: Final = {
    "acme": (
        "lantern-letter",
        "second-draft-club",
        "copper-kettle-show",
        "quiet-keyboard",
        "night-train-radio",
        "meeting-free-friday",
        "harbour-and-hum",
        "tin-roof-studio",
    ),
    "globex": (
        "open-window-blog",
        "plain-paper-weekly",
        "voice-notes-daily",
        "fern-and-field",
        "slow-signal",
        "paper-lighthouse",
    ),
}
"""Of each workspace, the most clicked first."""

PLACES: Final = (
    Place(22, "NA", "US", "US-CA", "San Francisco", "37.7749", "-122.4194"),
    Place(16, "NA", "US", "US-NY", "New York", "40.7128", "-74.0060"),
    Place(9, "NA", "US", "US-TX", "Austin", "30.2672", "-97.7431"),
    Place(5, "NA", "CA", "CA-ON", "Toronto", "43.6532", "-79.3832"),
    Place(11, "EU", "GB", "GB-ENG", "London", "51.5074", "-0.1278"),
    Place(8, "EU", "DE", "DE-BE", "Berlin", "52.5200", "13.4050"),
    Place(5, "EU", "FR", "FR-IDF", "Paris", "48.8566", "2.3522"),
    Place(3, "EU", "NL", "NL-NH", "Amsterdam", "52.3676", "4.9041"),
    Place(2, "EU", "SE", "SE-AB", "Malmö", "55.6050", "13.0038"),
    Place(7, "AS", "IN", "IN-KA", "Bengaluru", "12.9716", "77.5946"),
    Place(3, "AS", "SG", "SG", "Singapore", "1.3521", "103.8198"),
    Place(3, "AS", "JP", "JP-13", "Tokyo", "35.6762", "139.6503"),
    Place(4, "SA", "BR", "BR-SP", "São Paulo", "-23.5505", "-46.6333"),
    Place(2, "OC", "AU", "AU-NSW", "Sydney", "-33.8688", "151.2093"),
    Place(1, "AF", "NG", "NG-LA", "Lagos", "6.5244", "3.3792"),
)

_MAC: Final = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
_WINDOWS: Final = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
_IPHONE: Final = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X)"
_ANDROID: Final = "Mozilla/5.0 (Linux; Android 15; Pixel 9)"
_BLINK: Final = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0"
_WEBKIT: Final = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5"

DEVICES: Final = (
    Device(31, "Desktop", "Chrome", "Mac OS", f"{_MAC} {_BLINK} Safari/537.36"),
    Device(21, "Desktop", "Chrome", "Windows", f"{_WINDOWS} {_BLINK} Safari/537.36"),
    Device(9, "Desktop", "Safari", "Mac OS", f"{_MAC} {_WEBKIT} Safari/605.1.15"),
    Device(4, "Desktop", "Firefox", "Windows", f"{_WINDOWS} Gecko/20100101 Firefox/140.0"),
    Device(3, "Desktop", "Edge", "Windows", f"{_WINDOWS} {_BLINK} Safari/537.36 Edg/138.0"),
    Device(19, "Mobile", "Mobile Safari", "iOS", f"{_IPHONE} {_WEBKIT} Mobile/15E148 Safari/604.1"),
    Device(12, "Mobile", "Chrome", "Android", f"{_ANDROID} {_BLINK} Mobile Safari/537.36"),
    Device(1, "Tablet", "Mobile Safari", "iPadOS", f"{_MAC} {_WEBKIT} Mobile/15E148 Safari/604.1"),
)
BOT: Final = Device(1, "Bot", "Unknown", "Unknown", "Mozilla/5.0 (compatible; LinkPreviewBot/2.0)")

_REFERERS: Final = (
    (38, None, None),
    (17, "newsletter.example", "https://newsletter.example/issues/42"),
    (14, "video.example", "https://video.example/watch"),
    (12, "social.example", "https://social.example/"),
    (10, "search.example", "https://search.example/"),
    (9, "forum.example", "https://forum.example/t/tools-we-use"),
)
_TRIGGERS: Final = ((88, "link"), (7, "qr"), (5, "pageview"))


def _links(workspace_id: str, domain: str, site: str) -> tuple[Link, ...]:
    """The n-th partner has a share of about 1/n; the campaign of every third tracks no conversions."""
    links: list[Link] = []
    for rank, partner in enumerate(_PARTNERS[workspace_id], 1):
        links += repeat(_link(workspace_id, domain, site, partner, partner, tracked=True), 60 // rank)
        campaign = _link(workspace_id, domain, site, partner, f"{partner}-spring", tracked=rank % 3 != 0)
        links += repeat(campaign, 12 // rank)
    return tuple(links)


def _link(workspace_id: str, domain: str, site: str, partner: str, key: str, *, tracked: bool) -> Link:
    fields: dict[str, object] = {
        "linkId": f"link_{workspace_id}_{key}",
        "domain": domain,
        "key": key,
        "url": f"https://{site}/?via={key}",
        "partnerId": f"pn_{partner}",
        "programId": f"prog_{workspace_id}",
    }
    return Link(fields, tracked)


WORKSPACES: Final = (
    Workspace(
        "acme",
        share=0.62,
        sign_up="Sign Up",
        qualifications=("First meeting", "Team invited"),
        prices=(1_900, 4_900, 9_900, 49_900),
        currency="usd",
        payment_processor="stripe",
        links=_links("acme", "go.acme.example", "acme.example"),
    ),
    Workspace(
        "globex",
        share=0.38,
        sign_up="Account created",
        qualifications=("2,000 words dictated", "Desktop app installed"),
        prices=(1_200, 2_900, 14_400),
        currency="eur",
        payment_processor="paddle",
        links=_links("globex", "try.globex.example", "globex.example"),
    ),
)


def _spread(weighted: Sequence[tuple[int, T]]) -> list[T]:
    return [item for weight, item in weighted for _ in range(weight)]


def visitors(rng: Random, count: int) -> list[dict[str, object]]:
    """What a click says of its visitor, ``count`` times; drawing one evenly gives every skew of the world."""
    places = _spread([(one.weight, one) for one in PLACES])
    devices = _spread([(one.weight, one) for one in DEVICES])
    referers, triggers = _spread([(one[0], one) for one in _REFERERS]), _spread(_TRIGGERS)
    return [
        _visitor(rng, rng.choice(places), rng.choice(devices), rng.choice(referers), rng.choice(triggers))
        for _ in range(count)
    ]


def _visitor(
    rng: Random, place: Place, device: Device, referer: tuple[int, str | None, str | None], trigger: str
) -> dict[str, object]:
    return {
        "continent": place.continent,
        "country": place.country,
        "region": place.region,
        "city": place.city,
        "latitude": place.latitude,
        "longitude": place.longitude,
        "device": device.device,
        "browser": device.browser,
        "os": device.os,
        "ua": device.ua,
        "referer": referer[1],
        "refererUrl": referer[2],
        # The block that is reserved for examples (RFC 5737).
        "ip": f"203.0.113.{rng.randrange(1, 255)}",
        "trigger": trigger,
        "qr": trigger == "qr",
    }


_COLOURS: Final = ("Amber", "Azure", "Coral", "Indigo", "Ivory", "Jade", "Olive", "Pearl", "Teal")
_ANIMALS: Final = ("Badger", "Crane", "Falcon", "Heron", "Ibis", "Lynx", "Marten", "Otter")


def customer_name(number: int) -> str:
    """A name nobody has: ``Teal Otter``."""
    return f"{_COLOURS[number % len(_COLOURS)]} {_ANIMALS[number // len(_COLOURS) % len(_ANIMALS)]}"
