"""Records that nobody should send, and some that they should; seeded, so that a failure comes back."""

import gzip
import json
import random
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from schemas.headers import Headers
from schemas.topics import Topic
from tests.poison.oracle import CUSTOMER, MAX_BYTES, MAX_METADATA, MAX_NESTING, RULES

NOW_MS: Final = 1_780_000_000_000
HOUR_MS: Final = 3_600_000
INPUTS: Final = tuple(RULES)
MIB: Final = 1 << 20


class Input(NamedTuple):
    """``kind``: the generator that made it. ``field``: the one field that was spoilt, where it is one."""

    kind: str
    topic: Topic
    value: bytes | None
    field: str | None = None
    timestamp: int = NOW_MS
    headers: Headers = ()


class Literal(NamedTuple):
    """Text that stands in an event as it is, whether it is JSON or not."""

    text: str


WRONG_TYPES: Final[tuple[Any, ...]] = (
    7,
    -1,
    1.5,
    True,
    False,
    None,
    "",
    " ",
    "text",
    [],
    [1],
    {},
    {"a": 1},
    ["x", None],
    0,
    2,
)
HUGE: Final = tuple(
    Literal(text)
    for text in (
        "9" * 20, "-" + "9" * 20, "9" * 400, "-" + "9" * 400, "9" * 5000, "1e5", "1E400", "-1e400", "1e-400",
        "1e999999", "9223372036854775807", "9223372036854775808", "18446744073709551616", "1.0", "-0", "-0.0",
        "0.1e1", "1" + "0" * 300 + ".5", "0." + "3" * 5000,
    )
)  # fmt: skip
NO_NUMBERS: Final = tuple(
    Literal(text)
    for text in ("NaN", "-NaN", "Infinity", "-Infinity", "nan", "01", "1.", ".5", "+1", "0x10", "1e", "-")
)
TIMESTAMPS: Final = (
    "2026-01-01T00:00:00Z", "2026-01-01t00:00:00z", "2026-01-01 00:00:00Z", "2026-01-01T00:00:00.1234567Z",
    "2026-01-01T00:00:00+23:59", "2026-01-01T00:00:00-12:00", "2026-01-01T00:00:00", "2026-01-01T00:00Z",
    "2026-01-01", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-01T24:00:00Z",
    "2026-01-01T00:00:60Z",
    "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00+01", "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59.999-23:59", "9999-12-31T23:59:59.999999Z", "yesterday",
    "1999-12-31T23:59:59.999Z", "2000-01-01T00:00:00Z", "1780000000000", "", "2026-01-01T00:00:00Z\n",
    "２026-01-01T00:00:00Z", 946_684_799_999, 946_684_800_000, NOW_MS + 24 * HOUR_MS,
    NOW_MS + 24 * HOUR_MS + 1,
    -1, 0, 1, 10**15, 2**63, -(2**63), 1.5, Literal("1780000000000.0"), Literal("1.78e12"),
)  # fmt: skip
TEXTS: Final = (
    Literal('"\\u0000"'), Literal('"\\ud83d\\ude00"'), Literal('"\\ud800"'), Literal('"\\udc00"'),
    Literal('"\\ud800\\u0041"'), Literal('"\\ud800x"'), Literal('"\\x"'), Literal('"\\uZZZZ"'),
    Literal('"\\u00"'),
    Literal('"a\\/b"'), Literal('"a\tb"'), Literal('"a\x00b"'), Literal('"a\x1fb"'), Literal('"a\x7fb"'),
    Literal('"\ufeff"'), Literal('"a\nb"'), "\u202eevil", "é" * 3, "e\u0301", "🙂" * 2, "\u2028",
    "\x85", "\xa0",
    "undefined", " NaN", "[object Object]", "Null\n", "a\x80b", "usd", " EUR ", "€€€",
    "a\nb", "acme\n", "a:b", "a\x1fb", "'; DROP TABLE leads; --", "\ufffe", "{{7*7}}", "\x00", "null",
)  # fmt: skip
INVALID_UTF8: Final = (
    b"\xff", b"\xfe", b"\x80", b"\xc0\xaf", b"\xc1\x81", b"\xe2\x82", b"\xed\xa0\x80", b"\xf0\x9f\x98",
    b"\xf4\x90\x80\x80", b"\xf8\x88\x80\x80\x80", b"\xc3(", b"\xe2(\xa1",
)  # fmt: skip
HEADERS: Final[tuple[Any, ...]] = (
    (),
    (("attempt", b"3"),),
    (("attempt", b"-1"), ("source-topic", b"elsewhere")),
    (("attempt", b"9" * 5000),),
    (("attempt", "²".encode()), ("source-offset", b"x"), ("source-partition", b"")),
    (("attempt", None), ("source-topic", None)),  # Kafka lets a header be null
    (("attempt", b"2"), ("source-topic", b"\xff"), ("source-partition", b"9" * 30), ("source-offset", b"1")),
)


def event(rng: random.Random, topic: Topic) -> dict[str, Any]:
    """A valid one. Few ids, so that events meet."""
    fields: dict[str, Any] = {
        "workspaceId": rng.choice(("acme", "globex", "A-_9")),
        "timestamp": NOW_MS - rng.randrange(60 * 24) * HOUR_MS,
    }
    if rng.random() < 0.3:
        fields["eventId"] = f"e{rng.randrange(1000)}"
    if topic is Topic.CLICKS:
        return fields | {
            "clickId": f"c{rng.randrange(300)}",
            "linkId": rng.choice(("l1", None)),
            "url": "https://example.com/ü?a=1",
            "trackConversion": rng.choice((True, False, 1, None)),
            "latitude": rng.choice((51.5, "51.5", None)),
            "country": rng.choice(("DE", None)),
            "bot": rng.random() < 0.02,
        }
    fields[rng.choice(CUSTOMER)] = f"u{rng.randrange(200)}"
    if topic is Topic.PURCHASES:
        fields |= {"amount": rng.randrange(10_000), "invoiceId": f"in_{rng.randrange(500)}"}
    elif topic is not Topic.ERASURES:
        fields |= {
            "eventName": rng.choice(("Sign Up", "First  Meeting", "größe")),
            "mode": rng.choice(("async", "wait", "deferred", None)),
            "customerName": rng.choice(("Ünal", None)),
            "metadata": rng.choice((None, {"words": 2000, "of": ["é", None]})),
        }
        if topic is Topic.DEFERRED_LEADS:
            fields["clickId"] = f"c{rng.randrange(300)}"
    return fields


def written(fields: dict[str, Any]) -> str:
    """Without blanks; a :class:`Literal` as it is."""
    return "{" + ",".join(f"{_json(name)}:{_json(value)}" for name, value in fields.items()) + "}"


def _json(value: object) -> str:
    if isinstance(value, Literal):
        return value.text
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _spoilt(kind: str, values: tuple[Any, ...], rng: random.Random) -> Input:
    """One field of a valid event is another value."""
    topic = rng.choice(INPUTS)
    field = rng.choice(list(RULES[topic]))
    return Input(kind, topic, written(event(rng, topic) | {field: rng.choice(values)}).encode(), field)


def _valid(kind: str, rng: random.Random) -> Input:
    topic = rng.choice(INPUTS)
    fields = event(rng, topic)
    if rng.random() < 0.1:
        del fields["timestamp"]
    return Input(
        kind, topic, written(fields).encode(), timestamp=rng.choice((NOW_MS, NOW_MS - HOUR_MS, -1, 0, 10**15))
    )


def _missing(kind: str, rng: random.Random) -> Input:
    topic = rng.choice(INPUTS)
    fields = event(rng, topic)
    for name in rng.sample(list(fields), rng.randrange(1, 3)):
        del fields[name]
    return Input(kind, topic, written(fields).encode())


def _timestamps(kind: str, rng: random.Random) -> Input:
    topic = rng.choice(INPUTS)
    stamp = rng.choice(TIMESTAMPS)
    return Input(kind, topic, written(event(rng, topic) | {"timestamp": stamp}).encode(), "timestamp")


def _too_long(kind: str, rng: random.Random) -> Input:
    """Around every bound of a length."""
    topic = rng.choice(INPUTS)
    field = rng.choice(list(RULES[topic]))
    length = rng.choice((16, 64, 100, 255, 320, 2_048, 4_096, 10_000, 32_000)) + rng.randrange(-1, 2)
    if field == "metadata":
        text = {"": "m" * (MAX_METADATA - len('{"":""}') + rng.randrange(-1, 2))}
        return Input(kind, topic, written(event(rng, topic) | {field: text}).encode(), field)
    return Input(
        kind, topic, written(event(rng, topic) | {field: rng.choice("aé🙂") * length}).encode(), field
    )


def _duplicate_keys(kind: str, rng: random.Random) -> Input:
    topic = rng.choice(INPUTS)
    fields = event(rng, topic)
    name = rng.choice(list(fields))
    twice = f"{_json(name)}:{_json(rng.choice((*WRONG_TYPES, fields[name])))}"
    text = written(fields)
    return Input(
        kind, topic, (f"{{{twice},{text[1:]}" if rng.random() < 0.5 else f"{text[:-1]},{twice}}}").encode()
    )


def _nested(kind: str, rng: random.Random) -> Input:
    topic = rng.choice(INPUTS)
    depth = rng.choice((10, MAX_NESTING - 2, MAX_NESTING - 1, MAX_NESTING, 900, 985, 10_000))
    left, right = rng.choice((("[", "]"), ('{"a":', "}"), ('[{"[":', "}]")))
    depth //= 1 + (len(left) == 6)
    text = left * depth + rng.choice(("0", '"]"', "")) + right * rng.choice((depth, depth, depth, depth - 1))
    field = rng.choice(("metadata", "unknown", *RULES[topic]))
    value = written(event(rng, topic) | {field: Literal(text)}) if rng.random() < 0.9 else text
    return Input(kind, topic, value.encode())


def _mutated(kind: str, rng: random.Random) -> Input:
    """A valid event with some bytes flipped, lost, doubled, cut off."""
    topic = rng.choice(INPUTS)
    value = bytearray(written(event(rng, topic)).encode())
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(value))
        match rng.randrange(5):
            case 0:
                value[at] ^= 1 << rng.randrange(8)
            case 1:
                del value[at : at + rng.randrange(1, 20)]
            case 2:
                value[at:at] = value[at : at + rng.randrange(1, 20)]
            case 3:
                value[at:at] = rng.choice(b'{}[]",:\\0 \n\x00').to_bytes(1, "big")
            case _:
                del value[at:]
        value = value or bytearray(b" ")
    return Input(kind, topic, bytes(value))


def _invalid_utf8(kind: str, rng: random.Random) -> Input:
    topic = rng.choice(INPUTS)
    value = written(event(rng, topic) | {"unknown": "text"}).encode()
    if rng.random() < 0.1:
        return Input(
            kind, topic, value.decode().encode(rng.choice(("utf-16", "utf-16-le", "utf-32", "utf-8-sig")))
        )
    if rng.random() < 0.1:
        return Input(
            kind, topic, rng.choice((gzip.compress(value, 1, mtime=0), b"\x00\x00\x00\x00*" + value))
        )
    at = rng.randrange(len(value) + 1)
    return Input(kind, topic, value[:at] + rng.choice(INVALID_UTF8) + value[at:])


def _garbage(kind: str, rng: random.Random) -> Input:
    """No object, no JSON, nothing at all."""
    value = rng.choice(
        (
            None, b"", b" ", b"\x00", rng.randbytes(rng.randrange(1, 200)), b"null", b"true", b"7", b"-",
            b'"text"',
            b"[]", b"[1,2", b"[" * 10_000, b"nul", b"1e999", b"9" * 5000, b"[]]", b"7 7", b"{}", b"{}{}",
            b"{},",
            b"[{}]", b"NaN", b"\xef\xbb\xbf{}", b'"\\ud800"', b"//", b"{/**/}", b"{'a':1}",
            b'{a:1}', b'{"a"}',
        )
    )  # fmt: skip
    return Input(kind, rng.choice(INPUTS), value)


def _large(kind: str, rng: random.Random) -> Input:
    """Around the limit, and 1 MiB."""
    topic = rng.choice(INPUTS)
    text = written(event(rng, topic) | {"unknown": ""}).encode()
    size = rng.choice((MAX_BYTES - 1, MAX_BYTES, MAX_BYTES + 1, MIB))
    filling = rng.choice((b"x", b" ", b"\x00", b"["))
    at = text.rindex(b'"') if rng.random() < 0.8 else len(text)
    return Input(kind, topic, text[:at] + filling * (size - len(text)) + text[at:])


KINDS: Final[dict[str, tuple[float, Callable[[str, random.Random], Input]]]] = {
    "valid": (3, _valid),
    "missing field": (1, _missing),
    "wrong type": (4, lambda kind, rng: _spoilt(kind, WRONG_TYPES, rng)),
    "huge number": (2, lambda kind, rng: _spoilt(kind, HUGE, rng)),
    "no number": (1, lambda kind, rng: _spoilt(kind, NO_NUMBERS, rng)),
    "odd text": (2, lambda kind, rng: _spoilt(kind, TEXTS, rng)),
    "timestamp": (1, _timestamps),
    "length": (1, _too_long),
    "duplicate key": (1, _duplicate_keys),
    "nesting": (0.2, _nested),
    "mutated": (4, _mutated),
    "invalid UTF-8": (1, _invalid_utf8),
    "garbage": (1, _garbage),
    "large": (0.02, _large),
}


def systematic() -> Iterator[Input]:
    """Every wrong value in every field of every event."""
    for topic in INPUTS:
        for field in RULES[topic]:
            for value in (*WRONG_TYPES, *HUGE, *NO_NUMBERS, *TEXTS):
                rng = random.Random(field)
                yield Input("every field", topic, written(event(rng, topic) | {field: value}).encode(), field)


def random_inputs(seed: int, count: int) -> Iterator[Input]:
    """Of every kind, with headers that only the system itself should write."""
    rng = random.Random(seed)
    names, weights = list(KINDS), [weight for weight, _ in KINDS.values()]
    for kind in rng.choices(names, weights, k=count):
        made = KINDS[kind][1](kind, rng)
        yield made._replace(headers=rng.choice(HEADERS)) if rng.random() < 0.1 else made
