"""A real Kafka and a real ClickHouse on this machine, from package registries alone: no Docker, no Java.

``LocalKafka`` and ``LocalClickHouse`` are both a ``LocalServer``: one child process on one data directory,
listening on loopback. Packages of the extra ``local`` are what they are made of, and ``start`` says so where
that is not installed. From the bottom up:

- ``errors``     what can go wrong, each with its remedy
- ``directory``  one owner per data directory
- ``ports``      a free port, remembered between runs
- ``process``    one child process that cannot outlive its parent (``tether`` is what it is started through)
- ``server``     the life of a server: directory, port, process, readiness, shutdown
- ``java``       a Java runtime for Kafka
- ``jars``       Kafka itself
- ``kafka``, ``clickhouse``  the two servers
- ``clickhouse_config``  who gets into the second one
- ``clickhouse_process``  what its child runs, and ``confine``, what keeps that child in
"""
