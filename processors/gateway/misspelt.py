"""Names in bodies that are no field and close to one: callers are told by a header, operators by a log line.

Bodies of answers are what strict clients expect, to the letter, so nothing can be said there.
"""

import logging
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Annotated, Any, Final, get_args, get_origin

from msgspec import DecodeError, Raw, Struct
from msgspec.json import Decoder
from msgspec.structs import fields

from processors.gateway.stats import Stats
from schemas.close_names import CloseName, CloseNames

log = logging.getLogger(__name__)

HEADER: Final = b"x-leadstream-warning"
_MOST: Final = 5
"""Of one body."""
_ELEMENTS: Final = 100
"""Of one list, from its begin."""
_EVERY_S: Final = 60.0
_REMEMBERED: Final = 1_000
_UNREADABLE: Final = (DecodeError, UnicodeDecodeError, RecursionError)

Look = Callable[[bytes], Sequence[CloseName]]


def looking(kind: Any) -> Look:
    """At bodies of this type, before they are decoded. Of what is no JSON nothing is said."""
    if get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    if isinstance(kind, type) and issubclass(kind, Struct):
        return _of_object(kind)
    if get_origin(kind) is list:
        inner = looking(get_args(kind)[0])
        return lambda body: _of_all(body, inner)
    return lambda _: ()


_elements: Final = Decoder(list[Raw]).decode
_members: Final = Decoder(dict[str, Raw]).decode


def _of_object(kind: type[Struct]) -> Look:
    """Also in what it has of other types of ours."""
    own = CloseNames(kind)
    parts = {
        one.encode_name: looking(one.type)
        for one in fields(kind)
        if isinstance(one.type, type) and issubclass(one.type, Struct)
    }
    if not parts:
        return own

    def look(body: bytes) -> Sequence[CloseName]:
        try:
            members = _members(body)
        except _UNREADABLE:
            return ()
        within = (name for part, of in parts.items() for name in of(bytes(members.get(part, b""))))
        return tuple(dict.fromkeys((*own(body), *within)))

    return look


def _of_all(body: bytes, look: Look) -> Sequence[CloseName]:
    """Each once, in the order of the elements."""
    try:
        elements = _elements(body)
    except _UNREADABLE:
        return ()
    return tuple(dict.fromkeys(name for one in elements[:_ELEMENTS] for name in look(bytes(one))))


class Misspelt:
    """Counts and logs what was found: a line a minute for each workspace, route and field."""

    def __init__(self, stats: Stats, clock: Callable[[], float] = monotonic) -> None:
        self._stats = stats
        self._clock = clock
        self._told: dict[tuple[str, str, str], float] = {}

    def note(self, route: str, workspace_id: str, found: Sequence[CloseName]) -> None:
        """A body has some. ``workspace_id``: "" where it is not known yet."""
        for name in found[:_MOST]:
            self._stats.misspelt[route, name.field] += 1
            if self._is_due((workspace_id, route, name.field)):
                told = {"route": route, "workspace": workspace_id, "warning": str(name)}
                log.warning("a body has a name that may be a misspelt field", extra=told)

    def _is_due(self, what: tuple[str, str, str]) -> bool:
        now = self._clock()
        if now - self._told.get(what, -_EVERY_S) < _EVERY_S:
            return False
        if len(self._told) >= _REMEMBERED:
            self._told.clear()
        self._told[what] = now
        return True


def header(found: Sequence[CloseName]) -> tuple[bytes, bytes]:
    """What the caller is told: a list, as of any header. What was sent is in it percent-encoded."""
    return HEADER, ", ".join(map(str, found[:_MOST])).encode("ascii")
