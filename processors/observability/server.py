"""``/metrics``, ``/healthz`` and ``/readyz`` of a process, on a port of its own.

Threads of their own answer, with whatever is so at that moment: they wait for nothing, and nothing waits for
them.
"""

import logging
import sys
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from threading import Thread

from processors.errors import Misconfigured
from processors.observability.exposition import Collector, Reading
from processors.observability.health import Health
from processors.observability.metrics import Metric
from processors.stacks import stacks

log = logging.getLogger(__name__)

_TEXT = "text/plain; charset=utf-8"
_CLIENT_S = 10.0


class PortInUse(Misconfigured):
    """``LEADSTREAM_METRICS_PORT`` of ``LEADSTREAM_METRICS_HOST`` cannot be listened on."""


class _Server(ThreadingTCPServer):
    """Not ``HTTPServer``: that asks for the name of this machine, and a resolver that is away holds it up."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], collector: Collector, health: Health) -> None:
        # Not before it is wanted: it takes a tenth of the time of a start.
        from prometheus_client import CollectorRegistry

        super().__init__(address, _Handler)
        self.registry = CollectorRegistry()
        self.registry.register(collector)
        self.health = health
        self._told = False

    def tell(self, sick: str | None) -> None:
        """Whoever restarts us will not say where we hung. Once, until we are well again."""
        told, self._told = self._told, sick is not None
        if sick and not told:
            log.critical(sick, extra={"stack": stacks()})

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002
        """Instead of the address and a stack trace on stderr, past the log."""
        if not isinstance(sys.exception(), OSError):  # that is who asked and did not wait
            log.exception("a request was not answered")


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = _CLIENT_S

    def do_GET(self) -> None:
        """One of the three pages."""
        path = self.path.partition("?")[0]
        if path == "/metrics":
            self._metrics()
        elif path == "/healthz":
            sick = self.server.health.sick()
            self._say(sick)
            self.server.tell(sick)
        elif path == "/readyz":
            self._say(self.server.health.unready())
        else:
            self._answer(404, _TEXT, b"there are /metrics, /healthz and /readyz\n")

    def _metrics(self) -> None:
        from prometheus_client.exposition import choose_encoder

        encode, content_type = choose_encoder(self.headers.get("Accept", ""))
        self._answer(200, content_type, encode(self.server.registry))

    def _say(self, trouble: str | None) -> None:
        self._answer(503 if trouble else 200, _TEXT, f"{trouble or 'ok'}\n".encode())

    def _answer(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def version_string(self) -> str:
        """Nobody's business."""
        return "leadstream"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the base class
        """Whoever asks every few seconds is not worth a line."""


def serve(
    host: str, port: int, metrics: Iterable[Metric], read: Callable[[], Reading], health: Health
) -> int:
    """Answer at ``port`` of an IPv4 address until the process ends; 0: do not. The port, or 0.

    ``read`` and ``health`` are asked in other threads than this one. Raises :class:`PortInUse`.
    """
    if not port:
        return 0
    try:
        server = _Server((host, port), Collector(metrics, read), health)
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise PortInUse(
            f"cannot serve metrics at {host}:{port}: {why}. Choose another LEADSTREAM_METRICS_PORT; each"
            " process needs one of its own, at a LEADSTREAM_METRICS_HOST of this machine."
        ) from error
    Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return int(server.server_address[1])
