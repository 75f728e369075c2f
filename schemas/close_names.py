"""Names that are no field, and which field was meant by them.

Readers ignore fields that they do not know, so a misspelt one is lost without a word: a lead event whose
``click_id`` is ignored goes to another click. What the fields are called is the types' to say.
"""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeVar, cast
from urllib.parse import quote

from msgspec import DecodeError, Raw, Struct, defstruct
from msgspec.json import Decoder
from msgspec.structs import fields

S = TypeVar("S", bound=Struct)

_ALSO_CALLED: Final = {
    "clickId": ("dubId", "dubClickId"),
    "customerExternalId": ("userId", "externalUserId", "externalCustomerId"),
    "timestamp": ("time", "ts", "eventTime", "occurredAt", "timestampMs"),
    "eventName": ("event",),
    "eventQuantity": ("quantity",),
    "currency": ("currencyCode",),
    "invoiceId": ("invoiceNumber",),
    "amount": ("saleAmount",),
    "workspaceId": ("workspace",),
}
"""What others call it, in letters too different to be taken for it."""
_ONE_OF: Final = ({"customerExternalId", "externalId", "customerId"},)
"""Where one of these is said, none of the others is missing."""
_ALIKE: Final = 0.83
"""Share of letters in common, in order: one letter wrong, missing, doubled or swapped in a name of six."""
_FEWEST: Final = 6
"""Letters of a field. Any short word is close to another: ``model`` to ``mode``, ``zip`` to ``ip``."""
_OTHER_WORDS: Final = frozenset({"content", "counter", "county", "linked", "religion"})
"""Alike, and no mistake."""
_LONGEST: Final = 64
_MOST: Final = 32
"""Unknown names that are looked at in one document: whoever sends more has none of ours in mind."""
_REMEMBERED: Final = 1_000


class CloseName(NamedTuple):
    """``name``: as it was sent, 64 characters at most, any of them. ``field``: the one that was meant.

    ``str()`` is ASCII on one line and without commas, whatever the name: it goes into headers and logs.
    """

    name: str
    field: str

    def __str__(self) -> str:
        return f"{quote(self.name)} is no field; did you mean {self.field}?"


Others = Mapping[str, Raw]
"""All members of an object that has some which are no field."""


class CloseNames:
    """Of one type: the names that are close to those of its fields. May be used by any thread.

    ``beside``: names that are right as well, though no field of the type.
    """

    def __init__(self, kind: type[Struct], beside: Iterable[str] = ()) -> None:
        self._fields = tuple(one.encode_name for one in fields(kind))
        self._known = frozenset((*self._fields, *beside))
        self._spelled = {_letters(name): name for name in self._fields}
        self._long = [letters for letters in self._spelled if len(letters) >= _FEWEST]
        self._also = {_letters(alias): name for name in self._fields for alias in _ALSO_CALLED.get(name, ())}
        self._instead = {
            name: tuple(next((group for group in _ONE_OF if name in group), {name})) for name in self._fields
        }
        self.meant = lru_cache(_REMEMBERED)(self._meant)
        """The field that a name is close to, None: none. The same name is asked for again and again."""

    def __call__(self, document: bytes) -> Sequence[CloseName]:
        """Those of an object whose field is not there, so that it is missing. Of what is no object, none."""
        return self.among(self.others(document))

    def others(self, document: bytes) -> Others | None:
        """Whatever is no field; None: nothing."""
        try:
            members = _members(document)
        except _UNREADABLE:
            return None
        return None if members.keys() <= self._known else members

    def among(self, members: Others | None) -> Sequence[CloseName]:
        """Those of an object that has :meth:`others`."""
        if members is None:
            return ()
        unknown = [name for name in members if name not in self._known][:_MOST]
        meant = [CloseName(name, field) for name in unknown if (field := self.meant(name)) is not None]
        return tuple(
            name for name in meant if not any(_says(members.get(one)) for one in self._instead[name.field])
        )

    def _meant(self, name: str) -> str | None:
        if len(name) > _LONGEST:
            return None
        letters = _letters(name)
        field = self._spelled.get(letters) or self._also.get(letters)
        if field is None and letters not in _OTHER_WORDS:
            for alike in get_close_matches(letters, self._long, 1, _ALIKE):
                # What goes on is about something else: ``deviceId``.
                return self._spelled[alike] if len(letters) <= len(alike) + 1 else None
        return field


def knowing_all(kind: type[S], *beside: str) -> type[S]:
    """The same type, whose decoder refuses what is no field of it, nor called as one of ``beside``.

    So what has none costs nothing to find out. Fields of fields may be anything, as before.
    """
    more: list[Any] = [(name, Any, None) for name in beside]
    config = kind.__struct_config__
    strict = defstruct(
        kind.__name__,
        more,
        bases=(kind,),
        namespace={"__doc__": kind.__doc__},
        frozen=config.frozen,
        kw_only=True,
        gc=config.gc,
        forbid_unknown_fields=True,
    )
    return cast("type[S]", strict)


_members: Final = Decoder(dict[str, Raw]).decode
_text: Final = Decoder(str).decode
_UNREADABLE: Final = (DecodeError, UnicodeDecodeError, RecursionError)


def _letters(name: str) -> str:
    """Without what conventions of writing names differ in."""
    return "".join(filter(str.isalnum, name)).casefold()


def _says(value: Raw | None) -> bool:
    """Anything: neither absent nor null nor blank."""
    if value is None:
        return False
    text = bytes(value)
    if not text.startswith(b'"'):
        return text != b"null"
    try:
        return bool(_text(text).strip())
    except _UNREADABLE:
        return True
