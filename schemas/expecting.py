"""What would be right where a value was refused: the type of the place says it, the refusal does not."""

import re
from functools import lru_cache
from typing import Final

from msgspec import Struct, inspect

_STEP: Final = re.compile(r"\[[^\]]*\]|[^.\[]+")
REGEX: Final = " matching regex "
"""In a refusal by a pattern, which is nothing to be read to people."""


def told(kind: type[Struct], place: str, rule: str) -> str:
    """A refusal in msgspec's words, and what is right at this place of ``kind`` if a type or a description
    says so. ``place``: as in ``versions[0].lead.amount``.
    """
    words = expected(kind, place)
    if words is None:
        return rule
    return f"expected {words}" if REGEX in rule else f"{rule}: must be {words}"


@lru_cache(maxsize=64)
def expected(kind: type[Struct], place: str) -> str | None:
    """The words to choose from, or the description of a pattern or of a time. None: the rule says enough."""
    found: inspect.Type | None = inspect.type_info(kind)
    for step in _STEP.findall(place):
        found = None if found is None else _inside(_bare(found), step)
    return None if found is None else _words(found)


def _inside(found: inspect.Type, step: str) -> inspect.Type | None:
    if isinstance(found, inspect.StructType):
        return next((one.type for one in found.fields if one.encode_name == step), None)
    if isinstance(found, inspect.ListType):
        return found.item_type
    return found.value_type if isinstance(found, inspect.DictType) else None


def _bare(found: inspect.Type) -> inspect.Type:
    """Without its description, and without null beside it."""
    if isinstance(found, inspect.Metadata):
        return _bare(found.type)
    if isinstance(found, inspect.UnionType):
        return _bare(next(one for one in found.types if not isinstance(one, inspect.NoneType)))
    return found


def _words(found: inspect.Type) -> str | None:
    bare = _bare(found)
    if isinstance(bare, inspect.LiteralType):
        *others, last = map(str, bare.values)
        return f"{', '.join(others)} or {last}" if others else last
    is_described = isinstance(bare, inspect.DateTimeType) or (
        isinstance(bare, inspect.StrType) and bare.pattern is not None
    )
    description = _description(found) if is_described else ""
    return description[:1].lower() + description[1:].removesuffix(".") if description else None


def _description(found: inspect.Type) -> str:
    if isinstance(found, inspect.UnionType):
        return next(filter(None, map(_description, found.types)), "")
    if isinstance(found, inspect.Metadata):
        return str((found.extra_json_schema or {}).get("description", ""))
    return ""
