"""One customer: what is known of it and why (``tracing``), and forgetting it everywhere (``erasing``); and
what of a workspace waits (``waiting``).

``identity`` says who it is, ``worker_side`` what the workers hold, ``backlog`` what they have not come to
yet, ``clickhouse_side`` what ClickHouse has, ``holdings`` how much both have; ``telling`` puts it in words.
"""
