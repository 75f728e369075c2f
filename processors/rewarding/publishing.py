"""What the ledger says → records."""

from collections.abc import Iterable, Mapping
from typing import Final

from msgspec.json import Encoder

from processors.engine import Output
from processors.rewards.settling import Output as Said
from schemas.cloud_events import attributes_of, cloud_event
from schemas.headers import Headers
from schemas.reward_caps import RewardClaim
from schemas.rewards import Reward
from schemas.topics import Topic

_encode: Final = Encoder().encode
_REWARD: Final = attributes_of(b"leadstream.reward")


class Publisher:
    """Knows the full topic names of a deployment."""

    def __init__(self, names: Mapping[Topic, str]) -> None:
        self._rewards = names[Topic.REWARDS]
        self._refusals = names[Topic.REWARD_REFUSALS]
        self._claims = names[Topic.REWARD_CLAIMS]

    def records(self, key: bytes, said: Iterable[Said]) -> list[Output]:
        """In the same order. ``key``: of the customer; claims have that of their cap."""
        return [self._record(key, one) for one in said]

    def _record(self, key: bytes, said: Said) -> Output:
        if isinstance(said, Reward):
            return Output(self._rewards, key, _encode(said), _reward_event(said))
        if isinstance(said, RewardClaim):
            return Output(self._claims, said.topic_key(), _encode(said))
        return Output(self._refusals, key, _encode(said))


def _reward_event(reward: Reward) -> Headers:
    return cloud_event(
        _REWARD,
        reward.reward_id,
        reward.revision,
        reward.workspace_id,
        reward.customer_id,
        reward.earned_at,
    )
