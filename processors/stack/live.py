"""One line about what is going on."""

import asyncio
from collections.abc import Callable
from typing import Final

from processors.status.places import Places
from processors.status.reading import Reader
from processors.status.telling import line

_EVERY_S: Final = 1.0
_STOPS: Final = " · Ctrl-C stops"
_WIDTH: Final = 80 - len("⠋ ") - len(_STOPS)
_SHARE: Final = 0.1
"""Of the time, at most, is spent on finding out: of many leads ClickHouse takes its time to count."""


async def live(places: Places, show: Callable[[str], None]) -> None:
    """Show a line every second, or more rarely where it costs more than that, for ever."""
    loop = asyncio.get_running_loop()
    async with Reader(places) as reader:
        while True:
            begin = loop.time()
            show(f"{line(await reader.figures(faults=False), _WIDTH)}{_STOPS}")
            await asyncio.sleep(max(_EVERY_S, (loop.time() - begin) / _SHARE))
