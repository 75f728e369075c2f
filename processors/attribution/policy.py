"""What a deployment or a workspace decides about attribution."""

from dataclasses import dataclass
from typing import Literal

AttributionModel = Literal["first-click", "last-click"]


@dataclass(frozen=True)
class Policy:
    """Model and windows (contract section 5), and the bounds of a state (docs/rules.md, "Bounds").

    All times in milliseconds; every window includes its bounds.
    """

    model: AttributionModel
    attribution_window_ms: int
    qualification_window_ms: int
    hold_ms: int
    touches_kept: int = 10
    held_limit: int = 100
    leads_limit: int = 100
    purchases_kept: int = 200
