"""The worker: the attribution core as two processors of the batch engine.

``clicks`` reads ``clicks``, ``deferred-leads`` and ``click-erasures`` and writes ``touches``; ``customers``
reads ``touches``, ``qualifications``, ``purchases`` and ``erasures`` and writes ``leads``, ``sales``,
``customers`` and ``click-erasures``. Both write ``unmatched`` and ``dead-letters``. They run in one process,
in the same transactions.
"""

from processors.worker.run import run_worker

__all__ = ["run_worker"]
