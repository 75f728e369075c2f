"""Parts of URLs, as the functions of ClickHouse see them that filters name: to the letter, malformed ones
among them."""

import re
from typing import Final
from urllib.parse import unquote_plus

_begin: Final = re.compile(r"[?#]").search


def parameter(url: str, name: str) -> str:
    """``decodeURLFormComponent(extractURLParameter(url, name))``. What is no UTF-8 becomes
    surrogates, which are in no value that somebody asks for."""
    begin = _begin(url)
    if begin is None:
        return ""
    found = re.compile(rf"[?#&]{re.escape(name)}=([^&#]*)").search(url, begin.start())
    return unquote_plus(found[1], errors="surrogateescape") if found else ""


def without_query(url: str) -> str:
    """``cutQueryStringAndFragment(url)``: a question mark counts before a hash, wherever it stands."""
    return url.partition("?" if "?" in url else "#")[0]
