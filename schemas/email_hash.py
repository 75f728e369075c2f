"""Whether two e-mail addresses are one person's, asked without keeping either."""

from hashlib import sha256
from typing import Final

_DOTS_DO_NOT_COUNT: Final = frozenset({"gmail.com", "googlemail.com"})


def email_hash(email: str) -> str:
    """SHA-256 in hex, of the address as its provider reads it.

    In lower case, without what follows a ``+``; Google's without dots, at one domain.
    """
    local, at, domain = email.strip().lower().rpartition("@")
    if not at:
        return sha256(domain.encode()).hexdigest()
    local = local.partition("+")[0] or local
    if domain in _DOTS_DO_NOT_COUNT:
        local, domain = local.replace(".", ""), "gmail.com"
    return sha256(f"{local}@{domain}".encode()).hexdigest()
