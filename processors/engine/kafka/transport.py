"""What Faust makes consumer and producer of."""

import uuid

from faust.transport.drivers import aiokafka as driver

from processors.engine.kafka.consumer import BatchConsumer
from processors.engine.kafka.retrying import telling
from processors.engine.kafka.tables import FAUST_LOG
from processors.engine.kafka.transaction import TransactionalProducer


class BatchProducer(driver.Producer):  # type: ignore[misc]
    """Faust's producer service around :class:`.transaction.TransactionalProducer`."""

    logger = FAUST_LOG

    def _new_producer(self, transactional_id: str | None = None) -> TransactionalProducer:
        settings = self.app.settings
        slot = transactional_id or settings.instance_id or uuid.uuid4().hex
        return TransactionalProducer(
            settings.connection,
            transactional_id=f"{settings.application_id}-{slot}",
            transaction_timeout_ms=int(settings.transaction_timeout_s * 1000),
            topics=self.app.targets,
            again=telling(self.app.stats.retry),
            client_id=self.client_id,
            request_timeout_ms=int(self.request_timeout * 1000),
            max_batch_size=self.max_batch_size,
            compression_type=self.compression_type,
            published=self.app.published,
        )


class BatchTransport(driver.Transport):  # type: ignore[misc]
    """For ``App._new_transport``."""

    Consumer = BatchConsumer
    Producer = BatchProducer
