"""What a gateway says of itself once a minute."""

from processors.gateway.observing import Observed, look
from processors.gateway.stats import Stats


def test_a_gateway_says_what_it_has_answered_and_what_failed() -> None:
    stats = Stats(unready=None, under_way=2)
    for status in (200, 200, 404, 500, 503):
        stats.answered("/track/lead", status, 0.01)
    stats.answered("/links", 0, 0.01)  # its client went away
    found = look(Observed(stats))
    assert (found.work, found.times) == (6, 6)
    assert found.troubles == {"failed": 2}
    assert found.now == {"under_way": 2}
    assert found.waiting == 0


def test_a_gateway_that_does_not_serve_yet_says_why() -> None:
    assert look(Observed(Stats())).now["unready"] == "the topics of the registries are not read yet"
