"""What is told of lines: why some are refused, and which names in others may be misspelt."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from processors.feeding.lines import Line
from schemas.close_names import CloseName
from schemas.reasons import DeadLetterReason
from schemas.refused import Refused

MOST_SHOWN: Final = 20
"""Lines of either kind, each by itself; of more there are numbers at the end."""
_MOST_KINDS: Final = 100


class Findings:
    """``say``: a line to a person. ``strict``: what is doubtful is refused."""

    def __init__(self, say: Callable[[str], None], *, strict: bool) -> None:
        self._say = say
        self._strict = strict
        self._reasons: Counter[str] = Counter()
        self._names: Counter[CloseName] = Counter()
        self.refused = 0
        self.doubtful = 0

    def refuse(self, line: Line, refused: Refused) -> None:
        """The line is no event."""
        self.refused += 1
        self._reasons[_kind(refused)] += 1
        if self.refused <= MOST_SHOWN:
            self._say(f"{line.place}: {refused}")

    def doubt(self, line: Line, names: Sequence[CloseName]) -> bool:
        """The line has names that are no field. True: it is refused for that."""
        if self._strict:
            self.refuse(line, Refused(DeadLetterReason.SCHEMA_VIOLATION, "; ".join(map(str, names))))
            return True
        self.doubtful += 1
        for name in names:
            # A name that is wrong once is wrong all along: it is told when it is met first.
            if name not in self._names and len(self._names) < MOST_SHOWN:
                self._say(f"{line.place}: {name}")
            if name in self._names or len(self._names) < _MOST_KINDS:
                self._names[name] += 1
        return False

    def totals(self) -> Iterator[str]:
        """Of what was not shown line by line."""
        if self.refused > MOST_SHOWN:
            yield f"the first {MOST_SHOWN} lines that were refused are above; all of them, by reason:"
            yield from (f"{count:9,}  {reason}" for reason, count in self._reasons.most_common())
        if self.doubtful > len(self._names):
            yield "sent as they are, with names that are no field:"
            yield from (f"{count:9,}  {name}" for name, count in self._names.most_common(MOST_SHOWN))


def _kind(refused: Refused) -> str:
    """Reason and field: few, whatever the lines say."""
    field = refused.detail.partition(":")[0]
    named = refused.reason is DeadLetterReason.SCHEMA_VIOLATION and field.isidentifier()
    return f"{refused.reason}: {field}" if named else refused.reason.value
