"""Pages of what is listed: by their number, or beginning after or ending before what has an id."""

from typing import Annotated, Final, Protocol

from msgspec import Meta

from processors.gateway.answers import ApiError, Code
from schemas.texts import ID

MOST_PAGES: Final = 1_000
PAGE: Final = 100

Page = Annotated[int, Meta(ge=1)]
PageSize = Annotated[int, Meta(ge=1, le=PAGE)]
Cursor = Annotated[str, Meta(max_length=ID)]


class Paged(Protocol):
    """The fields of a query that say it."""

    @property
    def page(self) -> int | None: ...
    @property
    def page_size(self) -> int: ...
    @property
    def starting_after(self) -> str | None: ...
    @property
    def ending_before(self) -> str | None: ...


def cursor_of(query: Paged) -> str | None:
    """The id that the page begins after or ends before."""
    return query.starting_after or query.ending_before or None


def skipped(query: Paged) -> int:
    """How many come before the page, where it is asked for by its number."""
    return ((query.page or 1) - 1) * query.page_size


def check_paging(query: Paged) -> None:
    """Raises ``ApiError`` for what contradicts itself."""
    if query.page is not None and cursor_of(query):
        raise _unprocessable(
            "You cannot use both page and startingAfter/endingBefore at the same time."
            " Please use one pagination method."
        )
    if query.starting_after and query.ending_before:
        raise _unprocessable("You cannot use both startingAfter and endingBefore at the same time.")
    if query.page is not None and query.page > MOST_PAGES:
        raise _unprocessable(
            f"Page is too big (cannot be more than {MOST_PAGES}),"
            " recommend using cursor-based pagination instead."
        )


def no_such_cursor() -> ApiError:
    """Nothing of this workspace has the id that a page is to begin or end at."""
    return _unprocessable("Invalid cursor: the provided ID does not exist.")


def _unprocessable(message: str) -> ApiError:
    return ApiError(Code.UNPROCESSABLE_ENTITY, message)
