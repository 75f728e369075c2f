"""``leadstream worker`` as another release: ``python -m tests.upgrade.worker_main previous|next|later``."""

import sys

from processors.engine.kafka.app import create_app
from processors.engine.kafka.worker import run
from processors.observability.logs import configure_logs
from processors.settings import Settings
from processors.worker.run import engine_settings, processors_of
from schemas.topics import Topic
from tests.upgrade.releases import RELEASES, Foreign


def main() -> None:
    settings, release = Settings(), RELEASES[sys.argv[1]]
    configure_logs(settings, process=f"{settings.instance_id} {sys.argv[1]}")
    touches = settings.topic(Topic.TOUCHES)
    run(
        create_app(
            engine_settings(settings, settings.worker_group),
            [Foreign(one, release, touches) for one in processors_of(settings)],
        )
    )


if __name__ == "__main__":
    main()
