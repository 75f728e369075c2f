"""What a call refers to: found, or the answer that says that it is not there."""

from collections.abc import Callable
from typing import Final

from processors.gateway.answers import ApiError, Code
from processors.gateway.known import Facts, KnownClick, KnownCustomer
from processors.gateway.track.answering import LinkPart, link_part
from schemas.links import Link

LinkById = Callable[[str], Link | None]
"""As registries know it now, of whichever workspace."""

_NO_CLICK: Final = "Click not found for clickId: {}. Has it been recorded, in this workspace?"
_ERASED: Final = "This customer was erased: nothing is recorded of it any more."


class Finder:
    """Looks up for all track calls. Every method raises ``TryAgain`` when it cannot say."""

    def __init__(self, facts: Facts, link_by_id: LinkById) -> None:
        self._facts = facts
        self._link_by_id = link_by_id

    async def customer(
        self, workspace_id: str, external_id: str, *, wait: bool, requested: bool = False
    ) -> KnownCustomer | None:
        """As of ``Facts``; raises ``ApiError`` for one that was erased."""
        known = await self._facts.customer(workspace_id, external_id, wait=wait, requested=requested)
        if known is not None and known.erased:
            raise ApiError(Code.FORBIDDEN, _ERASED)
        return known

    async def click(self, workspace_id: str, click_id: str) -> KnownClick:
        """Raises ``ApiError``. The id of a click that is not tracked was handed out to nobody."""
        click = await self._facts.click(workspace_id, click_id)
        if click is None or not click.tracked:
            raise ApiError(Code.NOT_FOUND, _NO_CLICK.format(click_id))
        return click

    def link(self, workspace_id: str, click: KnownClick) -> LinkPart:
        """Raises ``ApiError`` for one that was disabled."""
        link = self._link_by_id(click.link.id) if click.link.id else None
        if link is not None and link.workspace_id != workspace_id:
            link = None  # a click that others recorded may say anything of its link
        if link is not None and link.disabled_at is not None:
            raise ApiError(Code.NOT_FOUND, f"Link {link.id} is disabled: nothing is recorded for it.")
        return link_part(click, link)
