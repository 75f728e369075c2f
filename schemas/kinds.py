"""What may stand in a field, as far as it decides how a text is to be read."""

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct, inspect

Kind = Literal["int", "float", "flag", "choice", "raw"]


def kinds_of_fields(kind: type[Struct]) -> dict[str, frozenset[Kind]]:
    """By the name in JSON; of texts and times nothing is said."""
    fields = inspect.type_info(kind).fields  # type: ignore[attr-defined]
    return {field.encode_name: frozenset(_kinds(field.type)) for field in fields}


def _kinds(found: inspect.Type) -> Iterator[Kind]:
    if isinstance(found, inspect.Metadata):
        yield from _kinds(found.type)
    elif isinstance(found, inspect.UnionType):
        for one in found.types:
            yield from _kinds(one)
    elif isinstance(found, inspect.IntType):
        yield "int"
    elif isinstance(found, inspect.FloatType):
        yield "float"
    elif isinstance(found, inspect.BoolType):
        yield "flag"
    elif isinstance(found, inspect.RawType):
        yield "raw"
    elif isinstance(found, inspect.LiteralType):
        yield "choice" if isinstance(found.values[0], str) else "int"
