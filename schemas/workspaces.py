"""What may be a workspaceId."""

import re
from typing import Final

from schemas.texts import STORED_WORKSPACE_PATTERN, check_id

_matches: Final = re.compile(STORED_WORKSPACE_PATTERN).match
_MOST_REMEMBERED: Final = 4_096

KNOWN_WORKSPACES: Final[set[str]] = set()
"""Some of those that :func:`check_workspace` found good, for they come again and again."""


def is_workspace_id(text: str) -> bool:
    """Can this be the workspaceId of an event of today, or of one that a release before this one took?"""
    return _matches(text) is not None


def check_stored_workspace(workspace_id: str) -> None:
    """Raises ``ValueError`` for what can be neither."""
    if not is_workspace_id(workspace_id):
        raise ValueError("workspaceId: expected 1 to 64 letters, digits, - or _")


def check_workspace(workspace_id: str) -> None:
    """Raises ``ValueError`` for what cannot be the workspaceId of an event of today."""
    check_id("workspaceId", workspace_id)
    check_stored_workspace(workspace_id)
    if len(KNOWN_WORKSPACES) >= _MOST_REMEMBERED:
        KNOWN_WORKSPACES.clear()
    KNOWN_WORKSPACES.add(workspace_id)
