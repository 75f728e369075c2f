"""Topics → ClickHouse: a consumer group of its own, at least once into tables that collapse by id.

From the bottom up: ``rows``, ``result_rows``, ``click_rows`` and ``refusal_rows`` make a
row of a record; ``tables`` says which topic fills which table; ``failures`` judges an insert that failed,
``erasing`` deletes, ``writer`` inserts, ``rejects`` dead-letters, ``batch`` collects; ``loop`` does it all in
an order that loses nothing, and says what each failure leaves behind; ``run`` starts it.

Why storing a row twice changes nothing: its table keeps one row per sort key, the one with the greatest
version; the key is the content's own (lead id, sale id, click id, hash of the event) and the version follows
from the record (``rows.last_wins``, ``rows.first_wins``, ``click_rows.earliest_wins``), not from when it was
stored.
"""

from processors.sink.run import SinkFailed, run_sink

__all__ = ["SinkFailed", "run_sink"]
