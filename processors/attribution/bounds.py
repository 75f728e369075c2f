"""How much is remembered under one key (docs/rules.md, 16). Each is at least 1."""

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Bounds:
    """``ValueError`` for a bound below 1.

    Of a customer: ``touches``, the latest, beside the first one, and as many clicks that made none;
    ``published_touches``, those that its document has, the first one among them;
    ``touch_times``, of the lead events that name one click; ``held``, events that wait; ``waiting_clicks``,
    clicks that it is known to wait for; ``leads``, of different eventKey; ``purchases``, the latest sales,
    which are revised when their lead changes; ``revisions``, sales whose ids and revisions are known;
    ``old_sales``, older ones, of which it is still known that they were published.

    Of a click: ``click_held``, lead events that wait for it; ``click_customers``, who hear of it when another
    click event turns out to be the one that counts.

    Of both: ``state_bytes``, as they are stored; of a click, of the lead events that wait for it.
    """

    touches: int = 10
    published_touches: int = 20
    touch_times: int = 10
    held: int = 100
    waiting_clicks: int = 100
    leads: int = 100
    purchases: int = 200
    revisions: int = 2_000
    old_sales: int = 10_000
    click_held: int = 100
    click_customers: int = 100
    state_bytes: int = 8 << 20

    def __post_init__(self) -> None:
        for one in fields(self):
            if getattr(self, one.name) < 1:
                raise ValueError(f"{one.name}: expected at least 1, got {getattr(self, one.name)}")

    def out_of_bytes(self) -> str:
        """The detail of an event that would be one too many for ``state_bytes``."""
        return f"with this event there would be more than {self.state_bytes} bytes here"
