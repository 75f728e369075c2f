"""The kinds of results that are audited, and what each looks like as fields and as columns."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import msgspec
from msgspec import Raw, Struct
from msgspec.json import Decoder
from msgspec.structs import replace

from processors.audit.model.outcome import CustomerKey, Outcome, key_of
from schemas.portable import portable
from schemas.results import Customer, CustomerTouch, Lead, Sale, touches_of
from schemas.times import parse_rfc3339
from schemas.topics import Topic

Result = Lead | Sale | Customer
Row = Mapping[str, object]
"""A row of a view by column; times are epoch milliseconds."""

UNREADABLE: Final = (msgspec.DecodeError, ValueError, RecursionError)


@dataclass(frozen=True)
class Kind:
    """Where results of one kind are. ``identity``: the field by which they are told apart."""

    name: str
    topic: Topic
    view: str
    identity: str
    document: type[Lead] | type[Sale] | type[Customer]

    def read(self, value: bytes | None) -> Result:
        """Raises one of ``UNREADABLE``."""
        return self._decoder.decode(value or b"")

    def of(self, outcome: Outcome) -> dict[str, Result]:
        """The model's results of this kind, by identity."""
        if self.document is Lead:
            return dict(outcome.leads)
        if self.document is Sale:
            return dict(outcome.sales)
        return {status.id: status for status in outcome.customers.values()}

    @cached_property
    def columns(self) -> dict[str, str]:
        """Field → column, of every field that has one."""
        pairs = {path: self._column(path) for path in _paths(self.document)}
        return {path: column for path, column in pairs.items() if column}

    @cached_property
    def _decoder(self) -> Decoder[Result]:
        return Decoder(self.document)

    def _column(self, path: str) -> str:
        if path == "click.url":
            return ""  # the link's, which is the same
        if self.document is Customer and path in ("id", "name", "email", "avatar", "first_seen_at"):
            return f"customer_{path}"
        group, _, name = path.rpartition(".")
        grouped = group == "customer" or name in _GROUPED.get(group, ())
        return f"{group}_{name}" if grouped else name

    def identity_of(self, result: Result) -> str:
        """Its id."""
        return str(getattr(result, self.identity))

    def identity_in(self, row: Row) -> str:
        """The id of the result in a row."""
        return str(row[self.columns[self.identity]])


_GROUPED: Final = {"click": ("id", "timestamp"), "link": ("id", "external_id")}


def _paths(document: type[Struct]) -> list[str]:
    found = []
    for field in msgspec.structs.fields(document):
        inner = field.type
        if isinstance(inner, type) and issubclass(inner, Struct):
            found += [f"{field.name}.{one.name}" for one in msgspec.structs.fields(inner)]
        else:
            found.append(field.name)
    return found


LEADS: Final = Kind("lead", Topic.LEADS, "leads", "lead_id", Lead)
SALES: Final = Kind("sale", Topic.SALES, "sales", "sale_id", Sale)
CUSTOMERS: Final = Kind("customer", Topic.CUSTOMERS, "customers", "id", Customer)
KINDS: Final = (LEADS, SALES, CUSTOMERS)

REVISIONS_VIEW: Final = "lead_revisions"
EMITTED_AT: Final = "emitted_at"
_OF_REVISIONS: Final = (
    "workspace_id",
    "lead_id",
    "revision",
    "timestamp",
    "deferred_at",
    "event_name",
    "event_id",
    "quantity",
    "customer_id",
    "customer_external_id",
    "click_id",
    "click_timestamp",
    "link_id",
    "partner_id",
    "program_id",
)
LEAD_COLUMNS_OF_REVISIONS: Final = {
    path: column for path, column in LEADS.columns.items() if column in _OF_REVISIONS
}
REVISION_COLUMNS: Final = {**LEAD_COLUMNS_OF_REVISIONS, EMITTED_AT: EMITTED_AT}
TOUCHES: Final = "touches"
"""The field that is no scalar: a tuple in a document, an array of tuples in ClickHouse."""

TIMES: Final = frozenset(
    {
        "timestamp",
        "deferred_at",
        "qualified_at",
        "first_seen_at",
        "customer.first_seen_at",
        "click.timestamp",
        EMITTED_AT,
    }
)
"""Fields that hold RFC 3339 in a document, and a time in ClickHouse."""
TOUCH_TIMES: Final = frozenset({"click_timestamp", "deferred_at"})
"""Those of a touch."""


def fields(result: Result) -> dict[str, object]:
    """Every field, those of ``customer``, ``click`` and ``link`` behind a dot. Raw JSON as its text."""
    found: dict[str, object] = {}
    if isinstance(result, Customer):
        result = replace(result, touches=touches_of(result))
    for name in result.__struct_fields__:
        value = getattr(result, name)
        if isinstance(value, Struct):
            found |= {f"{name}.{inner}": getattr(value, inner) for inner in value.__struct_fields__}
        else:
            found[name] = bytes(value).decode() if isinstance(value, Raw) else value
    return found


def as_stored(path: str, value: object) -> object:
    """What ClickHouse should show for a field."""
    if path in TIMES:
        return None if value is None else parse_rfc3339(str(value))
    if path == TOUCHES:
        assert isinstance(value, tuple)  # noqa: S101 - narrows
        return tuple(tuple(_touch_as_stored(touch)) for touch in value)
    if path == "metadata":
        return "{}" if value == "null" else portable(str(value).encode()).decode()
    return "" if value is None else value


def _touch_as_stored(touch: CustomerTouch) -> Iterator[object]:
    for name in touch.__struct_fields__:
        value = getattr(touch, name)
        yield parse_rfc3339(value) if name in TOUCH_TIMES else value or ""


def oldest_ms(result: Result) -> int:
    """The earliest time that a result mentions: whatever made it was not there before."""
    times = (value for path, value in fields(result).items() if path in TIMES and value is not None)
    return min(parse_rfc3339(str(time)) for time in times)


def owner(result: Result) -> CustomerKey:
    """Whose it is."""
    return key_of(result)


def happened_ms(result: Result) -> int:
    """When: a lead's qualification, a sale's payment, a customer's sign-up."""
    return parse_rfc3339(result.deferred_at if isinstance(result, Customer) else result.timestamp)
