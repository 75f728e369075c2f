"""The embedded ClickHouse: the real server inside the chdb-core wheel, spoken to over HTTP like any other."""

import base64
import http.client
import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Final

from deploy.local.clickhouse_config import USER, config_xml, users_xml
from deploy.local.ports import HOST
from deploy.local.server import Command, LocalServer, Progress, silent
from processors.files import open_private
from processors.programs import isolated

_PROGRAM: Final = "deploy.local.clickhouse_process"
# Of our environment the server gets no more than what a program needs to run: SQL can read it.
_INHERITED: Final = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "LD_PRELOAD", "PYTHONPATH")


class LocalClickHouse(LocalServer):
    """ClickHouse on loopback, in UTC, with one user, whose password is made for the data directory.

    It answers to nobody without that password, to no name but this machine's, and tells no browser that it
    may ask. Its user has rights in its databases and no others: no files, no programs, no other servers. On
    Linux the kernel holds the whole process to that.
    """

    NAME: ClassVar[str] = "ClickHouse"
    MODULES: ClassVar[Sequence[str]] = ("chdb",)

    def __init__(
        self,
        data_dir: Path,
        port: int = 0,
        *,
        usual: int = 0,
        progress: Progress = silent,
        databases: str = "*",
    ) -> None:
        """``databases``: those that the user may create and use; ``leadstream*`` means by prefix."""
        super().__init__(data_dir, port, usual=usual, progress=progress)
        self._databases = databases
        self._password = ""

    @property
    def url(self) -> str:
        """``http://user:password@host:port/database``. Raises ``RuntimeError`` before the first start."""
        return f"http://{USER}:{self._secret()}@{HOST}:{self.port}/default"

    def _prepare(self, port: int) -> Command:
        self._password = _kept_password(self.data_dir / "password")
        # Where the wheel's server looks for its configuration, relative to its home directory.
        config = self.data_dir / "home" / ".clickhouse-local"
        # It has its temporary files where it may write anyway.
        temporary = self.data_dir / "store" / "tmp"
        for directory in (config, temporary):
            directory.mkdir(parents=True, exist_ok=True)
        for name, text in (
            ("users.xml", users_xml(self._password, self._databases)),
            ("config.xml", config_xml(HOST, port, _credentials(self._password), self._password)),
        ):
            with open_private(config / name, "w") as file:
                file.write(text)
        self._progress("starting ClickHouse")
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        return Command(
            isolated(_PROGRAM, "store", "home", str(port)),
            {**inherited, "TZ": "UTC", "TMPDIR": str(temporary)},
        )

    def _answers(self, port: int) -> bool:
        connection = http.client.HTTPConnection(HOST, port, timeout=1)
        try:
            headers = {"Authorization": _credentials(self._password)}
            connection.request("GET", "/?query=SELECT%201", headers=headers)
            return connection.getresponse().read() == b"1\n"
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _secret(self) -> str:
        if not self._password:
            raise RuntimeError(f"{self.NAME} was not started")
        return self._password


def _credentials(password: str) -> str:
    """The header by which the user gets in."""
    return "Basic " + base64.b64encode(f"{USER}:{password}".encode()).decode()


def _kept_password(path: Path) -> str:
    """The one in ``path``, made on first use. It needs no quoting in a URL, in XML or in a shell."""
    if not path.exists():
        unfinished = path.with_name(f"{path.name}.unfinished")
        with open_private(unfinished, "w") as file:
            file.write(secrets.token_urlsafe(24))
        unfinished.replace(path)
    return path.read_text().strip()
