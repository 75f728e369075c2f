"""Which calls pages of other hosts may make: any, as far as a browser is asked. Who may come in is decided by
keys and hostnames (``callers``).
"""

from typing import Final

OPTIONS: Final = "OPTIONS"

CORS_HEADERS: Final = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"POST, OPTIONS"),
    (b"access-control-allow-headers", b"Content-Type, Authorization"),
    (
        b"access-control-expose-headers",
        b"Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, X-Leadstream-Warning",
    ),
    (b"access-control-max-age", b"86400"),
)
