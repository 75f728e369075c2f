"""The embedded ClickHouse: the real server inside the chdb-core wheel, spoken to over HTTP like any other."""

import http.client
import os
import sys
from pathlib import Path
from typing import ClassVar

from deploy.local.ports import HOST
from deploy.local.server import Command, LocalServer

_PROGRAM = Path(__file__).with_name("clickhouse_process.py")

# The server logs in to itself as `default`, which must therefore have no password: loopback protects it.
_USERS = """\
<clickhouse>
  <profiles><default/></profiles>
  <quotas><default/></quotas>
  <users>
    <default>
      <password/>
      <networks><ip>127.0.0.1</ip><ip>::1</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
    </default>
  </users>
</clickhouse>
"""

# Half the memory rather than 90 %: the machine is somebody's own. Idle connections end soon, because a
# shutdown waits for them.
_CONFIG = """\
<clickhouse>
  <listen_host>{host}</listen_host>
  <http_port>{port}</http_port>
  <users_config>users.xml</users_config>
  <max_server_memory_usage_to_ram_ratio>0.5</max_server_memory_usage_to_ram_ratio>
  <keep_alive_timeout>3</keep_alive_timeout>
  <logger><level>warning</level></logger>
</clickhouse>
"""


class LocalClickHouse(LocalServer):
    """ClickHouse on loopback, in UTC, with the user ``default`` and no password."""

    NAME: ClassVar[str] = "ClickHouse"

    @property
    def url(self) -> str:
        """``http://user:password@host:port/database``. Raises ``RuntimeError`` before the first start."""
        return f"http://default:@{HOST}:{self.port}/default"

    def _prepare(self, port: int) -> Command:
        # Where the wheel's server looks for its configuration, relative to its home directory.
        config = self.data_dir / "home" / ".clickhouse-local"
        config.mkdir(parents=True, exist_ok=True)
        (config / "users.xml").write_text(_USERS)
        (config / "config.xml").write_text(_CONFIG.format(host=HOST, port=port))
        self._progress(f"starting ClickHouse on {HOST}:{port}")
        # -P: the modules beside the program must not pass for others of the same name.
        argv = [sys.executable, "-P", str(_PROGRAM), "store", "home"]
        return Command(argv, {**os.environ, "TZ": "UTC"})

    def _answers(self, port: int) -> bool:
        connection = http.client.HTTPConnection(HOST, port, timeout=1)
        try:
            connection.request("GET", "/?query=SELECT%201")
            return connection.getresponse().read() == b"1\n"
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
