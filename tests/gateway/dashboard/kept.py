"""Views that acme has saved and shares: addresses of links, and the record behind them."""

from collections.abc import Callable
from typing import Final

from processors.gateway.dashboard.keeping import SHARED_AT
from processors.registry.view_changes import issue_link
from schemas.times import DAY_MS
from schemas.views import SavedView, WorkspaceViews
from tests.gateway.dashboard.serving import SECRET

NAME: Final = "Germany, for the newsletter of <autumn> \u202e"
_SAVED: Final = (
    SavedView(id="view_1", name=NAME, path="/", query="interval=90d&country=DE&groupBy=linkId"),
    SavedView(id="view_2", name="Partners " + "long" * 12, path="/dashboard/partners", query="interval=90d"),
    SavedView(id="view_3", name="Expired", path="/"),
)


def _at(number: int) -> str:
    return f"{SHARED_AT}/{issue_link(_SAVED[number], 0, '', 0, _random(number)).token}"


def _random(number: int) -> Callable[[int], bytes]:
    return lambda count: bytes([number]) * count


OVERVIEW, PARTNERS, EXPIRED = map(_at, range(3))


def views(now_ms: int) -> WorkspaceViews:
    """The last link has expired."""
    shared = [
        issue_link(one, 30 * DAY_MS, SECRET.record.prefix, now_ms - days * DAY_MS, _random(number)).view
        for number, (one, days) in enumerate(zip(_SAVED, (0, 1, 31), strict=True))
    ]
    return WorkspaceViews(workspace_id="acme", saved=_SAVED[:2], shared=tuple(shared))
