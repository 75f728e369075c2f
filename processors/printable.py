"""Text from strangers, as it may be shown to people."""

import codecs
import unicodedata
from typing import Any, Final, NamedTuple

ESCAPED: Final = "leadstream-escaped"
"""For ``errors=`` of a text file: what its encoding does not have becomes ``\\u…``, too."""


def printable(text: str) -> str:
    """``text`` on one line, without anything that a terminal would obey or that hides what is there.

    Control characters, line ends, marks that turn the direction of writing around, half characters and what
    no font has become ``\\u…``, as JSON writes them: so JSON means the same afterwards.
    """
    if text.isprintable():
        return text
    return "".join(one if _is_seen(one) else _code(one) for one in text)


def printable_lines(text: str) -> str:
    """The same for text that may have several lines, each of which is ours."""
    return "\n".join(map(printable, text.split("\n")))


class Styled(NamedTuple):
    """A part of a line, and how it looks: names and values as a terminal knows them."""

    text: str
    style: dict[str, Any]


def styled(text: str, **style: Any) -> Styled:
    """``fg="red"``, ``bold=True``, ``dim=True``."""
    return Styled(text, style)


def _escape(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return _code(error.object[error.start : error.end]), error.end


codecs.register_error(ESCAPED, _escape)


def _is_seen(character: str) -> bool:
    """A space of any width is harmless."""
    return character.isprintable() or unicodedata.category(character) == "Zs"


def _code(characters: str) -> str:
    units = characters.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[start : start + 4]}" for start in range(0, len(units), 4))
