"""How long a step of the funnel may take, each from the step before it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple


@dataclass(frozen=True)
class Window:
    """``count`` of a ``unit``: day or month; 0: it has no end."""

    count: int
    unit: str

    @property
    def words(self) -> str:
        """Behind "within"."""
        return f"{self.count} {self.unit}{'s' if self.count > 1 else ''}" if self.count else "any time"

    def holds(self, begin: str, at: str) -> str:
        """SQL: a window that begins with the one has not ended at the other."""
        return f"{at} <= add{self.unit.title()}s({begin}, {self.count})" if self.count else "true"


ANY: Final = "any"
WINDOWS: Final[Mapping[str, Window]] = {
    ANY: Window(0, "day"),
    **{f"{count}d": Window(count, "day") for count in (1, 7, 14, 30, 90)},
    **{f"{count}m": Window(count, "month") for count in (1, 3, 6, 12)},
}
WINDOWED: Final = {
    "signUpWithin": "Sign up within",
    "qualifyWithin": "Qualify within",
    "payWithin": "Pay within",
}
"""What an address names each step's window by, and a page."""


class Windows(NamedTuple):
    """Of the three steps behind a click."""

    sign_up: Window
    qualify: Window
    pay: Window


EVER: Final = Windows(*[WINDOWS[ANY]] * len(WINDOWED))
