"""What people ask of ClickHouse: answers as they come, a piece at a time, and ended with their reader."""

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

import orjson
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, DatabaseError
from urllib3.exceptions import HTTPError

from processors.clickhouse.connection import is_embedded, open_clickhouse
from processors.errors import Misconfigured, Unavailable
from processors.settings import Settings

TEXTS: Final = "JSONCompactStringsEachRowWithNamesAndTypes"
"""Every value as the text that ClickHouse makes of it, whatever its type."""
_PIECE: Final = 1 << 16
_READ_ONLY: Final = "2"
_FAILURE: Final = re.compile(rb"(Code: (\d+)\..*?)(?:\n\d+ \w+\r\n__exception__\s*)?$", re.DOTALL)
_CUT_OFF: Final = Unavailable("ClickHouse broke off in the middle of its answer", "Run it again.")


def open_for_people(settings: Settings, form: str, *, writing: bool) -> Client:
    """A client whose answers have the ``form`` where a query names no FORMAT of its own.

    Not ``writing``: the server refuses whatever would change data, tables or that very setting. Raises
    ``NoClickHouse``, ``Misconfigured``.
    """
    client = open_clickhouse(settings)
    if is_embedded(client):
        client.close()
        raise Misconfigured(
            "LEADSTREAM_CLICKHOUSE_URL names an engine inside the process, which cannot be told to read only",
            "Name a server: http://user:password@host:port/database.",
        )
    # A user who may only read anyway may not change the setting either.
    allowed = getattr(client.server_settings.get("readonly"), "value", "0") == "0"
    if not writing and allowed:
        client.set_client_setting("readonly", _READ_ONLY)
        # Should this process be gone before it can ask for that.
        client.set_client_setting("cancel_http_readonly_queries_on_client_close", "1")
    client.params["default_format"] = form  # type: ignore[attr-defined]
    return client


@dataclass(frozen=True)
class Answer:
    """``form``: the FORMAT in which it comes. Either :meth:`pieces` or :meth:`table`, and that once.

    While it is read ``DatabaseError`` is raised when the query fails in the middle, and ``Unavailable``.
    """

    form: str
    _response: Any

    def pieces(self) -> Iterator[bytes]:
        """Of some size, cut anywhere."""
        tag = self._response.headers.get("X-ClickHouse-Exception-Tag", "").encode()
        mark = b"__exception__\r\n" + tag
        held, failed = b"", False
        try:
            for piece in self._response.stream(_PIECE, decode_content=True):
                held += piece
                # Without a tag, as older servers answer, nothing tells a failure from data.
                failed = failed or (bool(tag) and mark in held)
                if not failed:
                    safe = max(0, len(held) - len(mark))
                    yield held[:safe]
                    held = held[safe:]
        except HTTPError as error:
            if not failed:
                raise _CUT_OFF from error
        if failed:
            data, _, said = held.partition(mark)
            yield data.removesuffix(b"\r\n")
            raise _failure(said)
        yield held

    def lines(self) -> Iterator[bytes]:
        """Each without its end."""
        rest = b""
        for piece in self.pieces():
            *whole, rest = (rest + piece).split(b"\n")
            yield from whole
        if rest:
            yield rest

    def table(self) -> Iterator[list[str]]:
        """Of :data:`TEXTS`: names of the columns, their types, then the rows."""
        for line in self.lines():
            yield orjson.loads(line.decode(errors="replace"))


@contextmanager
def answered(client: Client, sql: str) -> Iterator[Answer]:
    """Ask. What is still running when the block is left, in whatever way, is ended on the server.

    Raises ``ClickHouseError``.
    """
    query_id = str(uuid.uuid4())
    response: Any = None
    try:
        response = client.raw_stream(sql, settings={"query_id": query_id})
        yield Answer(response.headers.get("X-ClickHouse-Format", ""), response)
    finally:
        if response is None or not response.closed:
            _end(client, query_id)
        if response is not None:
            response.close()


def own_page(client: Client) -> str | None:
    """The address of ClickHouse's own page for queries, /play; None where the server does not show it."""
    address = f"{client.url}/play"  # type: ignore[attr-defined]
    try:
        answer = client.http.request("GET", address, timeout=2, retries=False)  # type: ignore[attr-defined]
    except HTTPError:
        return None
    return address if answer.status == 200 and b"<html" in answer.data[:200] else None


def _end(client: Client, query_id: str) -> None:
    # It may have ended meanwhile, or have failed before it began; a user without the right has the setting.
    with suppress(ClickHouseError, HTTPError):
        client.raw_query(f"KILL QUERY WHERE query_id = '{query_id}' ASYNC")


def _failure(said: bytes) -> DatabaseError:
    found = _FAILURE.search(said)
    error = DatabaseError((found[1] if found else said).decode(errors="replace"))
    error.code = int(found[2]) if found else None
    return error
