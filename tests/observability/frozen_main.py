"""A worker or a sink without servers, whose loop stands still after SIGUSR1; what hangs shows in 3 s.

Run as ``python -m tests.observability.frozen_main worker|sink`` with the settings of the product.
"""

import asyncio
import signal
import sys
import threading
from typing import Any

from processors.observability.health import Health, Pulse
from processors.observability.logs import configure_logs
from processors.settings import Settings
from processors.sink import run_sink
from processors.worker import run_worker


def main() -> None:
    settings, frozen = Settings(), threading.Event()
    configure_logs(settings)
    signal.signal(signal.SIGUSR1, lambda *_: frozen.set())
    Health.__init__.__defaults__ = (3.0,)
    follow = Pulse.follow

    def stand_still(pulse: Pulse, loop: Any) -> None:
        """At the next turn of the loop; a signal may come while a line is being logged."""
        if frozen.is_set():
            threading.Event().wait()
        follow(pulse, loop)

    setattr(Pulse, "follow", stand_still)  # noqa: B010 - it is meant to differ
    if sys.argv[1] == "worker":
        run_worker(settings)
    asyncio.run(run_sink(settings))


if __name__ == "__main__":
    main()
