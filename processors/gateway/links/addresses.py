"""URLs that callers send."""

import re
from typing import Final
from urllib.parse import urlsplit

from processors.gateway.answers import ApiError, Code
from schemas.texts import URL

_has_control: Final = re.compile(r"[\u0000-\u001f\u007f-\u009f\u2028\u2029\ud800-\udfff]").search
_lacks_scheme: Final = re.compile(r"(?:[\w-]+\.)+[^\W\d_][\w-]*\.?(?::\d+)?(?:[/?#].*)?", re.DOTALL).fullmatch
_is_host: Final = re.compile(r"[\w.-]+|[0-9a-f:.]*:[0-9a-f:.]*").fullmatch


def page(text: str, field: str = "") -> str:
    """An http(s) URL as it was written, without blanks around it; ``https://`` comes before what lacks it.

    Raises ``ApiError``, which names ``field``; "": it is the destination of a link.
    """
    url = text.strip()
    if _lacks_scheme(url):
        url = f"https://{url}"
    if _has_control(url) or not _is_page(url):
        message = f"invalid_format: {field}: expected an http:// or https:// URL"
        raise ApiError(Code.UNPROCESSABLE_ENTITY, message if field else "Invalid destination URL")
    return bounded(url, field or "url")


def bounded(url: str, field: str) -> str:
    """Raises ``ApiError`` for what no click could name."""
    if len(url) > URL:
        raise ApiError(Code.UNPROCESSABLE_ENTITY, f"too_big: {field}: at most {URL} characters")
    return url


def _is_page(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    if "\\" in parts.netloc:
        return False  # where a browser sees the end of the host's name
    return parts.scheme in ("http", "https") and _is_host(host) is not None and port != 0
