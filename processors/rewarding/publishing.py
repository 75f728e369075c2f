"""What the ledger says → records, each under its customer's key."""

from collections.abc import Iterable, Mapping
from typing import Final

from msgspec.json import Encoder

from processors.engine import Output
from processors.rewards.settling import Output as Said
from schemas.cloud_events import attributes_of, cloud_event
from schemas.headers import Headers
from schemas.rewards import Reward
from schemas.topics import Topic

_encode: Final = Encoder().encode
_REWARD: Final = attributes_of(b"leadstream.reward")


class Publisher:
    """Knows the full topic names of a deployment."""

    def __init__(self, names: Mapping[Topic, str]) -> None:
        self._rewards = names[Topic.REWARDS]
        self._refusals = names[Topic.REWARD_REFUSALS]

    def records(self, key: bytes, said: Iterable[Said]) -> list[Output]:
        """In the same order."""
        return [
            Output(self._rewards, key, _encode(one), _reward_event(one))
            if isinstance(one, Reward)
            else Output(self._refusals, key, _encode(one))
            for one in said
        ]


def _reward_event(reward: Reward) -> Headers:
    return cloud_event(
        *(_REWARD, reward.reward_id, reward.revision),
        *(reward.workspace_id, reward.customer_id, reward.earned_at),
    )
