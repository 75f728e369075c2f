"""Batched, exactly-once Faust."""

from processors.engine.app import EngineApp, create_app
from processors.engine.errors import EngineError
from processors.engine.processor import Halt, Output, Processor, Rejected
from processors.engine.settings import EngineSettings, changelog_topic, partition_for
from processors.engine.stats import Stats
from processors.engine.worker import run

__all__ = [
    "EngineApp",
    "EngineError",
    "EngineSettings",
    "Halt",
    "Output",
    "Processor",
    "Rejected",
    "Stats",
    "changelog_topic",
    "create_app",
    "partition_for",
    "run",
]
