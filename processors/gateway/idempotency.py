"""Calls that clients repeat."""

from typing import Final

from processors.gateway.answers import ApiError, Code
from processors.gateway.routing import Call
from schemas.ids import idempotent_event_id
from schemas.texts import ID, said

_HEADER: Final = b"idempotency-key"


def idempotency_of(call: Call, workspace_id: str) -> str | None:
    """What stands for the ``Idempotency-Key`` of a call, in its workspace; None: it has none.

    A hash: the key may say something of a person. Raises ``ApiError`` for one of too many characters.
    """
    # Few have one: ``request.headers`` would be made for it, and read with every name encoded.
    given = next((value for name, value in call.request.scope["headers"] if name == _HEADER), b"")
    key = said(given.decode("latin-1"))
    if key is None:
        return None
    if len(key) > ID:
        message = f"too_big: Idempotency-Key: Idempotency-Key must have at most {ID} characters"
        raise ApiError(Code.UNPROCESSABLE_ENTITY, message)
    return idempotent_event_id(workspace_id, key.strip())
