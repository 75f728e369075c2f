"""Templates → answers."""

import gzip
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from starlette.requests import Request

from processors.gateway.answers import Answer
from processors.gateway.asking import PAGE_S, WHOLE_PAGE_S
from processors.gateway.dashboard import words
from processors.gateway.dashboard.assets import ROOT, Asset

if TYPE_CHECKING:
    from jinja2 import Environment

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    # Forms name the page that they are on to their own host, and nobody else is told of it.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_COMPRESSION: Final = 5
_TEMPLATES: Final = Path(__file__).with_name("templates")


class Pages:
    """``base``: in front of every path of ours, "" or without a slash at its end."""

    def __init__(self, assets: Mapping[str, Asset], base: str) -> None:
        self._globals = {
            "base": base,
            "root": base + ROOT,
            "patience": f"{PAGE_S} s",
            "whole_patience": f"{WHOLE_PAGE_S} s",
            "asset": {name: f"{base}{ROOT}/{one.name}" for name, one in assets.items()},
        }

    @cached_property
    def _environment(self) -> "Environment":
        # Of no use before the first page, and long to load.
        from jinja2 import Environment, FileSystemLoader, StrictUndefined

        environment = Environment(
            loader=FileSystemLoader(_TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        environment.filters |= words.FILTERS
        environment.globals |= self._globals
        return environment

    def answer(
        self,
        request: Request,
        template: str,
        told: Mapping[str, Any],
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """A page. ``told``: what the template says; it asks for nothing else."""
        content = self.rendered(template, told).encode()
        given = {**HEADERS, "Vary": "Accept-Encoding, Cookie", **(headers or {})}
        if "gzip" in request.headers.get("accept-encoding", ""):
            given["Content-Encoding"] = "gzip"
            content = gzip.compress(content, compresslevel=_COMPRESSION, mtime=0)
        return Answer(content, status, given)

    def rendered(self, template: str, told: Mapping[str, Any]) -> str:
        """A part of one, likewise."""
        return self._environment.get_template(template).render(told)
