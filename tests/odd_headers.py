"""Records with a header name that is no UTF-8, as Kafka takes them from any producer."""

from aiokafka import AIOKafkaProducer
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy

NAME = b"n\xff\xfe"
READ_AS = "n��"


class _Name(str):
    """A ``str``, as the builder wants it, whose bytes are others."""

    __slots__ = ()

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:  # noqa: ARG002
        return NAME


HEADER: tuple[str, bytes] = (_Name("n"), b"1")


def builder(codec: int = 0, producer: int | None = None) -> _DefaultRecordBatchBuilderPy:
    """Of a batch. ``codec``: Kafka's number of a compression; ``producer``: of which transaction."""
    return _DefaultRecordBatchBuilderPy(
        magic=2,
        compression_type=codec,
        is_transactional=producer is not None,
        producer_id=-1 if producer is None else producer,
        producer_epoch=-1,
        base_sequence=0,
        batch_size=1 << 20,
    )


async def send(bootstrap: str, topic: str, key: bytes, value: bytes, timestamp: int) -> list[int]:
    """Three equal records in partition 0, the second with the odd header. Returns their offsets."""
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        batch = producer.create_batch()
        batch._builder = builder()
        for number in range(3):
            headers = [HEADER] if number == 1 else []
            batch.append(timestamp=timestamp, key=key, value=value, headers=headers)
        first = (await (await producer.send_batch(batch, topic, partition=0))).offset
        return [first, first + 1, first + 2]
