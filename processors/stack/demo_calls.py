"""The part of the demo that comes over HTTP: a workspace of its own, whose visitors follow a short link."""

import http.client
import secrets
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from msgspec import DecodeError, Struct
from msgspec.json import decode, encode

from processors.clock import epoch_ms
from processors.demo.world import DEVICES
from processors.errors import Unavailable
from processors.files import open_private
from processors.kafka.running import run_on_kafka
from processors.registry.changes import MAX_OVERLAP_MS, Wishes, create, rotate, update
from processors.registry.contents import Contents
from processors.registry.keys import issue
from processors.registry.store import read, write
from processors.settings import Settings
from processors.stack.gateway import url_of
from schemas.registry import Domain, KeyRole, Workspace

WORKSPACE: Final = "demo"
DOMAINS: Final = ("go.localhost", "demo.localhost")
"""The first that no other workspace has. Browsers look names below ``localhost`` up nowhere: they are this
machine."""
LINK: Final = "spring"
VISITORS: Final = 100
_QUALIFIED: Final = 0.4
_PAYING: Final = 0.5
_TRIES: Final = 20


class DemoKeys(Struct):
    """What ``up --demo`` shows of its workspace. ``visited``: its traffic was sent."""

    secret: str
    domain: str = DOMAINS[0]
    visited: bool = False


class GatewayRefused(Unavailable):
    """A call of the demo was not answered as it should be."""

    def __init__(self, call: str, status: int, answer: str) -> None:
        super().__init__(
            f"the gateway answered {call} with {status}: {answer[:200]}",
            "Its log, gateway.log, may say why. Run `leadstream up --demo` once more.",
        )


def short_link(settings: Settings, keys: DemoKeys) -> str:
    """To be clicked."""
    return f"http://{keys.domain}:{settings.gateway_port}/{LINK}"


def demo_keys(settings: Settings, data: Path) -> DemoKeys:
    """The keys of the demo's workspace, which is made if it is not there. Blocks.

    They are kept in ``data``, for the next run: a registry shows nobody a key.
    """
    kept = _kept(data)
    contents = run_on_kafka(read(settings))
    if kept is not None and _is_good(kept, contents):
        return kept
    keys = {role: issue(role, epoch_ms(), secrets.token_bytes) for role in KeyRole}
    secret = keys[KeyRole.SECRET]
    found = contents.workspace(WORKSPACE)
    domain = found.domains[0].slug if found is not None and found.domains else _free_domain(contents)
    if found is None:
        wanted = Workspace(
            workspace_id=WORKSPACE,
            keys=tuple(one.record for one in keys.values()),
            domains=(Domain(slug=domain),),
            visitor_salt=secrets.token_hex(16),
        )
        run_on_kafka(write(settings, create(wanted)))
    else:  # made by hand, or by another directory's demo, which still uses its own key
        run_on_kafka(write(settings, update(WORKSPACE, Wishes(domain=domain))))
        run_on_kafka(write(settings, rotate(WORKSPACE, secret.record, MAX_OVERLAP_MS)))
    made = DemoKeys(secret.text, domain)
    keep(made, data)
    return made


def _is_good(keys: DemoKeys, contents: Contents) -> bool:
    holder = contents.holder(keys.secret, epoch_ms())
    return holder is not None and holder.workspace is contents.of_domain(keys.domain)


def _free_domain(contents: Contents) -> str:
    """Is none of them free, writing says whose the last one is."""
    return next((one for one in DOMAINS if contents.of_domain(one) is None), DOMAINS[-1])


def keep(keys: DemoKeys, data: Path) -> None:
    """For the next run. Nobody else may read it."""
    with open_private(_file(data), "wb") as file:
        file.write(encode(keys))


def _kept(data: Path) -> DemoKeys | None:
    try:
        return decode(_file(data).read_bytes(), type=DemoKeys)
    except (FileNotFoundError, DecodeError):
        return None


def _file(data: Path) -> Path:
    return data / "demo-keys.json"


def send_visitors(settings: Settings, keys: DemoKeys, advance: Callable[[int], None]) -> None:
    """Visitors follow the link; some sign up, some of those do what matters, and some of those pay. Blocks.

    Raises ``GatewayRefused``.
    """
    random = Random(WORKSPACE)
    client = _Client(settings, keys)
    link = {"domain": keys.domain, "key": LINK, "url": f"{url_of(settings)}/docs", "trackConversion": True}
    # Is it there already, it may lead to the gateway of another directory: it is as good.
    there = http.client.CONFLICT
    client.call("POST", "/links", {**link, "partnerId": "pn_spring"}, there)
    for number in range(VISITORS):
        click_id = client.follow(_user_agent(random, number))
        customer = {"customerExternalId": f"demo-{number}", "customerName": f"Visitor {number}"}
        if click_id and number % 2 == 0:
            lead = {**customer, "clickId": click_id, "eventName": "Sign Up", "mode": "deferred"}
            client.call("POST", "/track/lead", lead)
            if random.random() < _QUALIFIED:
                client.call("POST", "/track/lead", {**customer, "clickId": "", "eventName": "First Meeting"})
                if random.random() < _PAYING:
                    sale = {"amount": 4_900, "currency": "usd", "invoiceId": f"demo-{number}"}
                    client.call("POST", "/track/sale", {**customer, **sale})
        advance(1)


def _user_agent(random: Random, number: int) -> str:
    """Another one for each: from one address, the same browser is the same visitor."""
    device = random.choices(DEVICES, [one.weight for one in DEVICES])[0]
    return f"{device.ua} Demo/{number}"


class _Client:
    """One connection at a time; what may be tried again is."""

    def __init__(self, settings: Settings, keys: DemoKeys) -> None:
        self._address = urlsplit(url_of(settings)).netloc
        self._headers = {"Authorization": f"Bearer {keys.secret}", "Content-Type": "application/json"}
        self._domain = f"{keys.domain}:{settings.gateway_port}"
        self._connection: http.client.HTTPConnection | None = None

    def call(self, method: str, path: str, body: Mapping[str, Any], *accepted: int) -> None:
        """Of an SDK. ``accepted``: statuses beside 200."""
        status, _, answer = self._tried(method, path, self._headers, encode(body))
        if status not in (http.client.OK, *accepted):
            raise GatewayRefused(f"{method} {path}", status, answer.decode("utf-8", "replace"))

    def follow(self, user_agent: str) -> str | None:
        """The click id that the short link hands out, if it does."""
        path = f"/{LINK}"
        status, location, answer = self._tried(
            "GET", path, {"Host": self._domain, "User-Agent": user_agent}, None
        )
        if status != http.client.FOUND:
            raise GatewayRefused(f"GET {path}", status, answer.decode("utf-8", "replace"))
        return next(iter(parse_qs(urlsplit(location).query).get("dub_id", ())), None)

    def _tried(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None
    ) -> tuple[int, str, bytes]:
        status, location, answer = 0, "", b"no answer"
        for _ in range(_TRIES):
            try:
                connection = self._connection or http.client.HTTPConnection(self._address, timeout=10)
                self._connection = connection
                connection.request(method, path, body, dict(headers))
                response = connection.getresponse()
                answer = response.read()
            except (OSError, http.client.HTTPException):
                self._connection = None
                time.sleep(1)
                continue
            status, location = response.status, response.headers.get("Location", "")
            if status not in (http.client.SERVICE_UNAVAILABLE, http.client.TOO_MANY_REQUESTS):
                break
            time.sleep(int(response.headers.get("Retry-After", "1")))
        return status, location, answer
