"""``/events/stream``: events as they come, off the topics."""

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Final

from msgspec.json import encode

from processors.clock import epoch_ms
from processors.gateway.analytics.documents import document
from processors.gateway.analytics.events import link_of
from processors.gateway.analytics.filters import Condition, Kind, hold, kinds_of
from processors.gateway.analytics.queries import StreamQuery
from processors.gateway.analytics.records import happened
from processors.gateway.answers import Answer
from processors.gateway.links.calls import Shown
from processors.gateway.live import Live, Record, Watcher
from processors.gateway.routing import Call
from processors.gateway.streaming import AT_ONCE, message, since, stream
from processors.registry.contents import UnreadableWorkspace
from processors.registry.store import RegistryStore
from schemas.registry import ApiKey

_MOST_KEPT: Final = 1_024
"""Documents, for others who watch the same."""


class Stream:
    """A handler. ``shown``: of links."""

    def __init__(self, live: Live, store: RegistryStore, shown: Shown) -> None:
        self._live, self._store, self._shown = live, store, shown
        self._written: Callable[[Record], bytes] = lru_cache(_MOST_KEPT)(self._document)

    async def open(self, call: Call) -> Answer:
        """Until whoever asks goes away, or the gateway ends."""
        query: StreamQuery = call.query
        workspace_id = call.of.workspace_id
        kinds = kinds_of(query.event)
        conditions = query.conditions(workspace_id)
        watcher = self._live.watch(workspace_id, since(call.request))
        tell, opens = partial(self._tell, kinds, conditions), partial(self._opens, workspace_id, call.key)
        return stream(call.request, watcher, tell, opens)

    def _tell(self, kinds: Sequence[Kind], conditions: list[Condition], watcher: Watcher) -> bytes:
        """A message for each event, so that whoever is cut off within them goes on in the right place."""
        told, workspace_id = b"", watcher.workspace_id
        for record in watcher.take(AT_ONCE):
            found = happened(record)
            if not found or found.kind not in kinds or found.workspace_id != workspace_id:
                continue
            if hold(conditions, found.kind, found.event):
                told += message(self._written(record), watcher.position)
        return told

    def _document(self, record: Record) -> bytes:
        found = happened(record)
        assert found is not None  # noqa: S101 - narrows: it was asked a moment ago
        event, workspace_id = found.event, found.workspace_id
        link = self._store.links.get(event.link_id)
        if link is None or link.workspace_id != workspace_id:
            link = link_of(event, workspace_id)
        return encode(document(event, found.kind, self._shown.new(link)))

    def _opens(self, workspace_id: str, key: ApiKey | None) -> bool:
        """Is the key still one of the workspace's?"""
        try:
            workspace = self._store.contents.workspace(workspace_id)
        except UnreadableWorkspace:
            return False
        keys = () if workspace is None or key is None else workspace.keys
        return any(one == key and one.opens(epoch_ms()) for one in keys)
