"""What a deployment or a workspace decides about attribution."""

from dataclasses import dataclass, field, replace
from typing import Literal

from msgspec import Struct

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


class Rules(Struct, frozen=True, array_like=True, gc=False):
    """By what a customer's leads were attributed: the part of a policy that would change them."""

    model: AttributionModel
    attribution_window_ms: int
    qualification_window_ms: int


def rules_of(policy: Policy) -> Rules:
    """Those of the deployment now."""
    return Rules(policy.model, policy.attribution_window_ms, policy.qualification_window_ms)


def under(policy: Policy, rules: Rules | None) -> Policy:
    """The policy for a customer with ``rules`` of its own, which it keeps (docs/rules.md, 19)."""
    if rules is None or rules == rules_of(policy):
        return policy
    return replace(
        policy,
        model=rules.model,
        attribution_window_ms=rules.attribution_window_ms,
        qualification_window_ms=rules.qualification_window_ms,
    )
