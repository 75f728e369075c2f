"""The topics of the system: ``layouts`` says what they should be like, ``broker`` makes them so, ``reading``
reads what is in them.
"""

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
from processors.topics.reading import Span, TopicReader

__all__ = [
    "Difference",
    "Layout",
    "NoBroker",
    "Report",
    "Span",
    "TopicReader",
    "TopicsFailed",
    "check_topics",
    "create_topics",
    "layouts",
    "partition_counts",
]
