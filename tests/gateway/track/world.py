"""A workspace with one click, and what a test of the track calls does to it."""

from itertools import count
from typing import Any, Final

import orjson

from processors.gateway.track.routes import track_routes
from schemas.links import Link
from schemas.registry import Workspace
from tests.gateway.calling import NOW, Answered, Caller
from tests.gateway.memory import MemoryFacts, MemoryPublisher, Topics

ACME: Final = Workspace(workspace_id="acme")
LINK: Final = Link(
    id="link_1",
    workspace_id="acme",
    domain="go.acme.com",
    key="Spring",
    url="https://acme.com/spring",
    created_at=0,
    updated_at=0,
    partner_id="pn_1",
    program_id="prog_1",
)
LINK_PART: Final = {
    "id": "link_1",
    "domain": "go.acme.com",
    "key": "Spring",
    "shortLink": "https://go.acme.com/Spring",
    "url": "https://acme.com/spring",
    "partnerId": "pn_1",
    "programId": "prog_1",
    "tenantId": None,
    "externalId": None,
}
ANN: Final = {"customerExternalId": "ann"}
PERSON: Final = {
    "customerName": "Ann",
    "customerEmail": "ann@example.com",
    "customerAvatar": "https://a/b.png",
}
LEAD: Final = {"eventName": "Sign Up", **ANN}
SALE: Final = {"amount": 1_000, **ANN}


class World:
    """Two gateways on the same topics. ``links``: what both registries hold."""

    def __init__(self) -> None:
        self.now_ms = NOW
        self.topics = Topics(lambda: self.now_ms)
        self.links = {LINK.id: LINK}
        ids = map("id{}".format, count(1))
        self.facts = [MemoryFacts(self.topics) for _ in range(2)]
        self.publishers = [MemoryPublisher(self.topics, facts) for facts in self.facts]
        self.callers = [
            Caller(
                track_routes(
                    facts=facts, publisher=publisher, link_by_id=self.links.get, new_id=lambda: next(ids)
                ),
                ACME,
            )
            for facts, publisher in zip(self.facts, self.publishers, strict=True)
        ]

    def event(self, kind: str, **fields: object) -> None:
        """Written by anybody, into the topics alone."""
        event = {"type": kind, "workspaceId": "acme", "timestamp": self.now_ms - 1_000, **fields}
        self.topics.write(orjson.dumps(event))

    def click(self, click_id: str, **fields: object) -> None:
        """Somebody followed the link."""
        self.event("click", clickId=click_id, **({"linkId": LINK.id} | fields))

    async def post(self, path: str, *, gateway: int = 0, **call: Any) -> Answered:
        """To one of the gateways, a millisecond after the last call."""
        self.now_ms += 1
        return await self.callers[gateway].post(path, now_ms=self.now_ms, **call)

    async def lead(self, gateway: int = 0, /, **fields: Any) -> Answered:
        """``POST /track/lead``."""
        return await self.post("/track/lead", body=LEAD | fields, gateway=gateway)

    async def sale(self, gateway: int = 0, /, **fields: Any) -> Answered:
        """``POST /track/sale``."""
        return await self.post("/track/sale", body=SALE | fields, gateway=gateway)

    def written(self, since: int = 0) -> list[dict[str, Any]]:
        """The events, clicks aside."""
        events = [orjson.loads(one.value) for one in self.topics.records[since:]]
        return [event for event in events if event["type"] != "click"]
