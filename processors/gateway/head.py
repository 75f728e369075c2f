"""What the headers of a request say, as far as every request is asked for it."""

from typing import Final, NamedTuple, Self

from starlette.types import Scope

_SHORT: Final = 64 * 1024


class Head(NamedTuple):
    """``host``: as domains are kept, without a port. ``size``: bytes of all headers and the address.
    ``announced``: of a body, None: it comes in parts, until it ends. ``authorization``: "" for none.
    """

    host: str
    size: int
    announced: int | None
    authorization: str

    @property
    def has_body(self) -> bool:
        """One that is not empty, or may be so."""
        return self.announced != 0

    @property
    def is_short(self) -> bool:
        """It is here soon, read or not."""
        return self.announced is not None and self.announced <= _SHORT

    @classmethod
    def of(cls, scope: Scope) -> Self:
        """Names are in lower case there."""
        host, authorization, announced = b"", b"", 0
        size = len(scope["raw_path"]) + len(scope["query_string"])
        in_parts = False
        for name, value in scope["headers"]:
            size += len(name) + len(value)
            if name == b"host":
                host = value
            elif name == b"authorization":
                authorization = value
            elif name == b"content-length" and value.isdigit():
                announced = int(value)
            elif name == b"transfer-encoding":
                in_parts = True
        length = None if in_parts else announced
        return cls(_host(host), size, length, authorization.decode("latin-1"))


def _host(header: bytes) -> str:
    name, colon, port = header.rpartition(b":")
    if not colon or not port.isdigit():
        name = header
    return name.decode("latin-1").lower().removesuffix(".")
