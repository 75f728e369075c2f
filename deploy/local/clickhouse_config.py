"""The configuration of the embedded ClickHouse: who gets in, and what they may do."""

from collections.abc import Iterable
from hashlib import sha256
from typing import Final
from xml.sax.saxutils import escape

USER: Final = "leadstream"

# What the program asks of `default`, as which it logs in to itself, without a password: to listen, and to
# read the pipe that tells it when to stop. Nobody becomes this user who has not shown the other one's
# password (`_DOORS`), and no more files can be read as this one: the function `file()` asks for no right.
_SERVER_ITSELF: Final = (
    "GRANT SYSTEM LISTEN ON *.*",
    "GRANT CREATE TEMPORARY TABLE ON *.*",
    "GRANT READ ON FILE",
)
# Neither sources (files, URLs, other servers) nor table engines that read them, nor users, nor dictionaries.
_ENGINES: Final = (
    "Atomic",
    "Memory",
    "MergeTree",
    "AggregatingMergeTree",
    "CoalescingMergeTree",
    "CollapsingMergeTree",
    "ReplacingMergeTree",
    "SummingMergeTree",
    "VersionedCollapsingMergeTree",
)
_RIGHTS: Final = (
    "GRANT SHOW, SELECT, INSERT, ALTER, DROP, UNDROP TABLE, TRUNCATE, OPTIMIZE ON {databases}.*",
    "GRANT CREATE DATABASE, CREATE TABLE, CREATE VIEW, SYSTEM MERGES ON {databases}.*",
    "GRANT SELECT ON system.*",
    "GRANT CREATE TEMPORARY TABLE, KILL QUERY ON *.*",
    *(f"GRANT TABLE ENGINE ON {engine}" for engine in _ENGINES),
)
# The function `python` looks for variables of the process; where there are none, the server dies of it.
_USERS: Final = """\
<clickhouse>
  <profiles>
    <default>
      <allow_python_table_function>0</allow_python_table_function>
      <constraints>
        <allow_python_table_function><readonly/></allow_python_table_function>
      </constraints>
    </default>
  </profiles>
  <quotas><default/></quotas>
  <users>
    <default>
      <no_password/>
      <networks><ip>127.0.0.1</ip><ip>::1</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
      <grants>{server_itself}</grants>
    </default>
    <{user}>
      <password_sha256_hex>{password}</password_sha256_hex>
      <networks><ip>127.0.0.1</ip><ip>::1</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
      <grants>{rights}</grants>
    </{user}>
  </users>
</clickhouse>
"""

# A name that is not this machine's is one that a web page made point here. Who has the right name and not the
# password hears it in the words of the server, so that clients tell the two apart.
_HOST: Final = r"<Host>regex:(127\.0\.0\.1|localhost)(:[0-9]+)?</Host>"
_DOORS: Final = f"""\
  <http_handlers>
    <rule>
      <headers>{_HOST}<Authorization>{{credentials}}</Authorization></headers>
      <handler><type>dynamic_query_handler</type><query_param_name>query</query_param_name></handler>
    </rule>
    <rule>
      <headers>
        {_HOST}<X-ClickHouse-User>{USER}</X-ClickHouse-User><X-ClickHouse-Key>{{password}}</X-ClickHouse-Key>
      </headers>
      <handler><type>dynamic_query_handler</type><query_param_name>query</query_param_name></handler>
    </rule>
    <rule>
      <headers>{_HOST}</headers>
      <handler>
        <type>static</type>
        <status>403</status>
        <http_response_headers><X-ClickHouse-Exception-Code>516</X-ClickHouse-Exception-Code></http_response_headers>
        <response_content>Code: 516. DB::Exception: Authentication failed: the user or the password is wrong.\
 (AUTHENTICATION_FAILED)</response_content>
      </handler>
    </rule>
  </http_handlers>
"""
# Half the memory rather than 90 %: the machine is somebody's own. Idle connections end soon, because a
# shutdown waits for them. Without `http_options_response` every page in a browser would be let in.
_CONFIG: Final = """\
<clickhouse>
  <listen_host>{host}</listen_host>
  <http_port>{port}</http_port>
  <http_options_response/>
{doors}\
  <users_config>users.xml</users_config>
  <max_server_memory_usage_to_ram_ratio>0.5</max_server_memory_usage_to_ram_ratio>
  <keep_alive_timeout>3</keep_alive_timeout>
  <logger><level>warning</level></logger>
</clickhouse>
"""


def users_xml(password: str, databases: str) -> str:
    """``databases``: those in which the user may do everything that is done to data."""
    return _USERS.format(
        user=USER,
        password=sha256(password.encode()).hexdigest(),
        server_itself=_queries(_SERVER_ITSELF),
        rights=_queries(one.format(databases=databases) for one in _RIGHTS),
    )


def config_xml(host: str, port: int, credentials: str, password: str) -> str:
    """``credentials``: the one ``Authorization`` header that lets anybody in."""
    doors = _DOORS.format(credentials=escape(credentials), password=escape(password))
    return _CONFIG.format(host=host, port=port, doors=doors)


def _queries(grants: Iterable[str]) -> str:
    return "".join(f"<query>{escape(grant)}</query>" for grant in grants)
