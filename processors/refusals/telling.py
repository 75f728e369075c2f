"""A dead letter in lines of text."""

from collections.abc import Iterator
from typing import Final

from processors.refusals.dead_letters import DeadLetter

_HEX_BYTES: Final = 4096
_HEX_LINE: Final = 16


def in_full(letter: DeadLetter) -> Iterator[str]:
    """Headers, key and value."""
    cause = letter.cause
    document = letter.document()
    yield f"id           {letter.id}"
    yield f"reported     {document['reportedAt']}"
    yield f"reason       {cause.reason}"
    yield f"detail       {cause.detail}"
    yield f"attempt      {cause.attempt}"
    yield f"workspace    {letter.workspace or '(none)'}"
    topic, partition, offset = cause.source
    yield f"source       {topic}, partition {partition}, offset {offset}"
    yield f"record time  {document['source']['timestamp'] or '(none)'}"
    yield f"key          {_shown(letter.key)}"
    yield f"value        {'(none)' if letter.value is None else f'{len(letter.value):,} bytes'}"
    if letter.value is not None:
        yield ""
        yield from _readable(letter.value)


def _shown(value: bytes | None) -> str:
    if value is None:
        return "(none)"
    try:
        return value.decode()
    except UnicodeDecodeError:
        return "0x" + value.hex()


def _readable(value: bytes) -> Iterator[str]:
    """Text as it is; else bytes, as `hexdump -C` shows them."""
    try:
        lines = value.decode().split("\n")
    except UnicodeDecodeError:
        for start in range(0, min(len(value), _HEX_BYTES), _HEX_LINE):
            part = value[start : start + _HEX_LINE]
            text = "".join(chr(one) if 32 <= one < 127 else "." for one in part)
            yield f"{start:08x}  {part.hex(' '):<47}  |{text}|"
        if len(value) > _HEX_BYTES:
            yield f"… and {len(value) - _HEX_BYTES:,} bytes more; --raw writes them all"
    else:
        yield from lines
