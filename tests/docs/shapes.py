"""Whether what a page shows as output has the shape of what really comes out."""

import json
import re
from typing import Any

_NUMBER = re.compile(r"\d[\d,.]*")
_BLANKS = re.compile(r"\s+")


def documents(text: str) -> list[Any]:
    """The JSON in an output: all of it, or line by line, or what can be read from its beginning on."""
    found, decoder, position = [], json.JSONDecoder(), 0
    while (position := _start(text, position)) < len(text):
        try:
            document, position = decoder.raw_decode(text, position)
        except json.JSONDecodeError:
            position += 1
        else:
            found.append(document)
    return found


def _start(text: str, position: int) -> int:
    match = re.compile(r"[{\[]").search(text, position)
    return match.start() if match else len(text)


def missing(shown: Any, real: Any, at: str = "") -> list[str]:
    """Fields that are shown and not there, or of another type. Values differ, and pages leave fields out."""
    if isinstance(shown, dict) and isinstance(real, dict):
        return [
            one
            for name, value in shown.items()
            for one in (missing(value, real[name], f"{at}.{name}") if name in real else [f"{at}.{name}"])
        ]
    if isinstance(shown, list) and isinstance(real, list):
        if len(real) < len(shown):
            return [f"{at}: {len(real)} of {len(shown)}"]
        return [
            one
            for n, pair in enumerate(zip(shown, real, strict=False))
            for one in missing(*pair, f"{at}[{n}]")
        ]
    same = type(shown) is type(real) or shown is None or real is None
    return [] if same else [f"{at}: {type(real).__name__}"]


def lines(text: str) -> list[str]:
    """Without what differs from run to run: numbers, and how wide columns are."""
    return [_BLANKS.sub(" ", _NUMBER.sub("0", line)).strip() for line in text.splitlines() if line.strip()]
