"""What programs pay: the topic ``reward-policies``, read whole, and written by one at a time."""

from collections.abc import Callable, Iterator
from contextlib import aclosing
from typing import Final

from aiokafka import ConsumerRecord
from aiokafka.errors import KafkaError, ProducerFenced
from msgspec import DecodeError
from msgspec.json import Decoder, encode

from processors.errors import CheckFailed, Unavailable
from processors.kafka.connecting import connection_of
from processors.kafka.connection import told
from processors.kafka.placement import partition_for
from processors.kafka.topics import partition_counts
from processors.registry.reading import newest_records
from processors.rewards.parsing import PolicyRefused, check_succession, compiled
from processors.rewards.policy import Policies, Policy
from processors.settings import Settings
from schemas.reward_policy import RewardPolicy
from schemas.topics import Topic, program_key, split_key

_CLIENT: Final = "leadstream-reward-policies"
_decode: Final = Decoder(RewardPolicy).decode

Program = tuple[str, str]
"""workspaceId and programId."""


class PolicyBook:
    """``policies``: what the records so far say; a new mapping after each change, so that it may be kept.

    ``unreadable``: programs whose newest record is no policy, or one of a newer release. They have none until
    that is mended: what was paid before may be paid no more, and who has no policy waits for it.
    ``latest_ms``: of all records so far.
    """

    def __init__(self) -> None:
        self.policies: Policies = {}
        self.unreadable: frozenset[Program] = frozenset()
        self.latest_ms = 0
        self._documents: dict[Program, RewardPolicy] = {}

    def documents(self) -> Iterator[tuple[Program, RewardPolicy]]:
        """As they were written, in the order of workspaces and programs."""
        yield from sorted(self._documents.items(), key=lambda one: one[0])

    def document(self, workspace_id: str, program_id: str) -> RewardPolicy | None:
        """As it was written."""
        return self._documents.get((workspace_id, program_id))

    def apply(self, record: ConsumerRecord) -> bool:
        """False: it is no policy."""
        self.latest_ms = max(self.latest_ms, record.timestamp)
        try:
            program = split_key(record.key or b"")
        except UnicodeDecodeError:
            return False
        if record.value is not None and (read := _read(record.value, program)) is not None:
            self._documents[program], policy = read
            self.policies = {**self.policies, program: policy}
            self.unreadable -= {program}
            return True
        self._documents.pop(program, None)
        self.policies = {one: policy for one, policy in self.policies.items() if one != program}
        self.unreadable = self.unreadable - {program} if record.value is None else self.unreadable | {program}
        return record.value is None


def _read(value: bytes, program: Program) -> tuple[RewardPolicy, Policy] | None:
    try:
        document = _decode(value)
        policy = compiled(document)
    except (DecodeError, RecursionError, PolicyRefused):
        return None
    return (document, policy) if policy.program_id == program[1] else None


class PolicyRace(Unavailable):
    """Somebody else wrote a policy at the same time."""

    def __init__(self) -> None:
        super().__init__("another policy is being written at the same time", "Try again.")


class PolicyUnreadable(CheckFailed):
    """Of what was published nobody here knows whether the new one would change it."""

    def __init__(self, program_id: str) -> None:
        super().__init__(
            f"what the topic reward-policies has of program {program_id} cannot be read",
            "Use the `leadstream` of the release that wrote it.",
        )


async def read_policies(settings: Settings) -> PolicyBook:
    """All there are now. Raises ``NoBroker`` or ``KafkaRefused``."""
    book = PolicyBook()
    async with aclosing(newest_records(settings, Topic.REWARD_POLICIES)) as records:
        async for record in records:
            book.apply(record)
    return book


async def write_policy(
    settings: Settings, workspace_id: str, wanted: RewardPolicy, clock: Callable[[], int]
) -> Policy | None:
    """What holds from now on; None: it did already, and nothing was written.

    Whoever begins fences others who write: what is read after that stays true until our own transaction ends.
    Raises ``PolicyRefused``, :class:`PolicyUnreadable`, :class:`PolicyRace`, ``NoBroker`` or
    ``KafkaRefused``.
    """
    policy = compiled(wanted)
    producer = connection_of(settings).producer(
        client_id=_CLIENT,
        acks="all",
        transactional_id=settings.policies_lock,
        transaction_timeout_ms=settings.transaction_timeout,
    )
    try:
        await producer.start()
        book = await read_policies(settings)
        if (workspace_id, wanted.program_id) in book.unreadable:
            raise PolicyUnreadable(wanted.program_id)
        known = book.document(workspace_id, wanted.program_id)
        if known == wanted:
            return None
        now_ms = clock()
        check_succession(known, wanted, now_ms)
        topic, key = settings.topic(Topic.REWARD_POLICIES), program_key(workspace_id, wanted.program_id)
        partition = partition_for(key, (await partition_counts(settings))[topic])
        # Where a topic was given more partitions, the latest record of a key counts.
        at_ms = max(now_ms, book.latest_ms + 1)
        async with producer.transaction():
            await producer.send_and_wait(topic, encode(wanted), key, partition, at_ms)
    except ProducerFenced:
        raise PolicyRace from None
    except (KafkaError, OSError) as error:
        raise told(error, settings.kafka_bootstrap) from error
    finally:
        await producer.stop()
    return policy
