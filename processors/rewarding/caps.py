"""Caps as a processor of the engine: claims in, shares out. What is known of a cap is one sum."""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec.json import Encoder

from processors.engine import Output, Record, Rejected, Unfit
from processors.rewards.caps import answered
from processors.worker.dead_letters import UNFIT, rejected
from schemas.decoding import Refused, decoded
from schemas.reward_caps import RewardClaim, decode_claim
from schemas.topics import Topic

TABLE: Final = "caps"
_encode: Final = Encoder().encode


class CapsProcessor:
    """Keyed by cap and period, so that all claims on one sum come one after the other."""

    table = TABLE
    retention_ms: int | None = None
    fatal: tuple[type[Exception], ...] = ()

    def __init__(self, names: Mapping[Topic, str]) -> None:
        self._shares, self._dead_letters = names[Topic.REWARD_SHARES], names[Topic.DEAD_LETTERS]
        self.topics = self.inner = frozenset({names[Topic.REWARD_CLAIMS]})
        self.outputs = frozenset({self._shares, self._dead_letters})

    def refuse(self, record: Record, unfit: Unfit, detail: str) -> Rejected:
        """A dead letter."""
        return rejected(self._dead_letters, record, Refused(UNFIT[unfit], detail))

    def parse(
        self,
        record: Record,
        now_ms: int,  # noqa: ARG002 - a claim has no time to be judged
    ) -> tuple[str, bytes, RewardClaim]:
        """Raises :class:`Rejected` with a dead letter."""
        try:
            claim = decoded(decode_claim, record.value or b"")
        except Refused as refused:
            raise rejected(self._dead_letters, record, refused) from None
        return record.topic, claim.topic_key(), claim

    def load(self, raw: bytes) -> int:
        return int(raw)

    def dump(self, state: int) -> bytes:
        return b"%d" % state

    def due(self, state: int) -> int | None:  # noqa: ARG002 - a sum waits for nothing
        return None

    def apply(
        self,
        key: bytes,  # noqa: ARG002 - of the claim
        state: int | None,
        fact: RewardClaim,
        now_ms: int,  # noqa: ARG002 - what is decided first is decided
    ) -> tuple[int | None, Sequence[Output]]:
        used, share = answered(state or 0, fact)
        outputs = () if share is None else (Output(self._shares, share.topic_key(), _encode(share)),)
        return (used if used != state else state), outputs

    def expire(self, key: bytes, state: int, now_ms: int) -> tuple[int | None, Sequence[Output]]:  # noqa: ARG002
        return state, ()
