"""The job of docs/rewards.md, as it stands there."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from tests.docs.blocks import BLOCKS


class Payouts:
    """Its database is in the directory. ``env``: says where Kafka is."""

    def __init__(self, directory: Path, env: Mapping[str, str] = os.environ) -> None:
        (block,) = (one for one in BLOCKS if one.page == "docs/rewards.md" and one.language == "python")
        self._directory, self._env = directory, env
        self._job = directory / "payout.py"
        self._job.write_text(block.text)

    def start(self) -> subprocess.Popen[str]:
        """Running; to be killed, or to print who gets what."""
        command = [sys.executable, str(self._job)]
        return subprocess.Popen(
            command, cwd=self._directory, env=self._env, stdout=subprocess.PIPE, text=True
        )

    def run(self) -> list[str]:
        """To its end; what it has printed."""
        with self.start() as job:
            printed, _ = job.communicate(timeout=120)
        assert job.returncode == 0
        return printed.splitlines()

    @property
    def booked(self) -> int:
        """Transfers, so far."""
        return len(self.rows("SELECT 1 FROM transfers"))

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Of its database; none before it has made one."""
        database = closing(sqlite3.connect(self._directory / "payouts.db"))
        with suppress(sqlite3.OperationalError), database as db:
            return db.execute(sql).fetchall()
        return []
