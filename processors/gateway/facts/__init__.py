"""What a gateway knows of clicks, customers and sales.

``recent`` remembers what was written lately, in bounded memory; ``following`` reads it off the topics;
``older`` asks ClickHouse; ``certainty`` says when neither having something means that it is not there, from
what ``watching`` learns now and then of how far workers and sink have come; ``merging`` makes one answer of
all; ``service`` is what handlers ask.
"""

from processors.gateway.facts.service import RecentAndOlder, open_facts

__all__ = ["RecentAndOlder", "open_facts"]
