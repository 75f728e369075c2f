"""What a deployment or a workspace decides about attribution."""

from dataclasses import dataclass, field
from typing import Literal

from processors.attribution.bounds import Bounds

AttributionModel = Literal["first-click", "last-click"]


@dataclass(frozen=True)
class Policy:
    """Model and windows (contract section 5), and the bounds of a state.

    All times in milliseconds; every window includes its bounds.
    """

    model: AttributionModel
    attribution_window_ms: int
    qualification_window_ms: int
    hold_ms: int
    bounds: Bounds = field(default_factory=Bounds)
