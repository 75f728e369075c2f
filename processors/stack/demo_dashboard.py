"""A key for the dashboard of a workspace of the demo, whose events have come by Kafka, and without one."""

import secrets
from pathlib import Path
from typing import Final

from processors.clock import epoch_ms
from processors.files import open_private
from processors.kafka.running import run_on_kafka
from processors.registry.changes import MAX_OVERLAP_MS, create, rotate
from processors.registry.contents import Contents
from processors.registry.keys import issue
from processors.registry.store import read, write
from processors.settings import Settings
from schemas.registry import KeyRole, Workspace

SHOWN: Final = "globex"
"""Of the workspaces of the demo, the one that nobody is asked to create himself."""


def dashboard_key(settings: Settings, data: Path) -> str:
    """A secret key of ``SHOWN``, kept in ``data`` for the next run: a registry shows nobody a key. Blocks."""
    file = data / "demo-dashboard-key"
    contents = run_on_kafka(read(settings))
    if (kept := _kept(file)) and _is_good(kept, contents):
        return kept
    made = issue(KeyRole.SECRET, epoch_ms(), secrets.token_bytes)
    if contents.workspace(SHOWN) is None:
        salt = secrets.token_hex(16)
        wanted = Workspace(workspace_id=SHOWN, keys=(made.record,), visitor_salt=salt)
        run_on_kafka(write(settings, create(wanted)))
    else:  # made by hand, or by another directory's demo, which still uses its own key
        run_on_kafka(write(settings, rotate(SHOWN, made.record, MAX_OVERLAP_MS)))
    with open_private(file, "w") as kept_file:
        kept_file.write(made.text)
    return made.text


def _kept(file: Path) -> str:
    try:
        return file.read_text()
    except FileNotFoundError:
        return ""


def _is_good(key: str, contents: Contents) -> bool:
    """It opens the dashboard: a key that was rotated does not, though it may still open the API."""
    holder = contents.holder(key, epoch_ms())
    return holder is not None and holder.workspace.workspace_id == SHOWN and holder.key.expires_at is None
