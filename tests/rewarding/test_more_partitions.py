"""What programs pay, in a topic that is given more partitions, on a real Kafka."""

import msgspec
import pytest

from processors.clock import epoch_ms
from processors.rewarding.policies import read_policies, write_policy
from processors.settings import Settings
from schemas.reward_policy import RewardPolicy
from schemas.times import MINUTE_MS
from schemas.topics import Topic
from tests.registry.test_more_partitions import more_partitions
from tests.registry.test_store import settings  # noqa: F401 - a fixture
from tests.rewards.builders import WORKSPACE, Document, policy

pytestmark = pytest.mark.integration

PROGRAMS = [f"pg-{number}" for number in range(12)]
AHEAD_MS = 20 * MINUTE_MS
"""Of the one clock, before the other."""


def paying(program: str, *more: str) -> RewardPolicy:
    """With a version more from each of these times on."""
    later: list[Document] = [{"effectiveFrom": one} for one in more]
    return msgspec.convert(policy({"lead": {"amount": 100}}, *later, program=program), type=RewardPolicy)


async def test_what_is_published_last_counts_whatever_clocks_say(settings: Settings) -> None:  # noqa: F811
    for program in PROGRAMS:
        await write_policy(settings, WORKSPACE, paying(program), lambda: epoch_ms() + AHEAD_MS)
    await more_partitions(settings, [Topic.REWARD_POLICIES])
    for program in PROGRAMS:
        await write_policy(settings, WORKSPACE, paying(program, "2099-01-01T00:00:00Z"), epoch_ms)
    book = await read_policies(settings)
    assert [len(one.versions) for one in book.policies.values()] == [2] * len(PROGRAMS)
