"""Where one run takes place: topics and a directory of its own."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from bench.environments import OURS
from bench.measured import Command

ROOT: Final = Path(__file__).parent.parent
"""Where the packages are: commands are started here."""


@dataclass(frozen=True)
class Site:
    """``run``: unique on the broker. ``names``: the topics' full names by their short ones. ``eager``: it is
    latency that is measured; whoever has to choose between that and throughput may. ``patience_s``: without
    any progress for so long a contestant is given up. ``python``: runs every contestant that is in Python."""

    bootstrap: str
    partitions: int
    run: str
    names: Mapping[str, str]
    directory: Path
    eager: bool = False
    patience_s: float = 60.0
    python: str = OURS

    @property
    def root(self) -> Path:
        """Where commands are started."""
        return ROOT

    def command(self, *argv: str, instance: int = 0, **env: str) -> Command:
        """A process that finds the site in ``BENCH_*``: the contract with every contestant of W1."""
        state = self.directory / f"state-{instance}"
        state.mkdir(parents=True, exist_ok=True)
        topics = {f"BENCH_{short.replace('-', '_').upper()}": full for short, full in self.names.items()}
        where = {
            "BENCH_BOOTSTRAP": self.bootstrap,
            "BENCH_PARTITIONS": str(self.partitions),
            "BENCH_APP": self.run,
            "BENCH_INSTANCE": f"{self.run}-{instance}",
            "BENCH_STATE": str(state),
        }
        return Command(argv, {**where, **topics, **env}, self.root)

    def apart(self, *argv: str, **env: str) -> Command:
        """The same for a program in an environment of its own: of our packages it finds ``bench`` only."""
        home = self.directory / "path"
        home.mkdir(exist_ok=True)
        if not (home / "bench").exists():
            (home / "bench").symlink_to(ROOT / "bench")
        return replace(self.command(*argv, instance=0, PYTHONPATH=str(home), **env), cwd=home)


def run_id(label: str) -> str:
    """A name that no other run has."""
    return f"bench-{label}-{secrets.token_hex(3)}"
