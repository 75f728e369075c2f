"""The topics of the system: ``layouts`` says what they should be like, ``broker`` makes them so."""

from processors.topics.broker import (
    Difference,
    NoBroker,
    Report,
    TopicsFailed,
    check_topics,
    create_topics,
    partition_counts,
)
from processors.topics.layouts import Layout, layouts

__all__ = [
    "Difference",
    "Layout",
    "NoBroker",
    "Report",
    "TopicsFailed",
    "check_topics",
    "create_topics",
    "layouts",
    "partition_counts",
]
