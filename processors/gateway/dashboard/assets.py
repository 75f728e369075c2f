"""What pages load: style, scripts, font. Under names that change with what is in them, so that browsers keep
them for ever and never have the one of another release."""

import gzip
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from processors.gateway.answers import Answer
from processors.gateway.dashboard.vendored import HERE as VENDORED
from processors.gateway.routing import Call, Opens, Route

STATIC: Final = Path(__file__).with_name("static")
ROOT: Final = "/dashboard"
STYLES: Final = (
    "tokens.css",
    "page.css",
    "controls.css",
    "cards.css",
    "tables.css",
    "chart.css",
    "views.css",
    "narrow.css",
)
"""In the order in which they count, behind the chart's own."""
SCRIPT: Final = STATIC / "dashboard.js"
_FOREVER: Final = "public, max-age=31536000, immutable"
_TEXT: Final = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8"}
_BETWEEN: Final = re.compile(r"/\*.*?\*/|\s*\n\s*", re.DOTALL)
_INDENTED: Final = re.compile(r"^(\s*//.*\n|\s+)", re.MULTILINE)
_SPACED: Final = re.compile(r"""("(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`)| *([{}()\[\],;:=<>?&|*+/%!-]) *\n?""")
"""Of a script whose statements all end with a semicolon: texts stay as they are."""


@dataclass(frozen=True)
class Asset:
    """``name``: as it is asked for below ``ROOT``. ``zipped``: the same, compressed; None: it is already."""

    name: str
    media_type: str
    plain: bytes
    zipped: bytes | None

    @classmethod
    def of(cls, stem: str, kind: str, content: bytes) -> "Asset":
        """``kind``: the end of its name."""
        name = f"{stem}-{sha256(content).hexdigest()[:12]}.{kind}"
        if kind not in _TEXT:
            return cls(name, f"font/{kind}", content, None)
        return cls(name, _TEXT[kind], content, gzip.compress(content, compresslevel=9, mtime=0))


def read_assets() -> dict[str, Asset]:
    """By what templates call them."""
    font = Asset.of("inter", "woff2", (VENDORED / "inter.woff2").read_bytes())
    style = "".join([(VENDORED / "uplot.css").read_text(), *((STATIC / one).read_text() for one in STYLES)])
    # The font's address is beside that of the style.
    written = _BETWEEN.sub("", style).replace("inter.woff2", font.name)
    return {
        "font": font,
        "style": Asset.of("style", "css", written.encode()),
        "script": Asset.of("dashboard", "js", _compact(SCRIPT.read_text()).encode()),
        "chart": Asset.of("uplot", "js", (VENDORED / "uplot.js").read_bytes()),
    }


def _compact(script: str) -> str:
    close = _SPACED.sub(lambda found: found[1] or found[2], _INDENTED.sub("", script))
    return close.replace(";}", "}")


def asset_routes(assets: Mapping[str, Asset]) -> Iterator[Route]:
    """One for each; anybody may have them."""
    for asset in assets.values():
        yield _route(asset)


def _route(asset: Asset) -> Route:
    headers = {
        "Content-Type": asset.media_type,
        "Cache-Control": _FOREVER,
        "X-Content-Type-Options": "nosniff",
        "Vary": "Accept-Encoding",
    }

    async def serve(call: Call) -> Answer:
        if asset.zipped and "gzip" in call.request.headers.get("accept-encoding", ""):
            return Answer(asset.zipped, headers={**headers, "Content-Encoding": "gzip"})
        return Answer(asset.plain, headers=headers)

    return Route(
        method="GET",
        path=f"{ROOT}/{asset.name}",
        opens=Opens.ANYBODY,
        handle=serve,
        answer=bytes,
        media_type=asset.media_type,
        summary="",
    )
