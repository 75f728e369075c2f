"""What the ledger of rewards has said: counted when it is committed."""

from collections import Counter
from collections.abc import Mapping

from msgspec import Struct
from msgspec.json import Decoder

from processors.engine.effects import Effects
from processors.observability.exposition import Reading
from processors.rewarding.following import FollowedPolicies
from processors.worker.reported import reason_of
from schemas.reasons import DeadLetterReason
from schemas.rewards import RefusalReason
from schemas.topics import Topic


class _Reason(Struct):
    reason: RefusalReason | None


_reason = Decoder(_Reason).decode


class Reported:
    """``names``: the full name of each topic. May be read from any thread."""

    def __init__(self, names: Mapping[Topic, str], policies: FollowedPolicies) -> None:
        self._refusals, self._dead_letters = names[Topic.REWARD_REFUSALS], names[Topic.DEAD_LETTERS]
        self._policies = policies
        self.refusals: Counter[str] = Counter(dict.fromkeys(RefusalReason, 0))
        self.dead_letters: Counter[str] = Counter(dict.fromkeys(DeadLetterReason, 0))

    def count(self, effects: Effects) -> None:
        """A batch is committed."""
        for (topic, _), outputs in effects.outputs.items():
            if topic == self._refusals:
                self.refusals.update(_reason(one.value or b"").reason or "" for one in outputs)
            elif topic == self._dead_letters:
                self.dead_letters.update(map(reason_of, outputs))

    def troubles(self) -> Mapping[str, int]:
        """For a log."""
        return {"dead_letters": self.dead_letters.total()}

    def reading(self) -> Reading:
        """For ``/metrics``."""
        return {
            "leadstream_rewards_dead_letters_total": self.dead_letters,
            "leadstream_rewards_refusals_total": self.refusals,
            "leadstream_rewards_policies": self._policies.count,
            "leadstream_rewards_policies_age_seconds": self._policies.age_s,
        }
