"""Connecting to Kafka, in one way, and what is told when that fails.

``clients`` makes every client of Kafka; ``bounded`` has them connect in bounded time, whichever of the
addresses is silent; ``heard`` has failures told once; ``failures`` tells causes apart, each with its remedy
and exit code.
"""

from processors.kafka.connection.clients import KafkaConnection
from processors.kafka.connection.failures import KafkaRefused, NoBroker, telling, told

__all__ = ["KafkaConnection", "KafkaRefused", "NoBroker", "telling", "told"]
