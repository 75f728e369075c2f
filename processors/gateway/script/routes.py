"""The script over HTTP: one file under every name that installation guides know."""

import gzip
from collections.abc import Iterator
from hashlib import blake2b
from itertools import product
from pathlib import Path
from typing import Final

from processors.gateway.answers import Answer
from processors.gateway.routing import Call, Opens, Route

SCRIPT: Final = Path(__file__).with_name("script.js")
PARTS: Final = ("site-visit", "outbound-domains", "conversion-tracking")
"""In the order in which names have them; all are in the one file."""
MAX_AGE_S: Final = 3600
"""How long a page may run the script of the release before."""


def paths() -> Iterator[str]:
    """Without ``/api``; the one to choose first."""
    for directory, *chosen in product(("", "/analytics"), *((False, True) for _ in PARTS)):
        name = ".".join(["script", *(part for part, wanted in zip(PARTS, chosen, strict=True) if wanted)])
        yield f"{directory}/{name}.js"


def script_routes() -> list[Route]:
    """Reads the file, and compresses it, once."""
    plain = SCRIPT.read_bytes()
    zipped = gzip.compress(plain, compresslevel=9, mtime=0)
    tag = f'W/"{blake2b(plain, digest_size=12).hexdigest()}"'
    headers = {
        "Content-Type": "text/javascript; charset=utf-8",
        "Cache-Control": f"public, max-age={MAX_AGE_S}, stale-while-revalidate={24 * MAX_AGE_S}",
        "ETag": tag,
        "Vary": "Accept-Encoding",
        "Access-Control-Allow-Origin": "*",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }

    async def serve(call: Call) -> Answer:
        asked = call.request.headers
        if tag in asked.get("if-none-match", ""):
            return Answer(b"", 304, headers)
        if "gzip" in asked.get("accept-encoding", ""):
            return Answer(zipped, headers={**headers, "Content-Encoding": "gzip"})
        return Answer(plain, headers=headers)

    path, *older_names = paths()
    return [
        Route(
            method="GET",
            path=path,
            opens=Opens.ANYBODY,
            handle=serve,
            answer=bytes,
            summary="The script that pages load",
            tag="Script",
            media_type="text/javascript",
            older_names=older_names,
        )
    ]
