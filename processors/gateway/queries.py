"""Query strings, and what forms of pages send → a route's type."""

from typing import Any, Final
from urllib.parse import parse_qsl

from msgspec import ValidationError, convert, inspect

from processors.gateway.answers import ApiError, Code
from processors.gateway.findings import finding

_MOST_FIELDS: Final = 1_000


class QueryDecoder:
    """Of names that come more than once the last counts; a list takes all, and those with commas between.
    An empty value is absent, but where a text is expected.
    """

    def __init__(self, kind: Any, place: str = "query") -> None:
        """``place``: where it comes from, for errors."""
        self._kind = kind
        self._place = place
        fields = inspect.type_info(kind).fields  # type: ignore[attr-defined]
        kinds = {one.encode_name: _kinds(one.type) for one in fields}
        self._lists = frozenset(name for name, found in kinds.items() if inspect.ListType in found)
        self._texts = frozenset(name for name, found in kinds.items() if inspect.StrType in found)

    def __call__(self, query: bytes) -> Any:
        """Raises ``ApiError``."""
        given: dict[str, Any] = {}
        if query:
            for name, value in _pairs(query):
                if name in self._lists:
                    given.setdefault(name, []).extend(one for one in value.split(",") if one)
                elif value or name in self._texts:
                    given[name] = value
        try:
            return convert(given, self._kind, strict=False)
        except ValidationError as error:
            raise finding(error, self._place) from None


def _pairs(query: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise ApiError(Code.BAD_REQUEST, f"The query has more than {_MOST_FIELDS} fields.") from None


def _kinds(found: inspect.Type) -> set[type[inspect.Type]]:
    if isinstance(found, inspect.Metadata):
        return _kinds(found.type)
    if isinstance(found, inspect.UnionType):
        return set[type[inspect.Type]]().union(*map(_kinds, found.types))
    return {type(found)}
