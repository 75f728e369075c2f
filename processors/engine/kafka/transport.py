"""What Faust makes consumer and producer of."""

import uuid

from faust.transport.drivers import aiokafka as driver

from processors.engine.kafka.consumer import BatchConsumer
from processors.engine.kafka.retrying import telling
from processors.engine.kafka.tables import FAUST_LOG
from processors.engine.kafka.transaction import TransactionalProducer

#: Settings of Faust for aiokafka's own producer, which has a queue.
_NOT_FOR_US = {"acks", "linger_ms", "max_request_size", "partitioner"}


class BatchProducer(driver.Producer):  # type: ignore[misc]
    """Faust's producer service around :class:`.transaction.TransactionalProducer`."""

    logger = FAUST_LOG

    def _new_producer(self, transactional_id: str | None = None) -> TransactionalProducer:
        settings, connection = self.app.settings, {**self._settings_default(), **self._settings_auth()}
        slot = transactional_id or settings.instance_id or uuid.uuid4().hex
        return TransactionalProducer(
            transactional_id=f"{settings.application_id}-{slot}",
            transaction_timeout_ms=int(settings.transaction_timeout_s * 1000),
            topics=self.app.targets,
            again=telling(self.app.stats.retry),
            **{name: value for name, value in connection.items() if name not in _NOT_FOR_US},
        )


class BatchTransport(driver.Transport):  # type: ignore[misc]
    """For ``App._new_transport``."""

    Consumer = BatchConsumer
    Producer = BatchProducer
