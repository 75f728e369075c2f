"""How the engine fails.

EngineError                   has an exit code; the message names cause and remedy
├── ProcessorHalt        65   a processor raised Halt
├── Unexpected           70   a guard tripped or a bug: restart, the transaction is aborted
│   └── Stalled               something took longer than it may: every thread's stack is logged
├── DataDirInUse         73   another process has this data_dir, or it holds another cluster's state
└── TopicsMismatch       78   a topic is missing or, as state shows, was laid out with other partitions
NoBroker, KafkaRefused 69, 78   of processors.kafka.connection, at start and where Kafka refuses later
Superseded                    the batch's generation is over; never leaves the engine
"""

from processors.errors import ExitCode, LeadstreamError


class EngineError(LeadstreamError):
    """Ends the worker with ``exit_code``; ``str()`` is all the operator needs."""

    exit_code = ExitCode.INTERNAL


class ProcessorHalt(EngineError):
    """A processor asked for the worker to stop."""

    exit_code = ExitCode.TOO_MANY_REFUSED


class Unexpected(EngineError):
    """Something that must not happen. Nothing is committed; the next start aborts what is open."""


class Stalled(Unexpected):
    """Something took longer than it may. What each thread was doing says why."""


class DataDirInUse(EngineError):
    """The data directory is not ours to write."""

    exit_code = ExitCode.CANNOT_WRITE


class TopicsMismatch(EngineError):
    """The topics on the broker, or the states in them, are not what the processors need."""

    exit_code = ExitCode.MISCONFIGURED


class Superseded(Exception):
    """The generation (or the process) of a batch ends: drop it whole, its records go to the next owner."""


class Refused(Superseded):
    """The coordinator refused the offsets of a former owner; the transaction is aborted."""
