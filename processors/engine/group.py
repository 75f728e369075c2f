"""What the engine asks of its membership in a consumer group: :class:`Group`."""

from collections.abc import Callable, Mapping, Set
from typing import Final, NamedTuple, Protocol

from aiokafka.errors import IllegalStateError, KafkaError
from aiokafka.structs import TopicPartition

from processors.engine.stores import Place, Store
from processors.kafka.connection import NoBroker

ASK_AGAIN: Final = (TimeoutError, NoBroker, KafkaError, IllegalStateError)
"""What asking may raise while a broker is away, or a rebalance takes our partitions. Nothing has happened."""


class GroupMember(NamedTuple):
    """On whose behalf offsets are committed."""

    group_id: str
    generation: int
    member_id: str
    instance_id: str | None


class StartOffsets(NamedTuple):
    """Where a generation goes on."""

    offsets: dict[TopicPartition, int]
    #: Those that are not what is committed: nothing is, or retention has overtaken it.
    moved: dict[TopicPartition, int]
    #: How often the coordinator answered "undecided".
    waits: int
    #: Offsets that are gone although they were never read.
    lost: int
    #: What was committed with them, where there is any.
    metadata: dict[TopicPartition, str]


class Group(Protocol):
    """One member, in one generation after the other. All of it is called in the engine's thread.

    Before it gives up partitions, and before it joins anew, the member calls :meth:`.loop.Engine.drop` and
    awaits :meth:`.loop.Engine.finish_batch`: the stores are open and nobody else commits until that returns.
    What it fetches it hands to :meth:`.intake.Intake.offer`, in order, in ranges that leave nothing out, of
    no more records than it was granted (and at least one of each partition that has some).

    Only the coroutines ask a broker, and each asks but once unless it says otherwise: they raise
    :data:`ASK_AGAIN`, and :class:`.errors.Superseded` as soon as the process is to stop.
    """

    @property
    def generation(self) -> int:
        """The *live* one, as the coordinator's last answer has it: −1 as soon as it disowns us."""

    @property
    def flowing(self) -> bool:
        """May records be handed over? Not during a rebalance."""

    @property
    def stopping(self) -> bool:
        """Is the process to end?"""

    @property
    def rebalancing_since(self) -> float | None:
        """When a rebalance began (:func:`processors.clock.boottime`), until it has ended."""

    def sources(self) -> set[TopicPartition]:
        """Our partitions of the source topics."""

    def stores(self) -> Mapping[Place, Store]:
        """The open stores of our partitions; closed when they are given up."""

    def member(self, generation: int) -> GroupMember:
        """Who commits in this generation. Raises :class:`.errors.Superseded` when it is over."""

    async def start_offsets(self, tps: Set[TopicPartition], go_on: Callable[[], bool]) -> StartOffsets:
        """Stable committed offsets, else the beginning of the log.

        Waits while a transaction that carries an offset of these partitions is undecided, asking again for
        as long as ``go_on()`` says so (it may raise); :class:`.errors.Superseded` when it does not.
        Afterwards no older generation can commit.
        """

    async def committed(self, tps: Set[TopicPartition]) -> Mapping[TopicPartition, int]:
        """What the group has committed as of now, whoever owns the partitions; of some, nothing."""

    async def beginnings(self, tps: Set[TopicPartition]) -> Mapping[TopicPartition, int]:
        """The first offsets that the logs still have."""

    async def ends(self, tps: Set[TopicPartition]) -> Mapping[TopicPartition, int]:
        """Ends of the logs as of now, undecided transactions included."""

    async def go_on_at(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Fetch from these offsets on. Before the first call of a generation nothing is fetched."""

    def stand_still(self, tp: TopicPartition) -> None:
        """Fetch nothing of this partition until :meth:`go_on_at`."""

    def grant(self, records: int) -> None:
        """So many more may be handed over; :attr:`.settings.EngineSettings.max_buffer` may be at first."""

    def gather(self, seconds: float) -> None:
        """Let the broker wait for this long for more than one record; 0: for as long as there is none."""
