"""What is wrong with a body or a query, in the form that clients read: ``<code>: <path>: <text>``.

Only the first finding is told. The codes are those of zod, which the SDKs' users know.
"""

import re
from typing import Final

from msgspec import ValidationError

from processors.gateway.answers import ApiError, Code

_MOST_CHARACTERS: Final = 500
_PLACE: Final = re.compile(r"(?P<rule>.*?)(?: - at (?P<key>`key` in )?`\$(?P<path>[^`]*)`)?", re.DOTALL)
_CODED: Final = re.compile(r"(?P<code>[a-z_]{3,40}): (?P<path>[^:]*): (?P<text>.*)", re.DOTALL)
_MISSING: Final = re.compile(r"Object missing required field `(?P<field>[^`]+)`")
_TYPE: Final = re.compile(r"Expected `(?P<wanted>[^`]+)`, got `(?P<given>[^`]+)`")
_LENGTH: Final = re.compile(r"Expected `(?P<kind>\w+)` of length (?P<side><=|>=) (?P<bound>\d+)")
_NUMBER: Final = re.compile(r"Expected `(?:int|float|decimal)` (?P<side><=|>=|<|>) (?P<bound>\S+)")
_INDEX: Final = re.compile(r"\[([^\]]*)\]")
_TYPES: Final = {"str": "string", "int": "integer", "float": "number", "bool": "boolean"}
_COUNTED: Final = {"str": "character", "array": "item", "object": "member"}


def finding(error: ValidationError, whole: str = "body") -> ApiError:
    """``whole``: what is at fault when no place inside it is."""
    found = _PLACE.fullmatch(str(error))
    assert found is not None  # noqa: S101 - the pattern takes every text
    path = _INDEX.sub(r".\1", found["path"] or "").strip(".")
    code, path, text = _told(found["rule"], path)
    message = f"{code}: {path or whole}: {text}"
    if len(message) > _MOST_CHARACTERS:
        message = message[: _MOST_CHARACTERS - 1] + "…"
    return ApiError(Code.UNPROCESSABLE_ENTITY, message)


def broken(path: str, text: str) -> ApiError:
    """A rule of ours, which no type says."""
    return ApiError(Code.UNPROCESSABLE_ENTITY, f"custom: {path}: {text}")


def _told(rule: str, path: str) -> tuple[str, str, str]:
    if match := _CODED.fullmatch(rule):  # a type that checks itself
        return match["code"], ".".join(one for one in (path, match["path"]) if one), match["text"]
    name = path.rpartition(".")[2]
    if match := _MISSING.fullmatch(rule):
        return (
            "invalid_type",
            ".".join(filter(None, (path, match["field"]))),
            f"{match['field']} is required.",
        )
    if match := _TYPE.fullmatch(rule):
        return (
            "invalid_type",
            path,
            f"Expected {_in_json(match['wanted'])}, received {_in_json(match['given'])}",
        )
    if match := _LENGTH.fullmatch(rule):
        return _measured(match, name, path)
    if match := _NUMBER.fullmatch(rule):
        return _bounded(match["side"], path, f"number to be {match['side']}{match['bound']}")
    if rule.startswith("Invalid enum value"):
        return "invalid_enum_value", path, rule
    if "regex" in rule or rule.startswith("Invalid "):
        return "invalid_string", path, f"{name} is not of the form that is documented"
    return "custom", path, rule


def _measured(match: re.Match[str], name: str, path: str) -> tuple[str, str, str]:
    kind, side, bound = match["kind"], match["side"], int(match["bound"])
    if side == ">=" and bound == 1:
        return "too_small", path, f"{name} is required"
    unit = _COUNTED.get(kind, "byte") + ("s" if bound != 1 else "")
    return _bounded(side, path, f"{_in_json(kind)} to have {side}{bound} {unit}")


def _bounded(side: str, path: str, expected: str) -> tuple[str, str, str]:
    """In the very words of zod: some clients compare them."""
    size = "small" if side.startswith(">") else "big"
    return f"too_{size}", path, f"Too {size}: expected {expected}"


def _in_json(kinds: str) -> str:
    return " | ".join(_TYPES.get(one, one) for one in kinds.split(" | "))
