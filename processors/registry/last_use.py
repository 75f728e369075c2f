"""When keys were last used, to some minutes.

Each process notes in memory which keys it has let in, and writes that down now and then: of a key that is in
use all the time once in five minutes, by whichever process comes first. It goes into a record of its own
beside the workspace (``schemas.registry.KeyUse``), so that nothing of the workspace is ever written for it;
and through the same lock as everything else, so that of two processes none undoes what the other has written.
A process that dies has forgotten some minutes.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Mapping
from typing import Final

from processors.errors import LeadstreamError
from processors.registry.contents import Contents
from processors.registry.registries import Change, Made, Registries
from processors.registry.store import RegistryStore
from schemas.registry import KeyUse
from schemas.times import MINUTE_MS

log = logging.getLogger(__name__)
_EVERY_MS: Final = 5 * MINUTE_MS
_PAUSE_S: Final = (30.0, 90.0)
"""Not the same for all, so that they do not come at once."""

Uses = Mapping[str, Mapping[str, int]]
"""By workspace and id of a key: epoch milliseconds."""


class LastUses:
    """What this process has seen of uses, and has not yet found written down."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], int] = {}

    def note(self, workspace_id: str, key_id: str, now_ms: int) -> None:
        """A key was let in. Takes no time and asks nobody."""
        self._seen[workspace_id, key_id] = now_ms

    def due(self, contents: Contents, now_ms: int) -> dict[str, dict[str, int]]:
        """What is to be written down by now. Forgets what is."""
        due: dict[str, dict[str, int]] = {}
        for (workspace_id, key_id), used_ms in list(self._seen.items()):
            written_ms = contents.uses(workspace_id).last_used.get(key_id, 0)
            if used_ms <= written_ms:
                del self._seen[workspace_id, key_id]
            elif now_ms - written_ms >= _EVERY_MS:
                due.setdefault(workspace_id, {})[key_id] = used_ms
        return due

    async def keep(self, store: RegistryStore, clock: Callable[[], int]) -> None:
        """Writes down what is due, until it is cancelled. What cannot be written is tried again later."""
        while True:
            await asyncio.sleep(random.uniform(*_PAUSE_S))
            if due := self.due(store.contents, clock()):
                try:
                    await store.write(used(due))
                except LeadstreamError as error:
                    log.warning("when keys were last used could not be written: %s", error)


def used(uses: Uses) -> Change[None]:
    """Later uses count, of keys that are still there; what was written of others is forgotten."""

    def change(registries: Registries) -> Made[None]:
        contents = registries.workspaces
        put = []
        for workspace_id, seen in uses.items():
            workspace = None if workspace_id in contents.unreadable else contents.workspace(workspace_id)
            if workspace is not None:
                old = contents.uses(workspace_id).last_used
                latest = {
                    one.id: max(old.get(one.id, 0), seen.get(one.id, 0))
                    for one in workspace.keys
                    if one.id in old or one.id in seen
                }
                put.append(KeyUse(workspace_id=workspace_id, last_used=latest))
        return Made(None, put=put)

    return change
