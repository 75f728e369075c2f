"""A web site and the API that its script calls: one server, under every name."""

import asyncio
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from processors.gateway.script.routes import SCRIPT

CLICK: Final = "kVrpHmuNu8Q9VpBG"
"""The click id that the API gives out unless it is told otherwise."""
JS: Final = "text/javascript; charset=utf-8"
_HTML: Final = "text/html; charset=utf-8"


@dataclass(frozen=True)
class Called:
    """What the script sent. ``path``: as it was asked for, on which ``host``."""

    host: str
    path: str
    key: str | None
    body: dict[str, Any]


Answering = Callable[[Called], tuple[int, Any]]


@dataclass
class Site:
    """``pages``: HTML by path. ``files``: what other paths hold. ``answers``: how the API answers a path;
    by default with a click id. ``calls``: what it was asked, in order; ``gets``: which files, likewise."""

    pages: dict[str, str] = field(default_factory=dict)
    files: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    answers: dict[str, Answering] = field(default_factory=dict)
    calls: list[Called] = field(default_factory=list)
    gets: list[str] = field(default_factory=list)

    def __enter__(self) -> "Site":
        self.files["/script.js"] = (JS, SCRIPT.read_bytes())
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def url(self, path: str = "/", host: str = "www.acme.test") -> str:
        return f"http://{host}:{self._server.server_port}{path}"

    def serve(self, file: Path, path: str) -> None:
        """A module or script from the disk."""
        self.files[path] = (JS, file.read_bytes())

    def tag(self, *, src: str = "", body: str = "", **options: Any) -> str:
        """A page at ``/`` with the script's tag as installation guides have it; returns its address.

        ``options``: of the tag, in Python's spelling; what is no text becomes JSON.
        """
        texts = {name: one if isinstance(one, str) else json.dumps(one) for name, one in options.items()}
        given = "".join(f" data-{name.replace('_', '-')}='{text}'" for name, text in texts.items())
        src = src or self.url("/script.js", "api.acme.test")
        self.pages["/"] = f"<head><script src='{src}' defer{given}></script></head><body>{body}</body>"
        return self.url()

    def called(self, path: str) -> list[Called]:
        return [one for one in self.calls if one.path == path]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Until what a browser does without being asked has arrived here."""
        async with asyncio.timeout(10):
            while not condition():  # noqa: ASYNC110 - the server is in a thread
                await asyncio.sleep(0.01)


def _handler_of(site: Site) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            site.gets.append(path)
            if path in site.pages:
                self._send(200, _HTML, b"<!doctype html>" + site.pages[path].encode())
            elif path in site.files:
                self._send(200, *site.files[path])
            else:
                self._send(404, _HTML, b"")

        def do_OPTIONS(self) -> None:
            self._send(204, _HTML, b"")

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            host = (self.headers["Host"] or "").rpartition(":")[0]
            key = (self.headers["Authorization"] or "").removeprefix("Bearer ") or None
            called = Called(host, self.path, key, body)
            site.calls.append(called)
            answering = site.answers.get(self.path)
            status, answer = answering(called) if answering else (200, {"clickId": CLICK})
            self._send(status, "application/json", json.dumps(answer).encode())

        def _send(self, status: int, kind: str, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Access-Control-Allow-Origin", "*")
            self.send_header("Access-Control-Allow-Methods", "POST, OPTIONS")
            self.send_header("Access-Control-Allow-Headers", "Content-Type, Authorization")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Nothing to standard error."""

    return Handler
