"""What workers have reported, by reason, and names in what came in: counted when it is committed."""

from collections import Counter
from collections.abc import Mapping

from msgspec import Struct
from msgspec.json import Decoder

from processors.engine import Output
from processors.engine.effects import Effects
from processors.observability.exposition import Reading
from schemas.close_names import CloseNames
from schemas.events import Click, Erasure, LeadEvent, Purchase
from schemas.headers import Header
from schemas.reasons import DeadLetterReason, UnmatchedReason
from schemas.topics import Topic


class _Reason(Struct):
    reason: UnmatchedReason


_reason = Decoder(_Reason).decode


_CLICKS, _LEADS, _PURCHASES, _ERASURES = (
    CloseNames(kind, ("type",)) for kind in (Click, LeadEvent, Purchase, Erasure)
)


class Reported:
    """``names``: the full name of each topic. May be read from any thread.

    ``misspelt``: names that are no field and close to one that is missing, by topic and that field. Only the
    first record of each partition of a batch is looked at: all of them would cost as much as reading them.
    """

    def __init__(self, names: Mapping[Topic, str]) -> None:
        self._topics = {
            names[Topic.UNMATCHED]: self._count_unmatched,
            names[Topic.DEAD_LETTERS]: self._count_dead_letter,
        }
        self._close_names = {
            names[Topic.CLICKS]: _CLICKS,
            names[Topic.DEFERRED_LEADS]: _LEADS,
            names[Topic.QUALIFICATIONS]: _LEADS,
            names[Topic.PURCHASES]: _PURCHASES,
            names[Topic.ERASURES]: _ERASURES,
        }
        self.misspelt: Counter[tuple[str, str]] = Counter()
        self.unmatched: Counter[str] = Counter(dict.fromkeys(UnmatchedReason, 0))
        self.dead_letters: Counter[str] = Counter(dict.fromkeys(DeadLetterReason, 0))

    def count(self, effects: Effects) -> None:
        """A batch is committed."""
        for (topic, _), outputs in effects.outputs.items():
            count = self._topics.get(topic)
            if count is not None:
                for output in outputs:
                    count(output)

        for taken in effects.taken:
            close_names = self._close_names.get(taken.tp.topic)
            if close_names is not None and taken.sample is not None:
                for name in close_names(taken.sample):
                    self.misspelt[taken.tp.topic, name.field] += 1

    def troubles(self) -> Mapping[str, int]:
        """For a log."""
        return {"dead_letters": self.dead_letters.total(), "unmatched": self.unmatched.total()}

    def reading(self) -> Reading:
        """For ``/metrics``."""
        return {
            "leadstream_worker_unmatched_total": self.unmatched,
            "leadstream_worker_dead_letters_total": self.dead_letters,
            "leadstream_worker_misspelt_fields_total": self.misspelt,
        }

    def _count_unmatched(self, output: Output) -> None:
        self.unmatched[_reason(output.value or b"").reason] += 1

    def _count_dead_letter(self, output: Output) -> None:
        self.dead_letters[reason_of(output)] += 1


def reason_of(dead_letter: Output) -> DeadLetterReason:
    """Why it is one."""
    return DeadLetterReason(dict(dead_letter.headers)[Header.REASON.value].decode())
