"""Up to where somebody has read: of each partition the offset that comes next.

Offsets are Kafka's own. So a position that one gateway has told means the same to another one, which has read
the same records in another order, and to one that has started since.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from schemas.topics import Topic

TOPICS: Final[Sequence[Topic]] = (Topic.CLICKS, Topic.LEADS, Topic.SALES, Topic.CUSTOMERS)
"""In the order in which positions name them; more come at the end."""
MOST_CHARACTERS: Final = 16_384
"""Of a position that may be one."""
_MOST_BITS: Final = 63


class Place(NamedTuple):
    """A partition."""

    topic: Topic
    partition: int


Position = Mapping[Place, int]


def written(position: Position) -> str:
    """In characters that may stand in a header."""
    raw = bytearray()
    for topic in TOPICS:
        offsets = _offsets(position, topic)
        _put(raw, len(offsets))
        for offset in offsets:
            _put(raw, offset)
    return urlsafe_b64encode(raw).decode().rstrip("=")


def read(text: str) -> Position | None:
    """None: nobody has written this."""
    if not text or len(text) > MOST_CHARACTERS:
        return None
    try:
        numbers = iter([*_numbers(urlsafe_b64decode(text + "=" * (-len(text) % 4)))])
    except (Error, ValueError):
        return None
    position: dict[Place, int] = {}
    for topic in TOPICS:
        count = next(numbers, None)
        if count is None:
            return None
        for partition in range(count):
            offset = next(numbers, None)
            if offset is None:
                return None
            position[Place(topic, partition)] = offset
    return position if next(numbers, None) is None else None


def later(one: Position, other: Position) -> dict[Place, int]:
    """What either has."""
    return {place: max(one.get(place, 0), other.get(place, 0)) for place in {*one, *other}}


def _offsets(position: Position, topic: Topic) -> Sequence[int]:
    count = 1 + max((place.partition for place in position if place.topic == topic), default=-1)
    return [position.get(Place(topic, number), 0) for number in range(count)]


def _put(raw: bytearray, number: int) -> None:
    while number > 0x7F:
        raw.append(number & 0x7F | 0x80)
        number >>= 7
    raw.append(number)


def _numbers(raw: bytes) -> Iterator[int]:
    """Raises ``ValueError`` for what ends too soon, or says more than an offset."""
    number = bits = 0
    for byte in raw:
        number |= (byte & 0x7F) << bits
        bits += 7
        if bits > _MOST_BITS:
            raise ValueError("too large")
        if byte < 0x80:
            yield number
            number = bits = 0
    if bits:
        raise ValueError("cut short")
