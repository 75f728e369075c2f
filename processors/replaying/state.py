"""All state and results from the events, by workers under another application id, beside the live ones."""

from typing import Final

from processors.replaying.beside import another
from processors.settings import Settings
from schemas.topics import WORKER_TOPICS, Topic

EVENTS: Final = tuple(topic for topic in WORKER_TOPICS if topic is not Topic.TOUCHES)
"""What all is computed from; the rest workers write themselves."""


def beside(live: Settings, application_id: str, output_prefix: str | None) -> Settings:
    """The settings of the replay: the same events and rules, other state and other results.

    ``output_prefix`` None: the live one, the id and a dot. Raises ``Misconfigured`` for what is the live
    system's, and ``ValueError`` for what the rules of the environment do not allow.
    """
    return another(live, "application_id", application_id, "output_prefix", output_prefix, Topic.LEADS)
