"""Kafka's primitives as bytes (https://kafka.apache.org/protocol); compact ones are of flexible versions."""

import struct
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

int16: Final = struct.Struct(">h")
int32: Final = struct.Struct(">i")
NO_TAGS: Final = b"\0"


def array(items: Mapping[Any, Any]) -> bytes:
    """The length in front of an array of these."""
    return int32.pack(len(items))


@cache
def string(text: str) -> bytes:
    """Of names, of which there are few."""
    encoded = text.encode()
    return int16.pack(len(encoded)) + encoded


@cache
def compact(name: str | None) -> bytes:
    """Of names, of which there are few."""
    return b"\0" if name is None else compact_text(name)


def compact_text(text: str) -> bytes:
    """Of any text."""
    encoded = text.encode()
    return uvarint(len(encoded) + 1) + encoded


def uvarint(number: int) -> bytes:
    """Seven bits a byte, the lowest first."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def read_uvarint(body: bytes, at: int) -> tuple[int, int]:
    """The number that begins there, and where it has ended."""
    number = shift = 0
    while True:
        byte = body[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte <= 0x7F:
            return number, at
        shift += 7


def read_compact(body: bytes, at: int) -> tuple[str, int]:
    """The text that begins there ('' for none), and where it has ended."""
    length, at = read_uvarint(body, at)
    end = at + max(0, length - 1)
    return body[at:end].decode(), end


def skip_tags(body: bytes, at: int) -> int:
    """Where the tags that begin there have ended."""
    tags, at = read_uvarint(body, at)
    for _ in range(tags):
        _, at = read_uvarint(body, at)
        length, at = read_uvarint(body, at)
        at += length
    return at
