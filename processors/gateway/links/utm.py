"""The parameters of a destination that tell analytics where a visitor came from.

They stand in the link's ``url`` and nowhere else: the fields of a link are read and written there.
"""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote_plus, unquote_plus

UTM: Final = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")
"""The fields of a link."""
WRITTEN: Final = (*UTM, "ref")
"""What may be given beside a ``url``; ``ref`` is no field of a link."""

_parts: Final = re.compile(r"([^?#]*)(?:\?([^#]*))?(#.*)?", re.DOTALL).fullmatch
_has_no_path: Final = re.compile(r"[a-zA-Z]+://[^/]*").fullmatch


def utm_of(url: str) -> dict[str, str | None]:
    """Each of ``UTM`` as ``url`` has it; None: not, or empty. Of several the first counts."""
    found: dict[str, str] = {}
    for piece in _split(url)[1]:
        name, _, value = piece.partition("=")
        found.setdefault(unquote_plus(name), unquote_plus(value))
    return {name: found.get(name) or None for name in UTM}


def with_parameters(url: str, wanted: Mapping[str, str | None]) -> str:
    """``url`` whose query has the parameters that are ``wanted``, each once; None or "": it has it not.

    One that is there already stays where it is; the others are added at the end. Nothing else of ``url`` is
    touched, nor what says the same already.
    """
    before, pieces, after = _split(url)
    left = {name: value or None for name, value in wanted.items()}
    kept = []
    for piece in pieces:
        name, _, value = piece.partition("=")
        known = unquote_plus(name)
        if known not in wanted:
            kept.append(piece)
        elif (new := left.pop(known, None)) is not None:
            kept.append(piece if unquote_plus(value) == new else f"{name}={quote_plus(new)}")
    kept += [f"{quote_plus(name)}={quote_plus(value)}" for name, value in left.items() if value is not None]
    if kept == pieces:
        return url
    if not kept:
        return before + after
    slash = "/" if _has_no_path(before) else ""
    return f"{before}{slash}?{'&'.join(kept)}{after}"


def carried_over(url: str, old: str) -> str:
    """``url`` with the UTM parameters that ``old`` has and ``url`` does not name itself."""
    named = {unquote_plus(piece.partition("=")[0]) for piece in _split(url)[1]}
    return with_parameters(
        url, {name: value for name, value in utm_of(old).items() if value and name not in named}
    )


def _split(url: str) -> tuple[str, list[str], str]:
    """What stands before the query, the pieces of the query, the fragment with its ``#``."""
    found = _parts(url)
    assert found is not None  # noqa: S101 - narrows: it matches every text
    before, query, after = found.groups()
    return before, (query.split("&") if query else []), after or ""
