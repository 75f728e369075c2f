"""What workers have reported, by reason: counted when it is committed."""

from collections import Counter
from collections.abc import Mapping

from msgspec import Struct
from msgspec.json import Decoder

from processors.engine import Output
from processors.engine.effects import Effects
from schemas.headers import Header
from schemas.reasons import DeadLetterReason, UnmatchedReason
from schemas.topics import Topic


class _Reason(Struct):
    reason: UnmatchedReason


_reason = Decoder(_Reason).decode


class Reported:
    """``names``: the full name of each topic. May be read from any thread."""

    def __init__(self, names: Mapping[Topic, str]) -> None:
        self._topics = {
            names[Topic.UNMATCHED]: self._count_unmatched,
            names[Topic.DEAD_LETTERS]: self._count_dead_letter,
        }
        self.unmatched: Counter[str] = Counter(dict.fromkeys(UnmatchedReason, 0))
        self.dead_letters: Counter[str] = Counter(dict.fromkeys(DeadLetterReason, 0))

    def count(self, effects: Effects) -> None:
        """A batch is committed."""
        for (topic, _), outputs in effects.outputs.items():
            count = self._topics.get(topic)
            if count is not None:
                for output in outputs:
                    count(output)

    def _count_unmatched(self, output: Output) -> None:
        self.unmatched[_reason(output.value or b"").reason] += 1

    def _count_dead_letter(self, output: Output) -> None:
        self.dead_letters[DeadLetterReason(dict(output.headers)[Header.REASON.value].decode())] += 1
