"""How long questions take in ClickHouse: ``leadstream bench analytics`` ([benchmark.md](docs/benchmark.md)).

Events are made within the server, a year of them; nothing of Kafka takes part. Each question is asked of the
largest workspace, which has 30 % of everything, about the last 90 days.
"""
