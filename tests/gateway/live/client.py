"""Whoever reads ``/events/stream``."""

import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx
import orjson

_TLS: Final = ssl.create_default_context()
"""Made once: it takes longer than a stream."""


@dataclass(frozen=True)
class Told:
    """One event."""

    event: str
    id: str
    data: Mapping[str, Any]


async def told(answer: httpx.Response) -> AsyncIterator[Told]:
    """As browsers read it."""
    fields: dict[str, str] = {}
    kept = ""
    async for line in answer.aiter_lines():
        name, _, value = line.partition(": ")
        if name:
            fields[name] = value
            continue
        kept = fields.get("id", kept)
        if "data" in fields:
            yield Told(fields.get("event", "message"), kept, orjson.loads(fields["data"]))
        fields = {}


class Client:
    """One stream, opened by ``async with``."""

    def __init__(self, url: str, key: Mapping[str, str], last: str = "", **query: str) -> None:
        """``key``: the header. ``last``: the id of the last event that it has."""
        headers = {**key, "Last-Event-ID": last}
        self._client = httpx.AsyncClient(base_url=url, headers=headers, timeout=10, verify=_TLS)
        self._query = query

    async def __aenter__(self) -> AsyncIterator[Told]:
        request = self._client.build_request("GET", "/events/stream", params=self._query)
        self._answer = await self._client.send(request, stream=True)
        assert self._answer.status_code == 200, await self._answer.aread()
        assert self._answer.headers["Content-Type"].startswith("text/event-stream")
        return aiter(told(self._answer))

    async def __aexit__(self, *_: object) -> None:
        await self._answer.aclose()
        await self._client.aclose()
