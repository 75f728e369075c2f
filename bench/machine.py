"""What the figures were measured on."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

from bench.environments import OURS, told_of
from deploy.local.jars import KAFKA_VERSION

_PACKAGES = ("leadstream", "faust-streaming", "aiokafka", "rocksdict", "msgspec")


def machine(python: str = OURS) -> dict[str, object]:
    """Processor, cores, memory, kernel, versions; ``python`` ran what was measured."""
    return {
        "cpu": _field("/proc/cpuinfo", "model name"),
        "cores": os.cpu_count(),
        "memory": _field("/proc/meminfo", "MemTotal"),
        "kernel": platform.release(),
        "python": told_of(python),
        "kafka": KAFKA_VERSION,
        "packages": {name: version(name) for name in _PACKAGES},
        "load": os.getloadavg(),
    }


def busy_s() -> float:
    """Of all cores together, since the machine was started: what they did not idle."""
    used = Path("/proc/stat").read_text().partition("\n")[0].split()[1:]
    idle = sum(map(int, used[3:5]))
    return (sum(map(int, used[:8])) - idle) / os.sysconf("SC_CLK_TCK")


def _field(path: str, name: str) -> str:
    for line in Path(path).read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return "unknown"
