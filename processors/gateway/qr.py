"""The picture that every link names in ``qrCode``. What it shows is never fetched."""

import asyncio
import io
from functools import lru_cache
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from processors.gateway.answers import Answer, ApiError, Code
from processors.gateway.links.addresses import page
from processors.gateway.routing import Call, Opens, Route
from processors.gateway.urls import in_header

_MOST_CHARACTERS: Final = 1_000
"""Drawing takes longer the more it holds: of as many, 50 ms."""
_MOST_KEPT: Final = 256
_HEADERS: Final = {
    "Content-Type": "image/png",
    "Cache-Control": "public, max-age=86400",
    "Access-Control-Allow-Origin": "*",
}

Color = Annotated[str, Meta(pattern="^#?(?:[0-9A-Fa-f]{3}|[0-9A-Fa-f]{6})$")]


class QrQuery(Struct, frozen=True, kw_only=True, rename="camel"):
    """``size``: pixels of a side, at most: each square of the code has as many as any other. ``margin``: in
    squares. ``level``: how much of it may be damaged.
    """

    url: Annotated[str, Meta(min_length=1, max_length=_MOST_CHARACTERS)]
    size: Annotated[int, Meta(ge=32, le=2_000)] = 600
    level: Literal["L", "M", "Q", "H"] = "L"
    fg_color: Color = "#000000"
    bg_color: Color = "#FFFFFF"
    margin: Annotated[int, Meta(ge=0, le=20)] = 2
    include_margin: bool = True


async def draw(call: Call) -> Answer:
    """In a thread: it is long for whoever else waits."""
    query: QrQuery = call.query
    url = in_header(page(query.url, "url"))
    return Answer(await asyncio.to_thread(_drawn, url, query), headers=_HEADERS)


def qr_routes() -> list[Route]:
    """One, and open to everybody who does not ask too often: pages show the picture."""
    return [
        Route(
            method="GET",
            path="/qr",
            opens=Opens.ANYBODY,
            handle=draw,
            query=QrQuery,
            answer=bytes,
            errors=(Code.UNPROCESSABLE_ENTITY,),
            summary="A QR code, as PNG",
            tag="Links",
            limited=True,
            media_type="image/png",
        )
    ]


@lru_cache(maxsize=_MOST_KEPT)
def _drawn(url: str, query: QrQuery) -> bytes:
    # Here, and not above: nobody who starts has to wait for it.
    import segno

    try:
        code = segno.make(url, error=query.level, micro=False, boost_error=False)
    except segno.DataOverflowError:
        raise ApiError(
            Code.UNPROCESSABLE_ENTITY, f"too_big: url: more than a QR code of level {query.level} holds"
        ) from None
    border = query.margin if query.include_margin else 0
    squares, _ = code.symbol_size(border=border)
    picture = io.BytesIO()
    code.save(
        picture,
        kind="png",
        scale=max(1, query.size // squares),
        border=border,
        dark=_color(query.fg_color),
        light=_color(query.bg_color),
    )
    return picture.getvalue()


def _color(text: str) -> str:
    return f"#{text.removeprefix('#')}"
