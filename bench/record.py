"""What is produced."""

from typing import NamedTuple


class Record(NamedTuple):
    """``topic``: its short name, the same in every run."""

    topic: str
    key: bytes
    value: bytes
