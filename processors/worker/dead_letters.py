"""Records that could not be used: what is written instead, and what the operator is told."""

import re
from typing import Final

from processors.engine import Limits, Output, Record, Rejected, Unfit
from processors.engine.settings import ROOM_BYTES
from schemas.dead_letters import cause_of, dead_letter, workspace_of
from schemas.decoding import MAX_RECORD_BYTES, Refused
from schemas.reasons import DeadLetterReason
from schemas.topics import INPUT_BYTES, RESULT_BYTES

_REMEDY: Final = (
    "Mend the producer or deploy a worker that can read them; to let them pass as dead letters, start with "
    "LEADSTREAM_DEAD_LETTER_LIMIT=1."
)
UNFIT: Final = {
    Unfit.TOO_LARGE: DeadLetterReason.TOO_LARGE,
    Unfit.FAILED: DeadLetterReason.PROCESSING_FAILED,
}
"""Why there is a dead letter of what the engine does not let pass."""


def rejected(topic: str, record: Record, refused: Refused) -> Rejected:
    """A dead letter in ``topic``: the record as it came, as far as it fits, with headers that say why.

    A replayed one says nothing about the deployment: it was one before.
    """
    letter = Output(topic, *dead_letter(record, refused.reason, refused.detail))
    value = record.value or b""
    # Of what is too large only the key is read: a worker has other things to do.
    workspace = workspace_of(record.key or b"", value if len(value) <= MAX_RECORD_BYTES else b"")
    origin = f"workspace {workspace}" if workspace else ""
    return Rejected([letter], _in_a_log(refused), origin, counts=not cause_of(record.headers).attempt)


_QUOTED: Final = re.compile(r"""['"].*['"]""", re.DOTALL)


def _in_a_log(refused: Refused) -> str:
    """Reason, field and rule. The detail of the dead letter may quote what the event says."""
    detail = refused.detail
    if refused.reason is DeadLetterReason.PROCESSING_FAILED:
        detail = detail.partition(":")[0]
    return f"{refused.reason}: {_QUOTED.sub('…', detail)}"


def limits(dead_letter_limit: float) -> Limits:
    """``dead_letter_limit``: share of dead letters above which a partition stands still."""
    return Limits(
        rejected=dead_letter_limit,
        remedy=_REMEDY,
        output_bytes=RESULT_BYTES - ROOM_BYTES,
        forward_bytes=INPUT_BYTES - ROOM_BYTES,
    )
