"""Is there such a workspace? That nothing was found of one that is misspelt says nothing of the one meant.

Events need no registered workspace. So one that is registered exists, and so does one of which ClickHouse
shows something: there the question takes some milliseconds, however much there is, which topics cannot offer.
"""

from collections.abc import Collection
from contextlib import closing, suppress
from typing import Final

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from processors.clickhouse.connection import NoClickHouse, open_clickhouse
from processors.clickhouse.queries import has_workspace, some_workspaces
from processors.errors import CheckFailed
from processors.kafka.connection import KafkaRefused, NoBroker
from processors.kafka.running import run_on_kafka
from processors.registry.changes import NoSuchWorkspace
from processors.registry.store import read
from processors.settings import Settings

_WAITING: Final = "Events that all wait for another one are not looked for: `leadstream trace` shows them."


def require_workspace(settings: Settings, workspace_id: str, seen: Collection[str] = ()) -> None:
    """Returns when it exists. ``seen``: some that do.

    Raises ``NoSuchWorkspace``, or ``CheckFailed``: nobody can say. Blocks.
    """
    if workspace_id in seen:
        return
    known = registered(settings).union(seen)
    if workspace_id in known:
        return
    try:
        with closing(open_clickhouse(settings)) as client:
            require_stored(client, workspace_id, known)
    except NoClickHouse as error:
        raise CheckFailed(
            f"workspace {workspace_id} is not registered, and whether it has events nobody says: {error}",
            f"`leadstream workspace create {workspace_id}` registers it.",
        ) from error


def require_stored(client: Client, workspace_id: str, known: set[str]) -> None:
    """Returns when ``known`` has it, or ClickHouse. Raises ``NoSuchWorkspace``."""
    if workspace_id in known or has_workspace(client, workspace_id):
        return
    # A profile may allow no limits of one's own: then only the registered ones are named.
    with suppress(ClickHouseError):
        known = known | some_workspaces(client)
    raise NoSuchWorkspace(workspace_id, known, _WAITING)


def registered(settings: Settings) -> set[str]:
    """Ids; none when Kafka does not tell. Blocks."""
    try:
        contents = run_on_kafka(read(settings))
    except (NoBroker, KafkaRefused):
        return set()
    return {one.workspace_id for one in contents} | {*contents.unreadable}
