"""Method and path → route."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from processors.gateway.cors import OPTIONS
from processors.gateway.routing import Opens, Route

API: Final = "api"
_NO_NAMES: Final[Mapping[str, str]] = {}


@dataclass(frozen=True, slots=True)
class Match:
    """``routes``: of the path, by method. ``names``: what stands in its place of each ``{name}``. ``cors``:
    may pages of other hosts call it?
    """

    routes: Mapping[str, Route]
    names: Mapping[str, str]
    cors: bool

    @property
    def allowed(self) -> str:
        """As the header ``Allow`` has it."""
        methods = set(self.routes)
        methods |= {"HEAD"} if "GET" in methods else set()
        methods |= {OPTIONS} if self.cors else set()
        return ", ".join(sorted(methods))

    def route(self, method: str) -> Route | None:
        """``HEAD`` is ``GET`` without a body, which the server leaves out."""
        return self.routes.get("GET" if method == "HEAD" else method)


class Table:
    """Every route by its path, with and without ``/api`` and ``base_path`` in front.

    A slash at the end, or two in a row, change nothing. What stands for a name may contain an encoded slash.
    """

    def __init__(self, routes: Sequence[Route], base_path: str = "") -> None:
        by_path: dict[tuple[str, ...], dict[str, Route]] = {}
        for route, path in ((one, path) for one in routes for path in (one.path, *one.older_names)):
            methods = by_path.setdefault(_segments(path), {})
            if route.method in methods:
                raise ValueError(f"{route.method} {path} is there twice")
            methods[route.method] = route
        self._base = _segments(base_path)
        self._exact: dict[str, Match] = {}
        self._named: list[tuple[tuple[str, ...], Mapping[str, Route]]] = []
        for segments, methods in by_path.items():
            if any(_name(one) for one in segments):
                self._named.append((segments, methods))
            else:
                self._exact["/" + "/".join(segments)] = Match(methods, _NO_NAMES, _cors(methods))

    def find(self, raw_path: bytes) -> Match | None:
        """``raw_path``: as it came, percent-encoded, without a query."""
        text = raw_path.decode("latin-1")
        return self._exact.get(text) or self._find(_segments(text))

    def _find(self, segments: tuple[str, ...]) -> Match | None:
        for prefix in (self._base, (API,)):
            if segments[: len(prefix)] == prefix:
                segments = segments[len(prefix) :]
        if found := self._exact.get("/" + "/".join(segments)):
            return found
        for pattern, methods in self._named:
            if len(pattern) == len(segments) and all(
                _name(wanted) or wanted == given for wanted, given in zip(pattern, segments, strict=True)
            ):
                pairs = zip(pattern, segments, strict=True)
                names = {name: unquote(given) for one, given in pairs if (name := _name(one))}
                return Match(methods, names, _cors(methods))
        return None


def _cors(methods: Mapping[str, Route]) -> bool:
    return any(one.opens in (Opens.PUBLISHABLE, Opens.PAGE) for one in methods.values())


def _segments(path: str) -> tuple[str, ...]:
    return tuple(one for one in path.split("/") if one)


def _name(segment: str) -> str:
    """What a ``{name}`` is called; "" for any other segment."""
    return segment[1:-1] if segment.startswith("{") else ""
