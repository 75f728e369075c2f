"""The examples of docs/links.md: each call as it stands there, and what it is said to answer."""

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from msgspec.structs import fields

from processors.gateway.asking import Row
from processors.gateway.customers.routes import customer_routes
from processors.gateway.known import Facts, Publisher
from processors.gateway.links.bodies import NewLink
from processors.gateway.qr import qr_routes
from schemas.times import DAY_MS
from tests.gateway.customers.traces import NO_TRACES
from tests.gateway.doors import SECRET
from tests.gateway.links.test_http import door
from tests.gateway.links.world import World

PAGE = (Path(__file__).parents[3] / "docs" / "links.md").read_text()
_EXAMPLE = re.compile(r"^```sh\n(curl .*?)^```\n(?:```json\n(.*?)^```)?", re.DOTALL | re.MULTILINE)
EXAMPLES = _EXAMPLE.findall(PAGE)
_PENDING: Row = [
    *("cus_1", "user-1", "", "ada@example.com", "", "", 1_769_860_800_000, 0, 1_769_860_800_000, None),
    *("", "", "", "", "", "", 0, 0, None),
]


def curl(command: str) -> tuple[str, str, dict[str, str], str | None]:
    """Method, URL, headers and body, of what curl is told here."""
    _, *words = shlex.split(
        command.replace("\\\n", " ").replace("$BASE", "http://api.test").replace("$SECRET_KEY", SECRET.text)
    )
    method, url, headers, body = "", "", {}, None
    while words:
        match words.pop(0):
            case "-X":
                method = words.pop(0)
            case "-H":
                name, _, value = words.pop(0).partition(": ")
                headers[name] = value
            case "-d":
                body = words.pop(0)
            case "-o":
                words.pop(0)
            case "-fsS":
                pass
            case word:
                url = word
    return method or ("POST" if body else "GET"), url, headers, body


def includes(answer: Any, shown: Any) -> bool:
    """Whatever is shown is so; an answer may say more."""
    if isinstance(shown, dict):
        return all(name in answer and includes(answer[name], value) for name, value in shown.items())
    if isinstance(shown, list):
        return len(answer) == len(shown) and all(map(includes, answer, shown))
    return bool(answer == shown)


class NothingOfLate:
    """Facts."""

    async def customer(self, *_: str, wait: bool) -> None:
        assert not wait


async def test_every_example_answers_as_it_is_shown() -> None:
    async def ask(_: str, parameters: Mapping[str, object]) -> Sequence[Row]:
        return [_PENDING] if parameters["status"] == "pending" else []

    world = World()
    customers = customer_routes(
        ask, cast(Facts, NothingOfLate()), cast(Publisher, None), world.store.links.get, DAY_MS, NO_TRACES
    )
    app = door(world, [*world.routes, *customers, *qr_routes()], domain="acme.localhost")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app)) as client:
        for command, shown in EXAMPLES:
            method, url, headers, body = curl(command)
            answer = await client.request(method, url, headers=headers, content=body)
            assert answer.status_code == 200, (command, answer.text)
            if shown:
                assert includes(answer.json(), json.loads(shown)), (command, answer.text)


def test_there_are_some() -> None:
    assert len(EXAMPLES) == PAGE.count("\ncurl ") >= 6


@pytest.mark.parametrize("name", [one.encode_name for one in fields(NewLink)])
def test_every_field_has_its_place(name: str) -> None:
    assert f"`{name}" in PAGE
