"""QR codes: what they show, and what is refused."""

import io
import re
from typing import Any

import pytest
import segno
from msgspec import ValidationError

from processors.gateway.answers import Answer, ApiError
from processors.gateway.qr import qr_routes
from tests.gateway.links.world import called

_URL = "https://go.example/k?qr=1"


async def _drawn(url: str = _URL, **more: Any) -> Answer:
    asked = "&".join(f"{name}={value}" for name, value in more.items())
    answer = await called(qr_routes(), f"GET /qr?url={url}&{asked}")
    assert isinstance(answer, Answer)
    return answer


def _side(png: bytes) -> int:
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    return int.from_bytes(png[16:20], "big")


async def test_a_picture_for_pages() -> None:
    answer = await _drawn()
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert 600 - 33 < _side(answer.content) <= 600


@pytest.mark.parametrize(
    ("sent", "level", "says"),
    [
        (_URL, "L", _URL),
        (_URL, "H", _URL),
        ("https://go.example/näh", "L", "https://go.example/n%C3%A4h"),
        ("go.example/k", "M", "https://go.example/k"),
    ],
)
async def test_it_says_the_url(sent: str, level: str, says: str) -> None:
    code = segno.make(says, error=level, micro=False, boost_error=False)
    picture = io.BytesIO()
    scale = 600 // code.symbol_size(border=2)[0]
    code.save(picture, kind="png", scale=scale, border=2, dark="#000000", light="#FFFFFF")
    assert (await _drawn(sent, level=level)).content == picture.getvalue()


@pytest.mark.parametrize(("size", "side"), [(32, 29), (100, 87), (2000, 1972)])
async def test_it_is_at_most_as_large_as_asked_for(size: int, side: int) -> None:
    assert _side((await _drawn(size=size)).content) == side


async def test_without_a_margin() -> None:
    assert _side((await _drawn(size=50, includeMargin="false")).content) == 50
    assert _side((await _drawn(size=50, margin=0)).content) == 50


async def test_colors() -> None:
    plain, blue = await _drawn(), await _drawn(fgColor="0000ff", bgColor="%23eee")
    assert plain.content != blue.content


@pytest.mark.parametrize(
    "more",
    [
        {"size": 2_001},
        {"size": 0},
        {"margin": 21},
        {"level": "X"},
        {"fgColor": "red"},
        {"fgColor": "%23ffff"},
        {"url": ""},
        {"url": "https://example.com/" + "x" * 1_000},
    ],
)
async def test_bounds(more: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        await _drawn(**more)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"url": "javascript:alert(1)"}, "invalid_format: url: expected an http:// or https:// URL"),
        ({"url": "file:///etc/passwd"}, "invalid_format: url: expected an http:// or https:// URL"),
        (
            {"url": "https://example.com/" + "ä" * 300, "level": "H"},
            "too_big: url: more than a QR code of level H holds",
        ),
    ],
)
async def test_what_cannot_be_drawn(more: dict[str, Any], message: str) -> None:
    with pytest.raises(ApiError, match=re.escape(message)):
        await _drawn(**more)
