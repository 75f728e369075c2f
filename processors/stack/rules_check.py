"""Do customers whom the workers know keep another model, or other windows, than what is set now?"""

from collections import Counter
from collections.abc import Iterable

from processors.attribution import customer_join
from processors.attribution.explaining import span
from processors.attribution.policy import Rules
from processors.engine import frame
from processors.engine.placement import changelog_topic
from processors.kafka.reading import TopicReader
from processors.kafka.running import run_on_kafka
from processors.kafka.topics import NoBroker, TopicsFailed
from processors.settings import Settings
from processors.stack.check import Check
from processors.worker.processors import CUSTOMERS_TABLE
from processors.worker.run import policy_of

_LATEST = 1_000
"""States of each partition that are looked at: what the workers wrote last."""


def check_rules(settings: Settings) -> Check:
    """Reads the end of the changelog. It is no failure: these customers go by what they keep."""

    async def read() -> list[bytes | None]:
        async with TopicReader(settings) as reader:
            topic = changelog_topic(settings.worker_group, CUSTOMERS_TABLE)
            return [record.value for record in await reader.latest(topic, _LATEST)]

    try:
        stored = run_on_kafka(read())
        return rules_told(kept_rules(stored), policy_of(settings).rules)
    except (NoBroker, TopicsFailed) as error:
        return Check("attribution", False, str(error), "Run `leadstream doctor` again.")
    except ValueError as error:
        return Check("attribution", False, str(error), "Run the `leadstream doctor` of that release.")


def kept_rules(stored: Iterable[bytes | None]) -> Counter[Rules]:
    """How many states keep which rules. ``stored``: values of the changelog. Raises ``ValueError``."""
    states = (customer_join.load(frame.body(value)) for value in stored if value)
    return Counter(state.rules for state in states if state.rules is not None)


def rules_told(kept: Counter[Rules], now: Rules) -> Check:
    """``now``: what customers without a lead go by."""
    others = [(rules, count) for rules, count in kept.most_common() if rules != now]
    found = _in_words(now)
    if others:
        rules, count = others[0]
        among = f"of {kept.total():,} customers with leads whose state was written last"
        more = f", and {sum(count for _, count in others[1:]):,} others" if others[1:] else ""
        found += f"; {among}, {count:,} keep {_in_words(rules)}{more}"
    return Check("attribution", True, found)


def _in_words(rules: Rules) -> str:
    windows = span(rules.attribution_window_ms), span(rules.qualification_window_ms)
    return f"{rules.model}, windows {' and '.join(windows)}"
