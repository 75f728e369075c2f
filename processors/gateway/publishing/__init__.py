"""Events into Kafka: those of concurrent calls together, on one producer at a time.

``publisher`` is what handlers call, ``queues`` holds what waits for its turn, ``producing`` keeps a producer
that works.
"""

from processors.gateway.publishing.publisher import EventPublisher

__all__ = ["EventPublisher"]
