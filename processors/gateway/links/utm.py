"""The parameters of a destination that tell analytics where a visitor came from.

They stand in the link's ``url`` and nowhere else: the fields of a link are read and written there.
"""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote_plus, unquote_plus

from processors.gateway.urls import name_of, pieces_of

UTM: Final = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")
"""The fields of a link."""
WRITTEN: Final = (*UTM, "ref")
"""What may be given beside a ``url``; ``ref`` is no field of a link."""

_has_no_path: Final = re.compile(r"[a-zA-Z]+://[^/]*").fullmatch


def utm_of(url: str) -> dict[str, str | None]:
    """Each of ``UTM`` as ``url`` has it; None: not, or empty. Of several the first counts."""
    found: dict[str, str] = {}
    for piece in pieces_of(url).query:
        found.setdefault(name_of(piece), _value_of(piece))
    return {name: found.get(name) or None for name in UTM}


def with_parameters(url: str, wanted: Mapping[str, str | None]) -> str:
    """``url`` whose query has the parameters that are ``wanted``, each once; None or "": it has it not.

    One that is there already stays where it is; the others are added at the end. Nothing else of ``url`` is
    touched, nor what says the same already.
    """
    apart = pieces_of(url)
    left = {name: value or None for name, value in wanted.items()}
    kept = []
    for piece in apart.query:
        name = name_of(piece)
        if name not in wanted:
            kept.append(piece)
        elif (new := left.pop(name, None)) is not None:
            kept.append(piece if _value_of(piece) == new else _parameter(name, new))
    kept += [_parameter(name, value) for name, value in left.items() if value is not None]
    if kept == apart.query:
        return url
    if kept and _has_no_path(apart.before):
        apart = apart._replace(before=f"{apart.before}/")
    return apart.with_query(kept)


def carried_over(url: str, old: str) -> str:
    """``url`` with the UTM parameters that ``old`` has and ``url`` does not name itself."""
    named = set(map(name_of, pieces_of(url).query))
    return with_parameters(
        url, {name: value for name, value in utm_of(old).items() if value and name not in named}
    )


def _value_of(piece: str) -> str:
    return unquote_plus(piece.partition("=")[2])


def _parameter(name: str, value: str) -> str:
    return f"{quote_plus(name)}={quote_plus(value)}"
