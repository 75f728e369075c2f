"""Events judged for their sender: where each belongs, and what it may not have meant to say."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Generic, NamedTuple, NoReturn, TypeVar

from msgspec import Struct
from msgspec.json import Decoder

from schemas.close_names import CloseName, CloseNames, knowing_all
from schemas.decoding import MAX_RECORD_BYTES, EventDecoder, decoded
from schemas.events import Event
from schemas.reward_events import SENT_TYPES
from schemas.routing import Place, SentEvent, decoded_as, kind_of, place

E = TypeVar("E", bound=Event)


class Judged(NamedTuple):
    """``close``: names that are no field, of which each may be a misspelt one."""

    place: Place
    close: Sequence[CloseName]


class _More(Exception):
    """It is not what a strict decoder knows; another has to say what it is."""


class _Strict(EventDecoder[E], Generic[E]):
    """Takes events all of whose names are fields."""

    def __init__(self, kind: type[E]) -> None:
        super().__init__(knowing_all(kind, _TYPE))

    def _read_again(self, value: bytes, error: Exception) -> NoReturn:  # noqa: ARG002 - the next will see
        raise _More


_TYPE: Final = "type"
_STRICT: Final[Mapping[str, _Strict[Any]]] = {name: _Strict(kind) for name, kind in SENT_TYPES.items()}
_CLOSE: Final = {name: CloseNames(kind, (_TYPE,)) for name, kind in SENT_TYPES.items()}


class Judge:
    """Of one sender's events. ``untyped``: the type of those that say none."""

    def __init__(self, untyped: str | None = None) -> None:
        self._untyped = untyped
        # A strict decoder is free where it suffices, and the dearest way where it does not. Senders are what
        # they were a moment ago.
        self._others = dict.fromkeys(SENT_TYPES, False)

    def __call__(self, value: bytes, now_ms: int) -> Judged:
        """Raises ``Refused`` for what a worker would refuse."""
        kind = kind_of(value) if self._untyped is None else _said(value) or self._untyped
        close: Sequence[CloseName] = ()
        if self._others[kind]:
            event, close = self._with_others(kind, value, now_ms)
        else:
            try:
                event = _STRICT[kind](value, -1, now_ms)[0]
            except _More:
                event, close = self._with_others(kind, value, now_ms)
        return Judged(place(event), close)

    def _with_others(self, kind: str, value: bytes, now_ms: int) -> tuple[SentEvent, Sequence[CloseName]]:
        event = decoded_as(kind, value, now_ms)
        others = _CLOSE[kind].others(value)
        self._others[kind] = others is not None
        return event, _CLOSE[kind].among(others)


class _MayBeTyped(Struct, gc=False):
    type: str | None = None


_type_of: Final = Decoder(_MayBeTyped).decode


def _said(value: bytes) -> str | None:
    """None: an event of this kind is what its sender says it is, or does not. Raises ``Refused``."""
    if len(value) > MAX_RECORD_BYTES:
        return kind_of(value)
    return kind_of(value) if decoded(_type_of, value).type is not None else None
