"""Deterministic ids: the same facts give the same id, whoever computes it."""

from functools import lru_cache
from hashlib import blake2b
from typing import Final

OUR_CUSTOMER: Final = "cus_"
"""How our ids of customers begin."""


def _digest(*parts: str) -> str:
    return blake2b("\x1f".join(parts).encode(), digest_size=16).hexdigest()


@lru_cache(maxsize=4096)
def event_key(event_name: str) -> str:
    """What makes two event names the same: ``Sign Up`` = ``sign  up`` = ``sign-up``."""
    return "-".join(event_name.lower().split())


def lead_id(workspace_id: str, customer_external_id: str, key_of_event: str) -> str:
    """One lead per customer and :func:`event_key`."""
    return "ld_" + _digest(workspace_id, customer_external_id, key_of_event)


def sale_id(workspace_id: str, customer_external_id: str, purchase: str) -> str:
    """``purchase``: the invoiceId, else the eventId, else a hash of the content."""
    return "sl_" + _digest(workspace_id, customer_external_id, purchase)


def customer_id(workspace_id: str, customer_external_id: str) -> str:
    """The customer's own id, apart from the one that the workspace gave it."""
    return OUR_CUSTOMER + _digest(workspace_id, customer_external_id)


def idempotent_event_id(workspace_id: str, idempotency_key: str) -> str:
    """The eventId of what is sent under this ``Idempotency-Key``: the same for each time that it is sent."""
    return "ik_" + _digest(workspace_id, idempotency_key)


def reward_id(workspace_id: str, program_id: str, partner_id: str, customer_external_id: str, of: str) -> str:
    """``of``: ``lead``, which a partner is rewarded for once, or the saleId."""
    return "rw_" + _digest(workspace_id, program_id, partner_id, customer_external_id, of)


def cap_id(workspace_id: str, program_id: str, partner_id: str, kind: str, period: str, customer: str) -> str:
    """``customer``: whose sales have a cap of their own; else empty."""
    return "cap_" + _digest(workspace_id, program_id, partner_id, kind, period, customer)
