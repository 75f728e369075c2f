"""What is counted of a batch that is committed."""

from aiokafka.structs import TopicPartition

from processors.engine.effects import Effects, Taken
from processors.worker.reported import Reported
from schemas.topics import Topic

NAMES = {topic: f"x.{topic}" for topic in Topic}


def taken(topic: Topic, sample: bytes | None) -> Taken:
    return Taken(TopicPartition(NAMES[topic], 0), 7, 1, 2, sample)


def test_names_that_nobody_hears_are_counted_in_samples() -> None:
    reported = Reported(NAMES)
    lead = b'{"type":"lead","click_id":"c","eventName":"Sign Up","plan":1}'
    for _ in range(2):
        reported.count(
            Effects(
                0,
                taken=[
                    taken(Topic.QUALIFICATIONS, lead),
                    taken(Topic.DEFERRED_LEADS, b'{"type":"lead","clickId":"c","click_id":"d"}'),
                    taken(Topic.CLICKS, b'{"clickId":"c","referrer":"r","partner_id":"p"}'),
                    taken(Topic.PURCHASES, b"no json"),
                    taken(Topic.ERASURES, None),
                    # Of ours.
                    taken(Topic.TOUCHES, lead),
                ],
            )
        )
    assert reported.misspelt == {
        ("x.qualifications", "clickId"): 2,
        ("x.clicks", "referer"): 2,
        ("x.clicks", "partnerId"): 2,
    }
