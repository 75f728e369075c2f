"""Gateways as they run in production, on the stack of a test, and a workspace with keys and a domain."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from deploy.local.ports import free_port
from tests.integration.stack import COMMAND, Service, Stack, wait_for

WORKSPACE: Final = "acme"
DOMAIN: Final = "go.localhost"
BROWSER: Final = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36"
"""Of an ordinary visitor."""
_READY_S: Final = 60.0


@dataclass(frozen=True)
class Keys:
    """Of one workspace."""

    workspace: str
    secret: str
    publishable: str

    def header(self) -> dict[str, str]:
        """What a server sends along."""
        return {"Authorization": f"Bearer {self.secret}"}


def workspace(stack: Stack, name: str = WORKSPACE, *domains: str) -> Keys:
    """Made by the command line, with limits that no test meets."""
    chosen = [part for one in domains for part in ("--domain", one)]
    made = stack.run("workspace", "create", name, *chosen, "--json")
    assert made.returncode == 0, made.stderr
    most = ["--limit-secret", "100000", "--limit-publishable", "100000", "--limit-visitor", "100000"]
    assert stack.run("workspace", "set", name, *most).returncode == 0
    keys = json.loads(made.stdout)
    return Keys(name, keys["secretKey"], keys["publishableKey"])


@dataclass
class Gateway:
    """One process. It keeps its port over restarts."""

    service: Service
    port: int = field(default_factory=free_port)

    def __post_init__(self) -> None:
        self.service.program = COMMAND
        self.service.env["LEADSTREAM_GATEWAY_PORT"] = str(self.port)

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def start(self, **env: str) -> None:
        """Returns when it answers. ``env``: for this life only."""
        self.service.start(**env)
        self.wait()

    def wait(self) -> None:
        """Until it answers."""

        def answers() -> bool:
            self.service.check_alive()
            try:
                httpx.get(f"{self.url}/openapi.json")
            except httpx.TransportError:
                return False
            return True

        wait_for(answers, _READY_S, lambda: f"no answer:\n{self.service.life()[-3000:]}", pause=0.05)


def gateways(stack: Stack, count: int, **env: str) -> list[Gateway]:
    """Started, each ready."""
    made = [Gateway(stack.service("gateway", f"gateway-{number}")) for number in range(count)]
    for one in made:
        one.service.start(**env)
    for one in made:
        one.wait()
    return made


def create_link(gateway: Gateway, keys: Keys, **wanted: Any) -> Mapping[str, Any]:
    """As the SDKs do it; tracked, unless something else is wanted."""
    body = {"url": "https://example.com/landing", "trackConversion": True, **wanted}
    answer = httpx.post(f"{gateway.url}/links", json=body, headers=keys.header())
    assert answer.status_code == 200, answer.text
    link: Mapping[str, Any] = answer.json()
    return link


def visit(gateway: Gateway, key: str, *, domain: str = DOMAIN, agent: str = BROWSER) -> httpx.Response:
    """What a browser asks for that follows the link, and what it gets."""
    return httpx.get(f"{gateway.url}/{key}", headers={"Host": domain, "User-Agent": agent})


def click_id(answer: httpx.Response) -> str:
    """The one that a redirect gives to the page."""
    return httpx.URL(answer.headers["Location"]).params["dub_id"]
