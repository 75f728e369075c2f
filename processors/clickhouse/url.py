"""Where ClickHouse is, and who we are to it: one value, of which nothing shows the password by accident."""

import re
from dataclasses import dataclass, field, replace
from typing import Final, Self
from urllib.parse import quote, unquote, urlsplit

HIDDEN: Final = "***"
DEFAULT_DATABASE: Final = "leadstream"
_EMBEDDED: Final = "chdb"
_SCHEMES: Final = ("http", "https", _EMBEDDED)
_DATABASE: Final = re.compile(r"[\w.-]*")
_UNSEEN: Final = re.compile(r"[\s\x00-\x1f\x7f]")
_REFUSAL: Final = (
    "not a ClickHouse URL: write http://user:password@host:port/database or chdb:///path, and in user and "
    "password every character that means something in a URL as its code, such as %2F for a slash"
)


@dataclass(frozen=True)
class ClickHouseUrl:
    """``http(s)://user:password@host:port/database``, or ``chdb:///path`` for an engine inside the process.

    Parts are plain text, not quoted; ``user``, ``password``, ``port`` None: not given. ``str()`` and
    ``repr()`` show ``***`` for a password; :meth:`secret` has all of it.
    """

    scheme: str
    host: str = ""
    port: int | None = None
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    name: str = ""
    path: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ``ValueError``, which says what is expected and repeats nothing of ``text``."""
        try:
            return cls._parsed(text)
        except ValueError:
            # Its cause may have the password in it.
            raise ValueError(_REFUSAL) from None

    @classmethod
    def _parsed(cls, text: str) -> Self:
        if _UNSEEN.search(text):
            raise ValueError
        parts = urlsplit(text)
        # A password with a bare / ? or # in it ends up behind the host: nothing there may look like a rest.
        behind = parts.path + parts.query + parts.fragment
        if parts.scheme not in _SCHEMES or re.search(r"[@?#]", behind) or parts.query or parts.fragment:
            raise ValueError
        if parts.scheme == _EMBEDDED:
            if parts.netloc or not parts.path.startswith("/"):
                raise ValueError
            return cls(_EMBEDDED, path=unquote(parts.path))
        name = parts.path.removeprefix("/").removesuffix("/")
        if not parts.hostname or parts.port == 0 or not _DATABASE.fullmatch(name):
            raise ValueError
        user, password = (
            None if part is None else unquote(part, errors="strict")
            for part in (parts.username, parts.password)
        )
        return cls(parts.scheme, parts.hostname, parts.port, user, password, name)

    @property
    def embedded(self) -> bool:
        """An engine inside the process, on ``path``."""
        return self.scheme == _EMBEDDED

    @property
    def database(self) -> str:
        """``leadstream`` when the URL names none."""
        return self.name or DEFAULT_DATABASE

    def naming(self, database: str) -> Self:
        """The same server, another database. Raises ``ValueError``."""
        if self.embedded:
            raise ValueError("an embedded ClickHouse has one database: name another path")
        if not database or not _DATABASE.fullmatch(database):
            raise ValueError(f"{database!r} is no name of a database: write letters, digits and _")
        return replace(self, name=database)

    def as_user(self, user: str | None, password: str | None) -> Self:
        """The same place, for this user; None: as it is."""
        return replace(self, user=user or self.user, password=self.password if password is None else password)

    def secret(self) -> str:
        """All of it, password and all, as :meth:`parse` reads it: not for eyes or logs."""
        return self._written(None if self.password is None else quote(self.password, safe=""))

    def __str__(self) -> str:
        return self._written(HIDDEN if self.password else self.password)

    def __repr__(self) -> str:
        return f"ClickHouseUrl({str(self)!r})"

    def _written(self, password: str | None) -> str:
        if self.embedded:
            return f"{_EMBEDDED}://{quote(self.path)}"
        login = "" if self.user is None else quote(self.user, safe="")
        if password is not None:
            login += f":{password}"
        at = "" if self.user is None and password is None else "@"
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port is None else f":{self.port}"
        name = f"/{self.name}" if self.name else ""
        return f"{self.scheme}://{login}{at}{host}{port}{name}"


def masked(text: str) -> str:
    """What may be shown of a URL: all but its password, and of what is none nothing."""
    try:
        return str(ClickHouseUrl.parse(text))
    except ValueError:
        return HIDDEN
