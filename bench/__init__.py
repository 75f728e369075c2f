"""How fast Leadstream is, on a real broker, beside others who do the same work.

**Workloads.** ``w1`` is the customer join alone: every contestant can be held to it. ``w2`` is the whole
pipeline on believable traffic. Each knows what has to come out of it (:mod:`.verdict`): a run that loses,
doubles or changes a lead does not count.

**A run.** Topics are loaded, a contestant is started as a process of its own, and is watched from outside
(:mod:`.measured`, :mod:`.watch`): CPU time, memory, committed offsets, and what a ``read_committed`` reader
sees. Nothing in the contestant takes part in measuring it.
"""
