"""What the registry raises, as callers are told."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from processors.errors import CheckFailed, LeadstreamError
from processors.gateway.answers import ApiError, Code, TryAgain
from processors.registry.link_changes import (
    DomainNotOfWorkspace,
    ExternalIdTaken,
    KeyTaken,
    NoSuchLink,
)

_ANSWERS: Final[dict[type[LeadstreamError], tuple[Code, str]]] = {
    NoSuchLink: (Code.NOT_FOUND, "Link not found."),
    DomainNotOfWorkspace: (Code.FORBIDDEN, "Domain does not belong to workspace."),
    KeyTaken: (Code.CONFLICT, "There is a link with this key already. Choose another key."),
    ExternalIdTaken: (Code.CONFLICT, "There is a link with this externalId already. Choose another one."),
}


def told(error: LeadstreamError | ApiError) -> ApiError:
    """Whatever is no refusal may have been done, and may be asked for again."""
    if isinstance(error, ApiError):
        return error
    if type(error) in _ANSWERS:
        return ApiError(*_ANSWERS[type(error)])
    if isinstance(error, CheckFailed):
        return ApiError(Code.UNPROCESSABLE_ENTITY, f"{error.cause}. {error.remedy}".strip())
    return TryAgain("Links cannot be read or written at the moment. Try again.")


@contextmanager
def telling() -> Iterator[None]:
    """What the registry raises inside is an ``ApiError``."""
    try:
        yield
    except LeadstreamError as error:
        raise told(error) from error
