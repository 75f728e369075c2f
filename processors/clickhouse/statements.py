"""SQL as people type it: where a statement ends. Knows texts, names and comments, and no more of it."""

import re
from dataclasses import dataclass
from typing import Final

_TOKEN: Final = re.compile(
    r"""
    (?P<blank>     \s+ | --[^\n]* | \#[!\ ][^\n]* | /\*.*?\*/ )
  | (?P<end>       ; )
  | (?P<whole>     '(?:\\.|''|[^'\\])*' | "(?:\\.|""|[^"\\])*" | `(?:\\.|``|[^`\\])*`
                 | \$(?P<tag>\w*)\$.*?\$(?P=tag)\$ )
  | (?P<unclosed>  (?:['"`] | /\*) .* )
  | (?P<rest>      [\w.]+ | . )
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True)
class Statements:
    """``complete``: those that ended with a semicolon, without it; ``rest``: what was begun after them, ""
    when that is nothing but blanks and comments.
    """

    complete: tuple[str, ...]
    rest: str

    @property
    def all(self) -> tuple[str, ...]:
        """The last one needs no semicolon."""
        return (*self.complete, self.rest) if self.rest else self.complete


def split(text: str) -> Statements:
    """The statements of a text; a semicolon in a text, a name or a comment ends none."""
    complete: list[str] = []
    begin, meant = 0, False
    for token in _TOKEN.finditer(text):
        if token.lastgroup == "end":
            if meant:
                complete.append(text[begin : token.start()].strip())
            begin, meant = token.end(), False
        elif token.lastgroup != "blank":
            meant = True
    return Statements(tuple(complete), text[begin:].strip() if meant else "")


def finished(text: str) -> bool:
    """Has nothing been begun that is not ended?"""
    return not split(text).rest


def within_quotes(text: str) -> bool:
    """Does ``text`` end inside of a text, a quoted name or a comment?"""
    tokens = [*_TOKEN.finditer(text)]
    return bool(tokens) and (
        tokens[-1].lastgroup == "unclosed" or tokens[-1][0].startswith(("--", "# ", "#!"))
    )
