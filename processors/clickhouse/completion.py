"""What may stand next in a query."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from processors.clickhouse.migrations import ANALYTICS, VIEWS
from processors.clickhouse.statements import split, within_quotes
from processors.clickhouse.vocabulary import FUNCTIONS, KEYWORDS, Vocabulary, called

_BEGUN: Final = re.compile(r"\w+$")
_AFTER_FROM: Final = re.compile(r"\b(?:FROM|JOIN|DESCRIBE|TABLE)\s+\w*$", re.IGNORECASE)


class Completed(NamedTuple):
    """``text`` in the place of the last ``begun`` characters. ``about``: what it is."""

    text: str
    begun: int
    about: str


def completions(before: str, vocabulary: Vocabulary) -> Iterator[Completed]:
    """For a text up to the cursor: views after FROM; else columns of the views that the statement names, then
    views, words and functions. Nothing inside of quotes and comments."""
    if within_quotes(before):
        return
    found = _BEGUN.search(before)
    begun = found[0] if found else ""
    views = [(one, "view") for one in VIEWS] + [(called(one), "takes parameters") for one in ANALYTICS]
    if _AFTER_FROM.search(before):
        offered = views
    elif begun:
        statement = split(before).rest
        columns = [(one, "column") for one in vocabulary.columns_for(statement)]
        words = [*((one, "") for one in KEYWORDS), *((f"{one}(", "function") for one in FUNCTIONS)]
        offered = [*columns, *views, *words]
    else:
        return
    for text, about in offered:
        if text.lower().startswith(begun.lower()) and text != begun:
            yield Completed(text, len(begun), about)
