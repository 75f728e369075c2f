"""``leadstream worker`` and ``leadstream sink``, where a purchase of :data:`BUG` meets a bug that quotes it.

Run as ``python -m tests.observability.planted_main worker|sink`` with the settings of the product.
"""

import sys
from typing import Any

from processors.cli.main import main
from processors.worker.processors import CustomerProcessor

BUG = "planted-bug"

apply = CustomerProcessor.apply


def quoting(job: CustomerProcessor, key: bytes, state: Any, fact: Any, now_ms: int) -> Any:
    if getattr(getattr(fact, "event", None), "invoice_id", None) == BUG:
        raise ValueError(f"cannot apply {key!r} {fact.record.value!r}")
    return apply(job, key, state, fact, now_ms)


if __name__ == "__main__":
    setattr(CustomerProcessor, "apply", quoting)  # noqa: B010 - the bug
    sys.exit(main())
