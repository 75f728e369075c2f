"""What every process says of itself: release, settings, and whether its loops turn."""

import platform
import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib.metadata import version

from processors.observability.exposition import Reading
from processors.observability.logs import LOGGED
from processors.observability.metrics import SETTINGS
from processors.settings import Settings
from processors.settings.listing import shown


@lru_cache(maxsize=1)
def _build() -> tuple[str, str]:
    return version("leadstream"), platform.python_version()


def process_reading(settings: Settings, silences: Callable[[], Mapping[str, float]]) -> Callable[[], Reading]:
    """Of ``metrics.PROCESS``."""
    started = time.time()
    chosen = tuple(shown(settings, field) for field in SETTINGS)

    def read() -> Reading:
        return {
            "leadstream_build_info": {_build(): 1},
            "leadstream_settings_info": {chosen: 1},
            "leadstream_start_time_seconds": started,
            "leadstream_loop_silence_seconds": dict(silences()),
            "leadstream_log_lines_total": LOGGED,
        }

    return read
