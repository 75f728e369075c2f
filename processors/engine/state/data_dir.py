"""A data directory belongs to one process, and to one application on one Kafka cluster."""

import fcntl
import os
from pathlib import Path
from typing import IO

from processors.engine.errors import DataDirInUse
from processors.files import open_private, own_directory, tighten
from processors.owners import LOCK, written_pid

_OWNER = "owner"


def claim(data_dir: Path) -> IO[str]:
    """Create the directory and lock it for this process, until the result is closed or the process ends.

    What is in it is the owner's alone from then on: states hold what events say of people.

    RocksDB locks its files as well, but only when a partition is assigned: two workers on one directory would
    both join the group first.
    """
    own_directory(data_dir)
    lock = open_private(data_dir / LOCK, "a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pid = written_pid(lock.fileno())
        lock.close()
        holder = f"process {pid}" if pid else "another process"
        raise DataDirInUse(
            f"{data_dir} is in use by {holder}: stop it, or give each worker its own data directory"
        ) from None
    lock.seek(0)
    lock.truncate()
    lock.write(str(os.getpid()))
    lock.flush()
    tighten(data_dir)
    return lock


def mark(data_dir: Path, application_id: str, cluster_id: str | None) -> None:
    """Note whose state this is. Raises :class:`DataDirInUse` if it is somebody else's.

    A store of another cluster would be taken for a prefix of a changelog it has nothing to do with.
    """
    owner = data_dir / _OWNER
    ours = f"{application_id} on Kafka cluster {cluster_id}\n"
    if cluster_id is None:
        return
    if not owner.exists():
        owner.write_text(ours)
    elif (theirs := owner.read_text()) != ours:
        raise DataDirInUse(
            f"{data_dir} holds the state of {theirs.strip()}, this is {ours.strip()}: use another data"
            " directory, or delete this one to have its state restored from the changelogs"
        )
