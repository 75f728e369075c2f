"""One customer, for ``leadstream trace`` and ``leadstream erase``.

``identity`` says who it is, ``worker_side`` what the workers hold, ``clickhouse_side`` what ClickHouse has,
``telling`` puts both in words.
"""
