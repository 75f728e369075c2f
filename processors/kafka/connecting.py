"""Settings → the connection that every client is made of."""

from aiokafka import AIOKafkaConsumer

from processors.kafka.connection import KafkaConnection
from processors.settings import Settings
from processors.settings.part import revealed


def connection_of(settings: Settings) -> KafkaConnection:
    """Reads no file: certificates are read when the first client is made."""
    return KafkaConnection(
        bootstrap=settings.kafka_bootstrap,
        security_protocol=settings.kafka_security_protocol,
        sasl_mechanism=settings.kafka_sasl_mechanism,
        username=settings.kafka_username,
        password=revealed(settings.kafka_password),
        ca_file=settings.kafka_ca_file,
        cert_file=settings.kafka_cert_file,
        key_file=settings.kafka_key_file,
        key_password=revealed(settings.kafka_key_password),
    )


def follower(settings: Settings, client_id: str) -> AIOKafkaConsumer:
    """Reads what is committed, soon after it is, from where it is told; of no group. Raises
    ``OffsetOutOfRangeError`` where a partition begins later."""
    return connection_of(settings).consumer(
        client_id=client_id,
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="none",
        fetch_max_wait_ms=100,
        retry_backoff_ms=50,
    )
