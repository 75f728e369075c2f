"""Connections to ClickHouse."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from clickhouse_connect.driver.httpclient import HttpClient

from processors.clickhouse.url import ClickHouseUrl
from processors.errors import INSTALL_LOCAL, ExitCode, LeadstreamError
from processors.proxies import is_loopback, reach_directly
from processors.settings import Settings

if TYPE_CHECKING:
    from clickhouse_connect.driver.asyncclient import AsyncClient

_PORTS = {"http": 8123, "https": 8443}
_CONNECT_S = 5


class NoClickHouse(LeadstreamError):
    """ClickHouse cannot be used; ``str()`` names cause and remedy."""

    def __init__(self, message: str, exit_code: ExitCode) -> None:
        super().__init__(message)
        self.exit_code = exit_code
        self.where = "clickhouse_url" if exit_code == ExitCode.UNAVAILABLE else ""


@dataclass(frozen=True)
class Certificates:
    """PEM files for https. ``authorities``: to be trusted; ``own`` and ``key``: who we are."""

    authorities: Path | None = None
    own: Path | None = None
    key: Path | None = None

    def options(self, password: str | None) -> dict[str, Any]:
        """As the driver takes them. Without a password our own certificate is how the user is proved."""
        named = {"ca_cert": self.authorities, "client_cert": self.own, "client_cert_key": self.key}
        options = {name: str(path) for name, path in named.items() if path}
        return {**options, "tls_mode": "strict"} if self.own and password else options


def open_clickhouse(settings: Settings, *, database: str | None = None, patience_s: int = 300) -> Client:
    """A client for the database of the settings. As :func:`connect`."""
    address = settings.clickhouse_address.secret()
    return connect(address, database=database, patience_s=patience_s, certificates=_certificates_of(settings))


async def open_for_loop(settings: Settings, *, patience_s: int) -> "AsyncClient":
    """The same for an event loop, the running one; of a server only. Raises :class:`NoClickHouse`."""
    parts = settings.clickhouse_address
    if parts.embedded:
        raise NoClickHouse(
            "an embedded ClickHouse serves one process: LEADSTREAM_CLICKHOUSE_URL has to name a server",
            ExitCode.MISCONFIGURED,
        )
    options = _options(parts, parts.database, patience_s, _certificates_of(settings))
    with _explained(parts, parts.database):
        return await clickhouse_connect.get_async_client(**options)


def connect(
    url: str,
    *,
    database: str | None = None,
    patience_s: int = 300,
    certificates: Certificates = Certificates(),
) -> Client:
    """A client for what :class:`ClickHouseUrl` reads.

    ``database`` replaces the one of the URL: one that is sure to exist, for whoever creates the other.
    ``patience_s``: how long a server may be silent before it counts as gone. Usable from several threads (it
    has no session); times are aware. Raises :class:`NoClickHouse`.
    """
    try:
        parts = ClickHouseUrl.parse(url)
    except ValueError as error:
        raise NoClickHouse(str(error), ExitCode.MISCONFIGURED) from None
    name = database or parts.database
    if parts.embedded:
        return _embedded(parts.path, name)
    with _explained(parts, name):
        return clickhouse_connect.get_client(**_options(parts, name, patience_s, certificates))


def _certificates_of(settings: Settings) -> Certificates:
    return Certificates(
        settings.clickhouse_ca_file, settings.clickhouse_cert_file, settings.clickhouse_key_file
    )


def _options(
    parts: ClickHouseUrl, database: str, patience_s: int, certificates: Certificates
) -> dict[str, Any]:
    if is_loopback(parts.host):
        reach_directly(parts.host)
    return {
        "host": parts.host,
        "port": _port(parts),
        "secure": parts.scheme == "https",
        "username": parts.user or "default",
        "password": parts.password or "",
        "database": database,
        "connect_timeout": _CONNECT_S,
        "send_receive_timeout": patience_s,
        "autogenerate_session_id": False,
        "tz_mode": "aware",
        # Its connections end with it: a server that stops waits for idle ones.
        "dedicated_pool": True,
        **certificates.options(parts.password),
    }


def _port(parts: ClickHouseUrl) -> int:
    return parts.port or _PORTS[parts.scheme]


@contextmanager
def _explained(parts: ClickHouseUrl, database: str) -> Iterator[None]:
    """What the driver raises, as ``NoClickHouse``."""
    try:
        yield
    except ClickHouseError as error:
        raise _refused(error, f"{parts.host}:{_port(parts)}", database) from error
    except OSError as error:
        # What a certificate file lacks is found when it is loaded, before anybody is asked.
        raise NoClickHouse(
            f"the files of LEADSTREAM_CLICKHOUSE_CA_FILE, _CERT_FILE or _KEY_FILE: {_first_line(error)}",
            ExitCode.MISCONFIGURED,
        ) from error


def _embedded(path: str, database: str) -> Client:
    """An embedded engine has no server to refuse a missing database: it is created."""
    try:
        client = clickhouse_connect.get_client(interface="chdb", path=path, tz_mode="aware")
    except ImportError as error:
        raise NoClickHouse(
            f"cannot open {path}: the embedded ClickHouse is not installed; {INSTALL_LOCAL}",
            ExitCode.MISCONFIGURED,
        ) from error
    except ClickHouseError as error:
        raise NoClickHouse(f"cannot open {path}: {_first_line(error)}", ExitCode.MISCONFIGURED) from error
    if database != "default":
        client.command(f"CREATE DATABASE IF NOT EXISTS `{database}` ENGINE = Atomic")
        client.database = database
    return client


def is_embedded(client: Client) -> bool:
    """True without a server: no data can be sent beside a statement."""
    return not isinstance(client, HttpClient)


def _refused(error: ClickHouseError, address: str, database: str) -> NoClickHouse:
    code = getattr(error, "code", None)
    if code == 81:
        return NoClickHouse(
            f"no database {database!r} at {address}: run leadstream migrate", ExitCode.MISCONFIGURED
        )
    if code in (192, 193, 194, 516):
        return NoClickHouse(
            f"ClickHouse at {address} refuses the user or the password: check LEADSTREAM_CLICKHOUSE_URL,"
            " _USERNAME and _PASSWORD",
            ExitCode.MISCONFIGURED,
        )
    if code in (291, 497):
        return NoClickHouse(
            f"ClickHouse at {address} does not let this user in: {_first_line(error)}. `leadstream migrate"
            " --grants` gives the roles their rights",
            ExitCode.MISCONFIGURED,
        )
    if (why := _tls_failure(error)) is not None:
        return NoClickHouse(
            f"TLS with ClickHouse at {address} fails: {why}. LEADSTREAM_CLICKHOUSE_CA_FILE names whom to"
            " trust, LEADSTREAM_CLICKHOUSE_URL has to have a name that the certificate is for",
            ExitCode.MISCONFIGURED,
        )
    return NoClickHouse(
        f"ClickHouse at {address} cannot be reached ({_reason(error)}): is it running, and is "
        "LEADSTREAM_CLICKHOUSE_URL right?",
        ExitCode.UNAVAILABLE,
    )


def _tls_failure(error: BaseException) -> str | None:
    """Why the two sides did not agree on TLS; None: they did, or never came to it."""
    for one in _causes(error):
        if isinstance(one, ssl.SSLCertVerificationError):
            # That of the driver for event loops says nothing, but is caused by one that does.
            if why := getattr(one, "verify_message", None):
                return str(why)
        elif isinstance(one, ssl.SSLError) and not isinstance(one, ssl.SSLEOFError):
            return (getattr(one, "reason", None) or str(one)).replace("_", " ").lower()
    return None


def _reason(error: BaseException) -> str:
    """Of whoever does not answer, in the words of the operating system where it has any."""
    said = (one.strerror for one in _causes(error) if isinstance(one, OSError) and one.strerror)
    reason = next((one.lower() for one in said), _first_line(error))
    by_proxy = any(type(one).__name__ == "ProxyError" for one in _causes(error))
    return f"the proxy that the environment names: {reason}" if by_proxy else reason


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error, and those that led to it."""
    while error is not None:
        yield error
        inner = getattr(error, "reason", None)  # where urllib3 keeps it
        error = inner if isinstance(inner, BaseException) else error.__cause__ or error.__context__


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [""])[0][:200]
