"""``leadstream gateway`` that does not wait long for what is not there: most that is made up is not.

Run as ``python -m tests.clients.hasty_main gateway`` with the settings of the product.
"""

import sys
from typing import Final

from processors.cli.main import main
from processors.gateway.facts import seeking, service

WAIT_S: Final = 0.05

if __name__ == "__main__":
    for module in (seeking, service):
        assert hasattr(module, "WAIT_S"), f"{module.__name__} waits otherwise now"
        setattr(module, "WAIT_S", WAIT_S)  # noqa: B010 - that is what this is for
    sys.exit(main())
