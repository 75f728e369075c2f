"""What must become of a record, by the standard library's json and a table of the documented rules.

Knows nothing of how the product decodes. Two things are left open on purpose: of a key that stands twice in
an object, a breach in an occurrence that does not count may be reported or not (RFC 8259, 4: unpredictable);
and an object in ``touches``, which only the system itself writes, may be refused for whatever is wrong with
it or with the event inside.
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import date
from functools import partial
from typing import Final, NamedTuple, NoReturn

from schemas.reasons import DeadLetterReason as Reason
from schemas.topics import Topic

MAX_BYTES: Final = 256 * 1024
MAX_NESTING: Final = 400
MAX_METADATA: Final = 10_000
YEAR_2000_MS: Final = 946_684_800_000
DAY_MS: Final = 86_400_000


class Verdict(NamedTuple):
    """``reasons``: each that is right, None being an event; ``at_ms``: its time; ``fields``: breaches."""

    reasons: frozenset[Reason | None]
    at_ms: int | None = None
    fields: frozenset[str] = frozenset()


class Integer(str):
    """A number without fraction and exponent, as it is written."""


class Real(str):
    """Any other number, as it is written."""


class Members(list[tuple[str, object]]):
    """An object, with members that stand twice."""


def judge(topic: Topic, value: bytes | None, record_ms: int, now_ms: int) -> Verdict:
    """``record_ms`` −1: the record has no time of its own."""
    if value is None:
        return _refused(Reason.NOT_JSON)
    if len(value) > MAX_BYTES and topic is not Topic.TOUCHES:
        return _refused(Reason.TOO_LARGE)
    try:
        document = _parse(value.decode())
    except ValueError:
        return _refused(Reason.NOT_JSON)
    if not isinstance(document, Members):
        return _refused(Reason.NOT_AN_OBJECT)
    if topic is Topic.TOUCHES:
        return Verdict(frozenset({None, *Reason}))
    return _judge_members(topic, document, record_ms, now_ms)


def _refused(reason: Reason, *fields: str) -> Verdict:
    return Verdict(frozenset({reason}), None, frozenset(fields))


def _judge_members(topic: Topic, members: Members, record_ms: int, now_ms: int) -> Verdict:
    rules = RULES[topic]
    event = dict(members)
    breaches = {name for name, rule in rules.items() if not rule(event.get(name))}
    if topic is not Topic.CLICKS and all(_blank(event.get(name)) for name in CUSTOMER):
        breaches.add("customerExternalId")
    hidden = {name for name, value in members if name in rules and not rules[name](value)}
    if breaches:
        return _refused(Reason.SCHEMA_VIOLATION, *breaches, *hidden)
    stamp = event.get("timestamp")
    at_ms = (record_ms if record_ms >= 0 else now_ms) if stamp is None else milliseconds(stamp)
    in_range = at_ms is not None and YEAR_2000_MS <= at_ms <= now_ms + DAY_MS
    reasons: set[Reason | None] = {None if in_range else Reason.TIMESTAMP_OUT_OF_RANGE}
    if hidden:
        reasons.add(Reason.SCHEMA_VIOLATION)
    return Verdict(frozenset(reasons), at_ms if in_range else None)


def _parse(text: str) -> object:
    """Raises ``ValueError`` for what is not JSON in UTF-8, or nested deeper than is read."""
    if _depth(text) > MAX_NESTING:
        raise ValueError("nested too deeply")
    document: object = json.loads(
        text,
        object_pairs_hook=Members,
        parse_int=Integer,
        parse_float=Real,
        parse_constant=_refuse_constant,
    )
    if "\\u" in text:
        _check_text(document)
    return document


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _depth(text: str) -> int:
    if text.count("[") + text.count("{") <= MAX_NESTING:
        return 0
    depth = deepest = 0
    for bracket in re.sub(r'"(?:[^"\\]|\\.)*"|[^][{}"]', "", text, flags=re.DOTALL):
        depth += (bracket in "[{") - (bracket in "]}")
        deepest = max(deepest, depth)
    return deepest


def _check_text(document: object) -> None:
    """Half a surrogate pair is no character: such a text has no UTF-8. Raises ``ValueError``."""
    if isinstance(document, str):
        document.encode()
    elif isinstance(document, Members):
        for name, value in document:
            name.encode()
            _check_text(value)
    elif isinstance(document, list):
        for value in document:
            _check_text(value)


def _length(document: object) -> int:
    """Characters of JSON without blanks, as the generator of the inputs writes it."""
    length, left = 0, [document]
    while left:
        one = left.pop()
        if isinstance(one, Members):
            length += 2 + max(0, 2 * len(one) - 1) + sum(len(_text_of(name)) for name, _ in one)
            left += [value for _, value in one]
        elif isinstance(one, list):
            length += 2 + max(0, len(one) - 1)
            left += one
        else:
            length += len(one if isinstance(one, Integer | Real) else _text_of(one))
    return length


def _text_of(scalar: object) -> str:
    return json.dumps(scalar, ensure_ascii=False)


Rule = Callable[[object], bool]


def _text(value: object) -> bool:
    return isinstance(value, str) and not isinstance(value, Integer | Real)


def _blank(value: object) -> bool:
    return not (isinstance(value, str) and value.strip())


def _optional(rule: Rule) -> Rule:
    return lambda value: value is None or rule(value)


def _at_most(length: int, value: object) -> bool:
    return _text(value) and isinstance(value, str) and len(value) <= length


def _present(length: int, value: object) -> bool:
    return _at_most(length, value) and not _blank(value)


def _workspace(value: object) -> bool:
    return _text(value) and re.fullmatch(r"[A-Za-z0-9_-]{1,64}", str(value)) is not None


def _integer(least: int, most: int, value: object) -> bool:
    return isinstance(value, Integer) and len(value) < 100 and least <= int(value) <= most


def _flag(value: object) -> bool:
    return isinstance(value, bool) or _integer(0, 1, value)


def _coordinate(value: object) -> bool:
    return _text(value) or (isinstance(value, Integer | Real) and math.isfinite(float(value)))


def _one_of(values: tuple[str, ...], value: object) -> bool:
    return _text(value) and value in values


def _metadata(value: object) -> bool:
    return isinstance(value, Members) and _length(value) <= MAX_METADATA


def _timestamp(value: object) -> bool:
    return isinstance(value, Integer) or (_text(value) and milliseconds(value) is not None)


_RFC3339: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):?(\d\d))", re.ASCII
)


def milliseconds(stamp: object) -> int | None:
    """Epoch milliseconds of a timestamp; None when it is none. A leap second is none: no clock shows one."""
    if isinstance(stamp, Integer):
        return int(stamp) if len(stamp) < 100 else 10**100
    match = _RFC3339.fullmatch(str(stamp))
    if match is None:
        return None
    year, month, day, hour, minute, second = map(int, match.groups()[:6])
    sign, hours, minutes = match[8], int(match[9] or 0), int(match[10] or 0)
    if hour > 23 or minute > 59 or second > 59 or hours > 23 or minutes > 59:
        return None
    try:
        days = date(year, month, day).toordinal() - date(1970, 1, 1).toordinal()
    except ValueError:
        return None
    offset = (hours * 60 + minutes) * (-1 if sign == "-" else 1)
    seconds = ((days * 24 + hour) * 60 + minute - offset) * 60 + second
    return seconds * 1000 + int(((match[7] or "") + "000")[:3])


CUSTOMER: Final = ("customerExternalId", "externalId", "customerId")
_ANY: Final = partial(_at_most, MAX_BYTES)
_EVERY: Final[dict[str, Rule]] = {
    "workspaceId": _workspace,
    "timestamp": _optional(_timestamp),
    "eventId": _optional(partial(_at_most, 255)),
}
_OF_CUSTOMERS: Final = _EVERY | {name: _optional(partial(_at_most, 100)) for name in CUSTOMER}
_CLICK_TEXTS: Final = (
    "linkId", "domain", "key", "url", "partnerId", "programId", "tenantId", "linkExternalId", "continent",
    "country", "region", "city", "device", "browser", "os", "ua", "referer", "refererUrl", "ip",
)  # fmt: skip
_CLICK: Final = (
    _EVERY
    | {name: _optional(_ANY) for name in _CLICK_TEXTS}
    | {name: _optional(_flag) for name in ("trackConversion", "qr", "bot")}
    | {name: _optional(_coordinate) for name in ("latitude", "longitude")}
    | {
        "clickId": partial(_present, 64),
        "trigger": _optional(partial(_one_of, ("link", "qr", "pageview", "deeplink"))),
    }
)
_LEAD: Final = _OF_CUSTOMERS | {
    "eventName": partial(_present, 255),
    "clickId": _optional(partial(_at_most, 64)),
    "mode": _optional(partial(_one_of, ("async", "wait", "deferred"))),
    "customerName": _optional(partial(_at_most, 100)),
    "customerEmail": _optional(_ANY),
    "customerAvatar": _optional(_ANY),
    "eventQuantity": _optional(partial(_integer, 1, 100)),
    "metadata": _optional(_metadata),
}
_PURCHASE: Final = _OF_CUSTOMERS | {
    "amount": partial(_integer, 0, 2**63 - 1),
    "currency": _optional(partial(_at_most, 16)),
    "eventName": _optional(partial(_at_most, 255)),
    "paymentProcessor": _optional(_ANY),
    "invoiceId": _optional(partial(_at_most, 255)),
    "leadEventName": _optional(partial(_at_most, 255)),
    "metadata": _optional(_metadata),
}
RULES: Final[Mapping[Topic, Mapping[str, Rule]]] = {
    Topic.CLICKS: _CLICK,
    Topic.DEFERRED_LEADS: _LEAD,
    Topic.QUALIFICATIONS: _LEAD,
    Topic.PURCHASES: _PURCHASE,
    Topic.ERASURES: _OF_CUSTOMERS,
}
