"""``leadstream gateway`` that does not wait long for what is not there: most that is made up is not.

A stream has an end as soon as it has begun.

Run as ``python -m tests.clients.hasty_main gateway`` with the settings of the product.
"""

import sys
from types import ModuleType
from typing import Any, Final

from processors.cli.main import main
from processors.gateway import run
from processors.gateway.facts import seeking, service
from processors.gateway.live import Live

WAIT_S: Final = 0.05


class Ending(Live):
    """One whose streams end."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.end()


_OTHERWISE: Final[tuple[tuple[ModuleType, str, object], ...]] = (
    (seeking, "WAIT_S", WAIT_S),
    (service, "WAIT_S", WAIT_S),
    (run, "LOOK_S", WAIT_S),
    (run, "Live", Ending),
)

if __name__ == "__main__":
    for module, name, value in _OTHERWISE:
        assert hasattr(module, name), f"{module.__name__} knows no {name} now"
        setattr(module, name, value)
    sys.exit(main())
