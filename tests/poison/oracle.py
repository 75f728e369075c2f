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
from unicodedata import category

from schemas.reasons import DeadLetterReason as Reason
from schemas.topics import Topic

MAX_BYTES: Final = 256 * 1024
MAX_NESTING: Final = 400
MAX_METADATA: Final = 10_000
YEAR_2000_MS: Final = 946_684_800_000
DAY_MS: Final = 86_400_000


class Verdict(NamedTuple):
    """``reasons``: each that is right, None being an event; ``at_ms``: its time; ``fields``: breaches.

    ``names``: a word that the detail must not leave out.
    """

    reasons: frozenset[Reason | None]
    at_ms: int | None = None
    fields: frozenset[str] = frozenset()
    names: str = ""


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
        return Verdict(frozenset({Reason.NOT_JSON}), names=_format_of(value))
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


def _format_of(value: bytes) -> str:
    """What somebody who looks at the first bytes says."""
    for beginning, name in (
        (b"\xef\xbb\xbf", "byte-order mark"),
        (b"\xff\xfe", "byte-order mark"),
        (b"\xfe\xff", "byte-order mark"),
        (b"\x1f\x8b", "gzip"),
        (b"\x00\x00\x00\x00", "schema registry"),
        (b'{\x00"\x00', "UTF-"),
    ):
        if value.startswith(beginning) and len(value) > len(beginning) + 1:
            return name
    return ""


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


def _no_mistake(value: object) -> bool:
    """No id that client code makes of nothing, and no control character."""
    text = str(value)
    nothing = re.fullmatch(r"\s*(?:undefined|null|nan|\[object object\])\s*", text, re.IGNORECASE | re.ASCII)
    return nothing is None and all(category(char) != "Cc" for char in text)


def _trimmed_id(length: int, value: object) -> bool:
    return _at_most(length, value) and _no_mistake(str(value).strip())


def _id(length: int, value: object) -> bool:
    return _at_most(length, value) and (_blank(value) or _no_mistake(value))


def _currency(value: object) -> bool:
    return _at_most(16, value) and re.fullmatch(r"(?:[A-Za-z]{3})?", str(value).strip()) is not None


def _stored_workspace(value: object) -> bool:
    return _text(value) and re.fullmatch(r"[A-Za-z0-9_-]{1,64}", str(value)) is not None


def _workspace(value: object) -> bool:
    return _stored_workspace(value) and _no_mistake(value)


def _integer(least: int, most: int, value: object) -> bool:
    whole = _whole(value)
    return whole is not None and least <= whole <= most


def _whole(value: object) -> int | None:
    """``2.0`` and ``2e0`` are 2."""
    match = _NUMBER.fullmatch(value) if isinstance(value, Integer | Real) else None
    if match is None:
        return None
    digits = (match["whole"] + (match["fraction"] or "")).lstrip("0")
    significant = digits.rstrip("0")
    zeros = len(digits) - len(significant) + int(match["exponent"] or 0) - len(match["fraction"] or "")
    if not significant:
        return 0
    if zeros < 0:
        return None
    beyond_all = 10**100
    size = int(significant + "0" * zeros) if len(significant) + zeros < 100 else beyond_all
    return -size if match["sign"] else size


_NUMBER: Final = re.compile(
    r"(?P<sign>-?)(?P<whole>[0-9]+)(?:\.(?P<fraction>[0-9]+))?(?:[eE](?P<exponent>[+-]?[0-9]+))?"
)


def _flag(value: object) -> bool:
    return isinstance(value, bool) or _integer(0, 1, value)


def _coordinate(value: object) -> bool:
    return _at_most(64, value) or (isinstance(value, Integer | Real) and math.isfinite(float(value)))


def _one_of(values: tuple[str, ...], value: object) -> bool:
    return _text(value) and (value in values or _blank(value))


def _metadata(value: object) -> bool:
    return isinstance(value, Members) and _length(value) <= MAX_METADATA


def _timestamp(value: object) -> bool:
    return milliseconds(value) is not None


_RFC3339: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):?(\d\d))", re.ASCII
)


def milliseconds(stamp: object) -> int | None:
    """Epoch milliseconds of a timestamp; None when it is none. A leap second is none: no clock shows one."""
    if not _text(stamp):
        return _whole(stamp)
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
_EVERY: Final[dict[str, Rule]] = {
    "workspaceId": _workspace,
    "timestamp": _optional(_timestamp),
    "eventId": _optional(partial(_id, 255)),
}
_OF_CUSTOMERS: Final = _EVERY | {name: _optional(partial(_trimmed_id, 100)) for name in CUSTOMER}
_LABELS: Final = (
    "linkId", "domain", "key", "partnerId", "programId", "tenantId", "linkExternalId", "continent",
    "country", "region", "city", "device", "browser", "os", "ip",
)  # fmt: skip
_CLICK: Final = (
    _EVERY
    | {name: _optional(partial(_at_most, 255)) for name in _LABELS}
    | {name: _optional(partial(_at_most, 4_096)) for name in ("ua", "referer", "refererUrl")}
    | {name: _optional(_flag) for name in ("trackConversion", "qr", "bot")}
    | {name: _optional(_coordinate) for name in ("latitude", "longitude")}
    | {
        "url": _optional(partial(_at_most, 32_000)),
        "clickId": lambda value: _present(64, value) and _trimmed_id(64, value),
        "trigger": _optional(partial(_one_of, ("link", "qr", "pageview", "deeplink"))),
    }
)
_LEAD: Final = _OF_CUSTOMERS | {
    "eventName": partial(_present, 255),
    "clickId": _optional(partial(_trimmed_id, 64)),
    "mode": _optional(partial(_one_of, ("async", "wait", "deferred"))),
    "customerName": _optional(partial(_at_most, 100)),
    "customerEmail": _optional(partial(_at_most, 320)),
    "customerAvatar": _optional(partial(_at_most, 2_048)),
    "eventQuantity": _optional(partial(_integer, 1, 100)),
    "metadata": _optional(_metadata),
}
_PROCESSORS: Final = ("stripe", "shopify", "polar", "paddle", "apple", "revenuecat", "dub", "custom")
_PURCHASE: Final = _OF_CUSTOMERS | {
    "amount": partial(_integer, 0, 2**63 - 1),
    "currency": _optional(_currency),
    "eventName": _optional(partial(_at_most, 255)),
    "paymentProcessor": _optional(partial(_one_of, _PROCESSORS)),
    "invoiceId": _optional(partial(_trimmed_id, 255)),
    "leadEventName": _optional(partial(_at_most, 255)),
    "metadata": _optional(_metadata),
}
RULES: Final[Mapping[Topic, Mapping[str, Rule]]] = {
    Topic.CLICKS: _CLICK,
    Topic.DEFERRED_LEADS: _LEAD,
    Topic.QUALIFICATIONS: _LEAD,
    Topic.PURCHASES: _PURCHASE,
    # Whoever is stored can be erased, under whatever id.
    Topic.ERASURES: _EVERY
    | {"workspaceId": _stored_workspace, "eventId": _optional(partial(_at_most, 255))}
    | {name: _optional(partial(_at_most, 100)) for name in CUSTOMER},
}
