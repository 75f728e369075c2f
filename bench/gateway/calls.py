"""The calls of the bench, as they go over the wire, and the clicks that they name."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import orjson

from schemas.links import Link

DOMAIN: Final = "go.localhost"
WORKSPACE: Final = "bench"
_AGENT: Final = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{} Safari/537.36"
)
_AGENTS: Final = tuple(_AGENT.format(f"{major}.0.0.0") for major in range(90, 140))


@dataclass(frozen=True)
class Clicks:
    """``kind``: begins the ids, so that no two kinds meet. ``at_ms``: when they were made."""

    kind: str
    count: int
    at_ms: int

    def ids(self) -> Iterator[str]:
        """16 characters each, as a gateway gives them out."""
        return (f"{self.kind}{number:0{16 - len(self.kind)}d}" for number in range(self.count))

    def events(self, link: Link) -> Iterator[tuple[str, bytes]]:
        """Click id and event, as a gateway writes it."""
        for click_id in self.ids():
            event = {
                "type": "click",
                "workspaceId": link.workspace_id,
                "clickId": click_id,
                "timestamp": self.at_ms,
                "linkId": link.id,
                "domain": link.domain,
                "key": link.key,
                "url": link.url,
                "trackConversion": True,
                "country": "US",
                "continent": "NA",
                "device": "desktop",
                "browser": "Chrome",
                "os": "Windows",
                "ua": _AGENTS[0],
                "referer": "(direct)",
                "trigger": "link",
            }
            yield click_id, orjson.dumps(event)


def links(count: int, now_ms: int) -> Iterator[Link]:
    """The first one is the one that is clicked."""
    for number in range(count):
        yield Link(
            id=f"link_01BENCH{number:019d}",
            workspace_id=WORKSPACE,
            domain=DOMAIN,
            key=f"bench-{number}",
            url=f"https://example.com/landing/{number}?utm_source=bench",
            created_at=now_ms,
            updated_at=now_ms,
            track_conversion=True,
            partner_id="pn_1",
            program_id="prog_1",
        )


def leads(click_ids: Sequence[str], key: str, tag: str) -> Iterator[bytes]:
    """``POST /track/lead``, deferred, each for a customer of its own; ``tag`` tells rounds apart."""
    for number, click_id in enumerate(click_ids):
        body = orjson.dumps(
            {
                "clickId": click_id,
                "eventName": "Sign Up",
                "customerExternalId": f"{tag}-{number}",
                "customerName": "Ann Example",
                "customerEmail": f"ann{number}@example.com",
                "customerAvatar": None,
                "mode": "deferred",
            }
        )
        yield (
            b"POST /track/lead HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench\r\nAccept: */*\r\n"
            b"Authorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
            % (key.encode(), len(body))
        ) + body


def visits(link: Link, count: int, tag: int) -> Iterator[bytes]:
    """Each by a visitor of its own, whose address a proxy tells."""
    for number in range(count):
        agent = _AGENTS[number % len(_AGENTS)]
        address = f"20.{tag}.{number // 250 % 250}.{number % 250 + 1}"
        yield (
            f"GET /{link.key} HTTP/1.1\r\nHost: {link.domain}\r\nUser-Agent: {agent}\r\n"
            f"X-Forwarded-For: {address}\r\nReferer: https://blog.example.com/post\r\n\r\n"
        ).encode()
