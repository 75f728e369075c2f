"""What releases write and read of each other, to the byte: states, the engine's frame, touches."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import orjson
import pytest
from msgspec import NODEFAULT, Struct

from processors.attribution import click_join, customer_join
from processors.attribution.click_join import ClickState
from processors.attribution.clicks import StoredClick
from processors.attribution.customer_state import CustomerState, PurchaseState
from processors.attribution.facts import GivenUpFact, Held, TouchFact
from processors.engine import frame
from schemas.events import LeadEvent
from schemas.news import ClickMoved, GivenUp, Joined, Waits, write_news
from schemas.results import Touch
from schemas.times import DAY_MS, HOUR_MS
from schemas.topics import Topic
from tests.attribution.golden_states import DIRECTORY, VERSION, restored
from tests.upgrade.releases import NEXT, PREVIOUS, Release
from tests.worker.test_processors import CLICK, DEFERRED, NAMES, NOW, in_topic, joins, record

TOUCHES: Final = Path(__file__).parent / "golden" / "touches.jsonl"
JOINS: Final = {"clicks": click_join, "customers": customer_join}


def golden() -> Iterator[tuple[str, bytes]]:
    """Table and state, of every story and version."""
    for path in (path for version in ("v1", VERSION) for path in sorted((DIRECTORY / version).iterdir())):
        system = restored(path.stem, path.parent.name)
        yield from (("clicks", raw) for raw in system.clicks.values())
        yield from (("customers", raw) for raw in system.customers.values())


@pytest.mark.parametrize(("table", "raw"), list(golden()))
def test_states_go_back_and_forth(table: str, raw: bytes) -> None:
    """During a rolling upgrade a partition may move either way."""
    join: Any = JOINS[table]
    ours = join.load(PREVIOUS.state(table, raw))
    assert join.load(PREVIOUS.state(table, join.dump(ours))) == ours, "the release before reads what we write"
    assert join.load(NEXT.state(table, raw)) == join.load(raw), (
        "we read what the release after this one writes"
    )
    assert NEXT.state(table, raw) != raw
    with pytest.raises(ValueError, match="newer release"):
        join.load(b"\x7f" + raw[1:])


def test_the_golden_states_hold_everything_that_a_state_can_hold() -> None:
    """Otherwise a field could change its meaning, and no golden file would tell."""
    seen: set[str] = set()
    for table, raw in golden():
        note_fields(JOINS[table].load(raw), seen)
    kinds = structs(ClickState) | structs(CustomerState)
    assert {f"{kind.__name__}.{name}" for kind in kinds for name in kind.__struct_fields__} - seen == set()


def note_fields(value: object, seen: set[str]) -> None:
    """Every field in which something other than its default stands."""
    if isinstance(value, Struct):
        for field in msgspec.structs.fields(value):
            inner = getattr(value, field.name)
            if inner != (field.default if field.default_factory is NODEFAULT else field.default_factory()):
                seen.add(f"{type(value).__name__}.{field.name}")
            note_fields(inner, seen)
    elif isinstance(value, tuple):
        for one in value:
            note_fields(one, seen)


def structs(kind: Any) -> set[type[Struct]]:
    """The type and all in it."""
    if isinstance(kind, type) and issubclass(kind, Struct):
        return {kind}.union(*(structs(one.type) for one in msgspec.structs.fields(kind)))
    return set[type[Struct]]().union(*(structs(one) for one in getattr(kind, "__args__", ())))


@pytest.mark.parametrize(
    ("due_ms", "written_s", "stored"),
    [
        (None, None, "00 c0ffee"),
        (1_767_225_600_000, None, "01 0000019b76daa800 c0ffee"),
        (None, 1_767_225_600, "02 6955b900 c0ffee"),
        (1_767_225_600_000, 1_767_225_600, "03 0000019b76daa800 6955b900 c0ffee"),
    ],
)
def test_the_frame_around_a_state(due_ms: int | None, written_s: int | None, stored: str) -> None:
    """In changelogs and stores; both outlive a release."""
    raw = bytes.fromhex(stored)
    assert frame.wrap(b"\xc0\xff\xee", due_ms, written_s) == raw
    assert frame.body(raw) == b"\xc0\xff\xee"
    assert frame.written_s(raw) == written_s
    assert frame.due_bytes(raw) == (None if due_ms is None else due_ms.to_bytes(8, "big"))


def touches() -> list[bytes]:
    """As release 0.1 wrote them: with everything, with as little as possible, and of a click that changed."""
    return TOUCHES.read_bytes().splitlines()


def unjoined() -> list[bytes]:
    """The same of lead events without a click: one that waits, and one that was given up."""
    return (TOUCHES.parent / "unjoined.jsonl").read_bytes().splitlines()


def tagged() -> list[bytes]:
    """As the release after this one may write it: one of each kind."""
    return (TOUCHES.parent / "tagged.jsonl").read_bytes().splitlines()


@pytest.mark.parametrize("release", [PREVIOUS, NEXT])
@pytest.mark.parametrize("raw", [*touches(), *unjoined()])
def test_touches_go_back_and_forth(raw: bytes, release: Release) -> None:
    """As they were written: what we write of it is what the release before reads."""
    plain, other = told(raw), told(release.touch_record(raw))
    assert plain == other
    assert plain.written == raw


@pytest.mark.parametrize(
    ("tagged", "raw"), list(zip(tagged(), [*touches()[1:], *unjoined()], strict=True)), ids=bytes.decode
)
def test_the_news_of_a_release_to_come_are_read(tagged: bytes, raw: bytes) -> None:
    """A tagged union says what nulls say today."""
    plain, other = told(raw), told(tagged)
    assert (plain.kind, plain.fields, plain.event, plain.at_ms) == (
        other.kind,
        other.fields,
        other.event,
        other.at_ms,
    )


class Told(NamedTuple):
    """What a worker makes of a record between the joins. ``written``: as it would write it."""

    kind: type
    fields: dict[str, Any]
    written: bytes
    event: LeadEvent | None
    at_ms: int | None


def told(raw: bytes) -> Told:
    _, customers = joins()
    record: Any = in_topic(NAMES[Topic.TOUCHES], raw)
    topic, key, fact = customers.parse(record, NOW)
    assert (topic, key) == (NAMES[Topic.TOUCHES], b"acme:u1")
    news: Any = fact
    event, at_ms = None, None
    if isinstance(fact, TouchFact | GivenUpFact):
        news, event, at_ms = fact
    kind = next(kind for kind in (Joined, ClickMoved, Waits, GivenUp) if isinstance(news, kind))
    fields = {name: _plain(getattr(news, name)) for name in kind.__struct_fields__}
    return Told(kind, fields, write_news(news), event, at_ms)


def _plain(value: object) -> object:
    return bytes(value) if isinstance(value, msgspec.Raw) else value


def test_the_touches_of_old_hold_everything_that_a_touch_can_hold() -> None:
    found = [msgspec.json.decode(raw, type=Touch) for raw in touches()]
    assert {one.source is None for one in found} == {True, False}
    seen: set[str] = set()
    for one in found:
        note_fields(one.click, seen)
    assert seen == {f"ClickFacts.{name}" for name in found[0].click.__struct_fields__}


def test_a_touch_is_written_as_it_was() -> None:
    """Byte for byte what the release before wrote, or it would have to be able to read it."""
    clicks, _ = joins()
    state = None
    outputs: list[bytes | None] = []
    for one in (CLICK, DEFERRED):
        source: Any = one
        _, key, fact = clicks.parse(source, NOW)
        state, found = clicks.apply(key, state, fact, 0)
        outputs += [output.value for output in found if output.topic == NAMES[Topic.TOUCHES]]
    assert outputs
    assert all(PREVIOUS.touch_record(value) == value for value in outputs)


RULES_OF_OLD: Final = (
    ("deferred-leads", {"customerEmail": "e" * 5_000, "customerAvatar": "a" * 5_000}),
    ("deferred-leads", {"customerExternalId": "undefined", "eventId": "a\x1fb"}),
    ("deferred-leads", {"workspaceId": "null"}),
    ("purchases", {"currency": "Euro", "paymentProcessor": "braintree"}),
    ("purchases", {"paymentProcessor": "p" * 5_000, "invoiceId": "NaN"}),
)
"""What release 0.1 accepted, and no event may say any more."""
OTHER_FIELDS: Final[dict[str, dict[str, object]]] = {
    "deferred-leads": {"eventName": "Sign Up", "clickId": "c1", "mode": "deferred"},
    "purchases": {"amount": 5},
}


@pytest.mark.parametrize(("topic", "fields"), RULES_OF_OLD)
def test_an_event_that_waits_since_the_release_before_outlives_its_rules(
    topic: str, fields: dict[str, str]
) -> None:
    """It is joined, given up and reported; it would stop the worker in every life."""
    event = {"workspaceId": "acme", "customerExternalId": "u1", "timestamp": NOW, **fields}
    held = Held(orjson.dumps({**event, **OTHER_FIELDS[topic]}), topic, 0, 7, NOW, NOW)
    clicks, customers = joins()
    if topic == "purchases":
        purchase = PurchaseState("sl_1", NOW, 5, "euro", "Purchase", "", "", "", "", b"", held)
        [report] = customers.expire(b"", CustomerState(purchases=(purchase,)), NOW + 2 * DAY_MS)[1]
    else:
        _, key, click = clicks.parse(CLICK, NOW)
        [touch] = clicks.apply(key, ClickState(held=(held,)), click, NOW)[1]
        _, key, fact = customers.parse(in_topic(touch.topic, touch.value), NOW)
        assert customers.apply(key, None, fact, NOW)[1]
        [given_up] = clicks.expire(key, ClickState(held=(held,)), NOW + 2 * DAY_MS)[1]
        _, key, fact = customers.parse(in_topic(given_up.topic, given_up.value), NOW)
        [report] = customers.apply(key, None, fact, NOW)[1]
    assert report.topic == NAMES[Topic.UNMATCHED]


def test_blank_texts_that_the_release_before_remembered_say_nothing() -> None:
    clicks, customers = joins()
    stored = ClickState(click=StoredClick(NOW - HOUR_MS, city="", country=" "))
    _, key, same = clicks.parse(record(Topic.CLICKS, clickId="c1"), NOW)
    assert clicks.apply(key, stored, same, NOW) == (stored, ())
    _, key, deferred = clicks.parse(DEFERRED, NOW)
    [touch] = clicks.apply(key, stored, deferred, NOW)[1]
    assert b"city" not in (touch.value or b"")
    asked = record(Topic.QUALIFICATIONS, customerExternalId="u1", eventName="Demo", customerName="Ann")
    _, key, fact = customers.parse(asked, NOW)
    state, _ = customers.apply(key, CustomerState(name=(NOW - DAY_MS, "")), fact, NOW)
    assert state is not None
    assert state.name == (NOW - HOUR_MS, "Ann")
