"""The stream processors: attribution rules, batch engine, worker, ClickHouse sink, command line."""
