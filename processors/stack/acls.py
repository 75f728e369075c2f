"""What ``leadstream acls`` prints."""

from collections.abc import Iterable, Iterator, Mapping

from processors.kafka.acls import Right, commands, rights
from processors.kafka.layouts import Changelog
from processors.rewarding.run import changelogs_of as rewards
from processors.settings import Settings
from processors.sink.tables import SINK_TOPICS
from processors.worker.run import changelogs_of as workers


def rights_of(settings: Settings) -> Mapping[str, list[Right]]:
    """By role, of this deployment."""
    return rights(settings, _names(workers(settings)), _names(rewards(settings)), SINK_TOPICS)


def lines(settings: Settings, principal: str) -> Iterator[str]:
    """Shell lines. ``principal``: with ``{role}`` where its name goes."""
    for role, granted in rights_of(settings).items():
        yield from commands(role, granted, principal.replace("{role}", role))


def _names(changelogs: Iterable[Changelog]) -> list[str]:
    return [one.name for one in changelogs]
