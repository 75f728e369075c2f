"""What the gateway says of itself: ``/openapi.json`` for tools, ``/docs`` for people."""

from collections.abc import Sequence
from typing import Any, Final

from msgspec.json import encode

from processors.gateway.answers import Answer
from processors.gateway.openapi import document
from processors.gateway.reference import page
from processors.gateway.routing import Call, Opens, Route

_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
"""Of ``/docs``: nothing of it comes from anywhere else."""


def documented(routes: Sequence[Route], public_url: str) -> list[Route]:
    """These routes, and two that describe all of them."""
    described: dict[str, Answer] = {}

    def route(path: str, answer: Any, media_type: str, summary: str) -> Route:
        async def tell(call: Call) -> Answer:  # noqa: ARG001
            return described[path]

        return Route(
            method="GET",
            path=path,
            opens=Opens.ANYBODY,
            handle=tell,
            answer=answer,
            media_type=media_type,
            summary=summary,
            tag="Documentation",
        )

    everything = [
        *routes,
        route("/openapi.json", dict[str, Any], "application/json", "This API, for tools"),
        route("/docs", bytes, "text/html", "This API, for people"),
    ]
    told = document(everything, public_url)
    described["/openapi.json"] = Answer(encode(told), headers={"Content-Type": "application/json"})
    described["/docs"] = Answer(
        page(everything, told).encode(),
        headers={"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": _POLICY},
    )
    return everything
