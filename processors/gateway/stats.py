"""What a gateway has answered since it started."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from processors.histogram import Histogram


@dataclass
class Stats:
    """Counted by the main thread; any thread may read at any time.

    ``requests``: by route and status, "0" of clients that went away. ``seconds``: by route, from the headers'
    arrival to the answer. ``misspelt``: names in bodies that are close to a field, by route and that field.
    ``unready``: why nobody should send requests now, or None.
    """

    requests: Counter[tuple[str, str]] = field(default_factory=Counter)
    seconds: defaultdict[str, Histogram] = field(default_factory=lambda: defaultdict(Histogram))
    misspelt: Counter[tuple[str, str]] = field(default_factory=Counter)
    under_way: int = 0
    unready: str | None = "the topics of the registries are not read yet"

    def answered(self, route: str, status: int, seconds: float) -> None:
        """One request. ``route``: one of few names, and never a path."""
        self.requests[route, str(status)] += 1
        self.seconds[route].add(seconds)
