"""What the SDKs send, to the letter: none of its names is taken for a misspelt one."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Final

import pytest

from processors.gateway.links.bodies import LinkUpdate, NewLink, NewLinks
from processors.gateway.misspelt import looking
from processors.gateway.track.bodies import LeadBody, SaleBody
from tests.clients.sdk import RELEASES, Failed, Sdk

pytestmark = pytest.mark.integration

_REFUSAL: Final = b'{"error":{"code":"not_found","message":"-","doc_url":"-"}}'
PERSON: Final = {
    "customerExternalId": "u1",
    "customerName": "Ann",
    "customerEmail": "ann@example.com",
    "customerAvatar": "https://example.com/ann.png",
    "clickId": "c1",
    "metadata": {"click_id": "x"},
}
LINK: Final = {
    "url": "https://example.com/",
    "domain": "go.example.com",
    "key": "spring",
    "keyLength": 7,
    "externalId": "e1",
    "tenantId": "t1",
    "programId": "p1",
    "partnerId": "pn_1",
    "prefix": "a",
    "trackConversion": True,
    "archived": False,
    "publicStats": False,
    "tagIds": [],
    "tagNames": [],
    "folderId": "",
    "comments": "c",
    "expiresAt": "2100-01-01",
    "expiredUrl": "https://example.com/gone",
    "password": "",
    "proxy": False,
    "title": "t",
    "description": "d",
    "image": "https://example.com/i.png",
    "video": "",
    "rewrite": False,
    "ios": "https://example.com/ios",
    "android": "https://example.com/android",
    "geo": {"DE": "https://example.com/de"},
    "doIndex": False,
    "utm_source": "s",
    "utm_medium": "m",
    "utm_campaign": "c",
    "utm_term": "t",
    "utm_content": "c",
    "ref": "r",
    "webhookIds": [],
}
CALLS: Final[list[tuple[str, list[Any], Any]]] = [
    ("track.lead", [{"eventName": "Sign Up", "eventQuantity": 2, "mode": "deferred", **PERSON}], LeadBody),
    (
        "track.sale",
        [
            {
                "amount": 4900,
                "currency": "eur",
                "eventName": "Purchase",
                "paymentProcessor": "stripe",
                "invoiceId": "in_1",
                "leadEventName": "Sign Up",
                **PERSON,
            }
        ],
        SaleBody,
    ),
    ("links.create", [LINK], NewLink),
    ("links.upsert", [LINK], NewLink),
    ("links.createMany", [[LINK, LINK]], NewLinks),
    ("links.update", ["link_1", {**LINK, "expiresAt": None}], LinkUpdate),
]


@contextmanager
def listening() -> Iterator[tuple[str, list[bytes]]]:
    """Its address, and the bodies that were sent there; it knows nothing of what it is asked."""
    bodies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(404)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(_REFUSAL)))
            self.end_headers()
            self.wfile.write(_REFUSAL)

        do_POST = do_PUT = do_PATCH = _answer  # noqa: N815 - as http.server asks

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as http.server asks
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", bodies
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("release", RELEASES)
def test_what_sdks_send(release: str, sdks: dict[str, Sdk]) -> None:
    sdk = sdks[release]
    with listening() as (sdk.base_url, bodies):
        for call, arguments, _ in CALLS:
            with suppress(Failed):
                sdk.once(call, *arguments, token="a")  # noqa: S106 - of nobody
    assert len(bodies) == len(CALLS)
    for body, (call, _, kind) in zip(bodies, CALLS, strict=True):
        assert len(body) > 100, call
        assert looking(kind)(body) == (), call
