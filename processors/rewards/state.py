"""What is remembered of a customer: leads and sales with what they are worth, events, the ledger so far."""

from typing import Literal

from msgspec import Struct
from msgspec.msgpack import Decoder, Encoder

from processors.rewards.facts import Change, Earning
from processors.rewards.judging import Verdict
from schemas.reward_policy import RewardKind
from schemas.rewards import RefusalReason, RewardReason, RewardStatus

VERSION = b"\x01"
"""First byte of a stored state. Fields are only ever appended, so an older state of a version decodes too."""


class NewerState(ValueError):
    """A stored state of a release that this one does not know. Nothing is wrong with it, or with a fact."""


class Held(Struct, frozen=True, array_like=True, gc=False):
    """A lead or sale that waits for a policy. ``look_ms``: when it is to be looked at again."""

    earning: Earning
    arrived_ms: int
    look_ms: int


class Source(Struct, frozen=True, array_like=True, gc=False):
    """The newest revision of a lead or sale. ``amount``: of a sale.

    ``verdict`` None: undecided, and ``held`` is what it waits with. ``later``: of a sale that is not the
    first with its partner, if that makes a difference. ``said``: the refusal that was published last, with
    the revision of the source; ``refusals``: how many were.
    """

    kind: RewardKind
    revision: int
    at_ms: int
    program_id: str
    partner_id: str
    amount: int
    verdict: Verdict | None
    later: Verdict | None = None
    held: Held | None = None
    said: tuple[RefusalReason, int] | None = None
    refusals: int = 0


class Noted(Struct, frozen=True, array_like=True, gc=False):
    """An event about a reward, and when it came."""

    change: Change
    arrived_ms: int


class Standing(Struct, frozen=True, array_like=True, gc=False):
    """A reward as the facts have it, whatever was published. Fields as of :class:`schemas.rewards.Reward`;
    ``period`` and ``limit`` as of its verdict.
    """

    kind: RewardKind
    program_id: str
    partner_id: str
    source_id: str
    source_revision: int
    version_ms: int
    group: int
    gross: int
    amount: int
    currency: str
    earned_ms: int
    payable_ms: int
    status: Literal["earned", "held", "cancelled"]
    reason: RewardReason | None = None
    period: str = ""
    limit: int = 0


class Published(Struct, frozen=True, array_like=True, gc=False):
    """The newest revision of a reward, as it was published."""

    revision: int
    status: RewardStatus
    standing: Standing


class Share(Struct, frozen=True, array_like=True, gc=False):
    """What a reward has under the cap of one ``period``: ``granted`` of what it ``asked`` for.

    ``number``: of the last claim, among all of its customer; ``waiting``: it is not answered yet. Program,
    partner and kind are the reward's: it may be there no more when something is to be given back.
    """

    program_id: str
    partner_id: str
    kind: RewardKind
    period: str
    number: int
    asked: int
    granted: int
    waiting: bool


class State(Struct, frozen=True, array_like=True, gc=False):
    """``sources``: by leadId and saleId; ``events`` by eventId; ``rewards`` and ``shares`` by rewardId.

    ``claims``: how many have asked for something.
    """

    sources: dict[str, Source] = {}
    events: dict[str, Noted] = {}
    rewards: dict[str, Published] = {}
    erased: bool = False
    shares: dict[str, tuple[Share, ...]] = {}
    claims: int = 0


_encode = Encoder().encode
_decode = Decoder(State).decode


def dump(state: State) -> bytes:
    """The state as it is stored."""
    return VERSION + _encode(state)


def load(raw: bytes) -> State:
    """Inverse of :func:`dump`; raises :class:`NewerState` for a version from the future."""
    if raw[:1] != VERSION:
        raise NewerState(f"reward state of unknown version {raw[0]}: written by a newer release")
    return _decode(memoryview(raw)[1:])
