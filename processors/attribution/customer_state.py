"""What is remembered of one customer: facts, and which results were emitted already."""

from msgspec import Struct
from msgspec.msgpack import Decoder, Encoder

from processors.attribution.clicks import StoredClick
from processors.attribution.facts import Held
from processors.attribution.old_sales import OldSales
from processors.attribution.policy import Rules

VERSION = b"\x01"
"""First byte of a stored state. Fields are only ever appended, so an older state of a version decodes too."""


class TouchState(Struct, frozen=True, array_like=True, gc=False):
    """A click that lead events of this customer named. ``times``: theirs, ascending, the earliest few.

    Whether it makes a touch is a question of policy, not of state: see ``meaning.deferred_at``.
    """

    click_id: str
    click: StoredClick
    times: tuple[int, ...]


class Request(Struct, frozen=True, array_like=True, order=True, gc=False):
    """A lead event that asks for a lead. The order of the fields is that of rule 9: the least one counts.

    ``click_id``: empty when it named none. ``metadata``: JSON, empty when absent. ``held``: while it waits.
    """

    at_ms: int
    event_id: str
    event_name: str
    click_id: str
    quantity: int
    metadata: bytes
    held: Held | None = None


class PurchaseState(Struct, frozen=True, array_like=True, order=True, gc=False):
    """A purchase. The order of the fields is that of rule 14: the least one with a key counts.

    ``key``: the id of its sale. ``lead_key``: eventKey of the lead it names, empty when it names none.
    """

    key: str
    at_ms: int
    amount: int
    currency: str
    event_name: str
    payment_processor: str
    invoice_id: str
    event_id: str
    lead_key: str
    metadata: bytes
    held: Held | None = None


Said = tuple[int, str] | None
"""When something was said of the customer, and what; the least one counts (rule 12)."""


class CustomerState(Struct, frozen=True, array_like=True, gc=False):
    """``lead_revisions``, ``sale_revisions``: by eventKey and sale id, the revision emitted last.

    ``waiting``: by clickId, since when a lead event of this customer may be waiting for that click.
    ``old_sales``: of sales that are no longer in ``sale_revisions``. ``rules``: by which it has leads.
    """

    touches: tuple[TouchState, ...] = ()
    requests: tuple[Request, ...] = ()
    purchases: tuple[PurchaseState, ...] = ()
    name: Said = None
    email: Said = None
    avatar: Said = None
    first_seen_ms: int = 0
    lead_revisions: dict[str, int] = {}
    sale_revisions: dict[str, int] = {}
    erased: bool = False
    waiting: dict[str, int] = {}
    old_sales: OldSales | None = None
    rules: Rules | None = None


_encode = Encoder().encode
_decode = Decoder(CustomerState).decode


def dump(state: CustomerState) -> bytes:
    """The state as it is stored."""
    return VERSION + _encode(state)


def load(raw: bytes) -> CustomerState:
    """Inverse of :func:`dump`; raises ``ValueError`` for a version from the future."""
    if raw[:1] != VERSION:
        raise ValueError(f"customer state of unknown version {raw[0]}: written by a newer release")
    return _decode(memoryview(raw)[1:])
