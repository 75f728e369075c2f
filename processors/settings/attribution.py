"""Which click a lead goes to, and for how long (docs/rules.md)."""

from typing import Literal

from pydantic import Field

from processors.settings.durations import DurationMs
from processors.settings.part import Part
from schemas.times import DAY_MS


class AttributionSettings(Part):
    """The rules that a deployment chooses."""

    attribution_model: Literal["first-click", "last-click"] = Field(
        default="first-click", description="Which touch a request without a clickId goes to."
    )
    attribution_window: DurationMs = Field(
        default=90 * DAY_MS, description="Longest time from click to deferred lead."
    )
    qualification_window: DurationMs = Field(
        default=365 * DAY_MS, description="Longest time from deferred lead to qualification."
    )
    hold: DurationMs = Field(default=DAY_MS, description="How long an event waits for the one it needs.")
