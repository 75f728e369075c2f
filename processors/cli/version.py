"""``leadstream version``."""

import platform
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed

import click

from processors.build import is_compiled, optimisation
from processors.terminal.lines import say

_PACKAGES = ("faust-streaming", "aiokafka", "rocksdict", "chdb-core", "clickhouse-connect", "msgspec")


@click.command()
def version() -> None:
    """Show the versions of everything involved, as a bug report needs them."""
    say(f"leadstream {_version_of('leadstream')}, {'' if is_compiled() else 'not '}compiled")
    say(f"Python {platform.python_version()}, {optimisation()}, on {platform.platform()}")
    for package in _PACKAGES:
        say(f"{package} {_version_of(package)}")


def _version_of(package: str) -> str:
    try:
        return installed(package)
    except PackageNotFoundError:
        return "(not installed)"
