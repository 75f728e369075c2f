"""Every route of a gateway with its real door, on registries and topics in memory: two workspaces, and all
that an attacker has.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple, cast
from zlib import crc32

import httpx
import orjson

from processors.gateway.answers import TryAgain
from processors.gateway.asking import Row
from processors.gateway.callers import Callers
from processors.gateway.clicks.visits import Visitors
from processors.gateway.customers.tracing import Tracing
from processors.gateway.documentation import documented
from processors.gateway.live import Live
from processors.gateway.looking import Looks
from processors.gateway.outcomes.held import Holding
from processors.gateway.routes import Parts, build_routes, client_address
from processors.gateway.routing import Route
from processors.gateway.serving import Gateway
from processors.gateway.stats import Stats
from processors.people.traced import HeldEvents, Trace
from processors.registry.keys import IssuedKey, issue
from processors.registry.store import RegistryStore
from processors.settings import Settings
from processors.visitors.addresses import Addresses
from processors.visitors.agents import Agents
from processors.visitors.places import Places
from schemas.ids import customer_id
from schemas.links import Link
from schemas.registry import Domain, KeyRole, Workspace
from schemas.times import DAY_MS
from tests.gateway.customers.traces import held, trace, waiting
from tests.gateway.links.world import MemoryStore
from tests.gateway.memory import MemoryFacts, MemoryPublisher, Topics

NOW: Final = 1_800_000_000_000
API: Final = "http://api.test"
ACME_DOMAIN: Final = "go.acme.test"
EVIL_DOMAIN: Final = "go.evil.test"
CLICK: Final = "AcmesOwnClick001"
LINK: Final = "link_01ACME"
BROWSER: Final = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0"
AMERICAN: Final = "8.8.8.8"
PROXY: Final = "10.0.0.1"
NAME: Final = "Planted Ann"
EMAIL: Final = "ann@planted.example"
CUSTOMER: Final = "planted-customer"
_AGENTS: Final = Agents()
_PLACES: Final = Places()


def key(role: KeyRole, seed: bytes, now_ms: int = NOW) -> IssuedKey:
    """The same one for the same seed."""
    return issue(role, now_ms, lambda count: seed * count)


SECRET: Final = key(KeyRole.SECRET, b"a")
PUBLISHABLE: Final = key(KeyRole.PUBLISHABLE, b"b")
EVIL_SECRET: Final = key(KeyRole.SECRET, b"c")
EVIL_PUBLISHABLE: Final = key(KeyRole.PUBLISHABLE, b"d")


def bearer(issued: IssuedKey) -> dict[str, str]:
    """The header."""
    return {"Authorization": f"Bearer {issued.text}"}


def link(**fields: Any) -> Link:
    """Acme's, tracked."""
    given = {
        "id": LINK,
        "workspace_id": "acme",
        "domain": ACME_DOMAIN,
        "key": "spring",
        "url": "https://acme.test/spring",
        "external_id": "campaign",
        "track_conversion": True,
        "created_at": 0,
        "updated_at": 0,
    }
    return Link(**{**given, **fields})


class World:
    """``acme`` has a link, a click and a customer, ``evil`` has a workspace. ``peer``: whose connection it
    is. ``proxies``: which are trusted. ``live``: None is one whose streams end as soon as they have begun.
    """

    def __init__(self, proxies: Sequence[str] = (PROXY,), live: Live | None = None, **acme: Any) -> None:
        self.peer = PROXY
        self.now_ms = NOW
        self.store = MemoryStore()
        self.put(
            Workspace(
                **{
                    "workspace_id": "acme",
                    "keys": (SECRET.record, PUBLISHABLE.record),
                    "domains": (Domain(slug=ACME_DOMAIN),),
                    "visitor_salt": "salt",
                    **acme,
                }
            )
        )
        self.put(
            Workspace(
                workspace_id="evil",
                keys=(EVIL_SECRET.record, EVIL_PUBLISHABLE.record),
                domains=(Domain(slug=EVIL_DOMAIN),),
                visitor_salt="salt",
            )
        )
        self.store.links.put(link())
        self.topics = Topics(lambda: self.now_ms)
        self.facts = MemoryFacts(self.topics)
        self.publisher = MemoryPublisher(self.topics, self.facts)
        self.customers: dict[str, list[Row]] = {"acme": [_ROW]}
        self.stored_away = False
        self.stats = Stats()
        registry, addresses = cast(RegistryStore, self.store), Addresses(proxies)
        self.callers = Callers(registry, client_address(addresses), lambda: self.now_ms)
        visitors = Visitors(addresses, _AGENTS, _PLACES)
        self.live = live or Live(Settings())
        if live is None:
            self.live.end()
        parts = Parts(
            registry,
            self.facts,
            self.publisher,
            self.ask,
            visitors,
            self.callers,
            self.live,
            API,
            DAY_MS,
            Tracing(self.traced, looks := Looks(1)),
            Holding(self.held, looks, self.ask),
        )
        routes, redirect = build_routes(parts)
        self.routes: list[Route] = documented(routes, API)
        self.app = Gateway(
            self.routes,
            registry=registry,
            callers=self.callers,
            redirect=redirect,
            stats=self.stats,
            docs_url=f"{API}/docs",
            clock=lambda: self.now_ms,
        )
        self._happened()

    def put(self, workspace: Workspace) -> None:
        self.store.registries.workspaces.put(workspace)

    async def traced(self, workspace_id: str, external_id: str) -> Trace | None:
        """Of a process that traces."""
        known = (workspace_id, external_id) == ("acme", CUSTOMER)
        return trace(workspace_id, external_id) if known else None

    async def held(self, workspace_id: str, _: int) -> HeldEvents:
        """Likewise."""
        return held(waiting(CUSTOMER, CLICK)) if workspace_id == "acme" else held()

    async def ask(self, sql: str, parameters: Mapping[str, object]) -> Sequence[Row]:
        """Of ClickHouse: customers, what became of events, and a click."""
        if self.stored_away:
            raise TryAgain("away")
        if "edges" in parameters or ("skipped" in parameters and "FROM clicks" in sql):
            return _clicks(parameters)
        for view, (row, wanted) in _OUTCOMES.items():
            if f"FROM {view}" in sql:
                own = parameters["workspace"] == "acme"
                asked = all(parameters.get(name, value) == value for name, value in wanted.items())
                return [row] if own and asked else []
        rows = self.customers.get(str(parameters["workspace"]), []) if "FROM customers" in sql else []
        found = [row for row in rows if _is_asked_for(row, parameters)]
        return found if "customer_name" in sql else [(row[6],) for row in found]

    def _happened(self) -> None:
        click = {"type": "click", "clickId": CLICK, "linkId": LINK, "domain": ACME_DOMAIN, "key": "spring"}
        lead = {
            "type": "lead",
            "clickId": CLICK,
            "customerExternalId": CUSTOMER,
            "eventName": "Sign Up",
            "customerName": NAME,
            "customerEmail": EMAIL,
        }
        for event in (click, lead):
            self.topics.write(orjson.dumps({**event, "workspaceId": "acme", "timestamp": NOW - 1_000}))
        self.facts.hear_all(self.topics.records)

    def events(self, since: int = 2) -> list[dict[str, Any]]:
        """What was written after all that had happened before."""
        return [orjson.loads(one.value) for one in self.topics.records[since:]]

    @asynccontextmanager
    async def client(self, **headers: str) -> AsyncIterator[httpx.AsyncClient]:
        """From ``peer``; ``headers`` have ``_`` for ``-``."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        transport = httpx.ASGITransport(app=self.app, client=(self.peer, 1234))
        async with httpx.AsyncClient(transport=transport, base_url=API, headers=given) as client:
            yield client


def _is_asked_for(row: Row, parameters: Mapping[str, object]) -> bool:
    wanted = {"id": row[0], "customer_id": row[0], "checksum": crc32(row[3].encode()), "search": row[1]}
    return all(parameters[name] == value for name, value in wanted.items() if name in parameters)


_ROW: Final = [
    *(customer_id("acme", CUSTOMER), CUSTOMER, NAME, EMAIL, "", "US", NOW, 1, NOW, NOW + 1),
    *(LINK, ACME_DOMAIN, "spring", f"https://{ACME_DOMAIN}/spring", "https://acme.test/spring", ""),
    *(0, 0, None),
]

_OUTCOMES: Final[Mapping[str, tuple[Row, Mapping[str, object]]]] = {
    "lead_revisions": (
        [1, NOW, NOW, CUSTOMER, "Sign Up", "event_1", 1, CLICK, NOW, LINK, "", ""],
        {"lead": LINK},
    ),
    "unmatched": (
        ["un_1", NOW, "click_not_found", "", NOW, CUSTOMER, CLICK, "Sign Up", "{}"],
        {"customer_id": customer_id("acme", CUSTOMER), "click_id": CLICK, "after": LINK},
    ),
    "dead_letters": (["dl_1", NOW, "not_json", "", NOW, 1, "leads", 0, 0, NAME], {"after": LINK}),
}
"""By view: acme's row, and what is to be asked for to find it."""


_THEIRS: Final = ([LINK], ["campaign"], [ACME_DOMAIN], [customer_id("acme", CUSTOMER)])


def _clicks(parameters: Mapping[str, object]) -> Sequence[Row]:
    """How many, or the click itself: where what is asked for is acme's."""
    own = parameters["workspace"] == "acme" and parameters.get("id", CLICK) == CLICK
    if not own or parameters.get("filter_0", [LINK]) not in _THEIRS:
        return []
    if "edges" in parameters:
        return [[cast(list[int], parameters["edges"])[0], 1, 0, 0, 0, {}]]
    texts = ["", "", "", "", "", ""]
    link = [LINK, ACME_DOMAIN, "spring", "https://acme.test/", "", "", "", ""]
    visit = [*texts, "", "", "", "link"]
    return [[CLICK, NOW, CLICK, NOW, *link, *visit, False, "", "", "", 1, 1, *texts, 0, 0, "", "", ""]]


class Raw(NamedTuple):
    """An answer, as it goes out."""

    status: int
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes

    def header(self, name: str) -> str:
        """ "" for none."""
        return dict(self.headers).get(name.lower().encode(), b"").decode()


async def send(
    world: World,
    method: str,
    path: bytes | str,
    *,
    headers: Mapping[str, str | bytes] | None = None,
    query: bytes = b"",
    body: bytes = b"",
) -> Raw:
    """Without a library that puts right what is sent: whatever bytes a server may hand on."""
    raw = path if isinstance(path, bytes) else path.encode()
    given = {"host": "api.test", "content-length": str(len(body)), **(headers or {})}
    scope = {
        "type": "http",
        "method": method,
        "path": raw.decode("latin-1"),
        "raw_path": raw,
        "query_string": query,
        "client": (world.peer, 1234),
        "headers": [
            (name.lower().encode(), value if isinstance(value, bytes) else value.encode())
            for name, value in given.items()
        ],
    }
    sent: list[Any] = []
    left = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Any:
        """The body; after it the client waits."""
        return left.pop() if left else await asyncio.Event().wait()

    async def take(message: Any) -> None:
        sent.append(message)

    await world.app(scope, receive, take)
    head, *parts = sent
    assert (head["type"], {one["type"] for one in parts}) == ("http.response.start", {"http.response.body"})
    return Raw(head["status"], head["headers"], b"".join(one["body"] for one in parts))
