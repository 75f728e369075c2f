"""What a deployment or a workspace decides about attribution."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

from msgspec import Struct

from processors.attribution.bounds import Bounds

AttributionModel = Literal["first-click", "last-click"]


class Rules(Struct, frozen=True, array_like=True, gc=False):
    """By what a customer's leads were attributed: the part of a policy that would change them."""

    model: AttributionModel
    attribution_window_ms: int
    qualification_window_ms: int


@dataclass(frozen=True)
class Policy:
    """Model and windows, and the bounds of a state.

    All times in milliseconds; every window includes its bounds.
    """

    model: AttributionModel
    attribution_window_ms: int
    qualification_window_ms: int
    hold_ms: int
    bounds: Bounds = field(default_factory=Bounds)

    @cached_property
    def rules(self) -> Rules:
        """What a customer without rules of its own goes by."""
        return Rules(self.model, self.attribution_window_ms, self.qualification_window_ms)

    def under(self, rules: Rules | None) -> "Policy":
        """The policy for a customer with ``rules`` of its own, which it keeps (docs/rules.md, 19)."""
        if rules is None or rules == self.rules:
            return self
        return replace(
            self,
            model=rules.model,
            attribution_window_ms=rules.attribution_window_ms,
            qualification_window_ms=rules.qualification_window_ms,
        )
