"""Everything once more: ``clickhouse`` from the result topics, ``state`` from the events, ``rewards`` from
leads and sales. ``beside`` has what the last two share.
"""
