"""Stories for ``test_stories``: a few events each, why the story is here, and what it ends in."""

from dataclasses import dataclass, field

from processors.attribution.policy import AttributionModel
from schemas.topics import Topic
from tests.attribution.builders import click, deferred, erasure, implicit, lead, purchase, record
from tests.model.simulate import Record


@dataclass(frozen=True)
class Story:
    """Events that arrive at one moment, in this order, and what is known when every hold has passed."""

    why: str
    records: list[Record]
    leads: dict[str, str] = field(default_factory=dict)
    """By eventName: ``click@deferredAt/revision`` of the last emission."""
    status: str | None = None
    """Of the customer, with its own click."""
    sales: list[str] = field(default_factory=list)
    """``lead eventName amount/revision`` of the last emission of each, in order of first emission."""
    unmatched: list[str] = field(default_factory=list)
    """Reasons in the order in which they are given."""
    model: AttributionModel = "first-click"
    any_order: bool = True
    """The reference model agrees; false where rule 9 keeps what the facts no longer carry."""


UNTRACKED = {"trackConversion": False}

STORIES = [
    Story(
        "the seed's story: the deferred lead counts nothing, the request makes the one lead of its click",
        [click("c1", 0), deferred("c1", 10), lead(70)],
        {"Sign Up": "c1@10/1"},
        "qualified c1",
    ),
    Story(
        "nothing counts yet: without the second request the customer is pending and has no lead",
        [click("c1", 0), deferred("c1", 10)],
        status="pending c1",
    ),
    Story(
        "the two steps may have different names; the lead has that of the second",
        [click("c1", 0), deferred("c1", 10), lead(70, "Qualified Lead")],
        {"Qualified Lead": "c1@10/1"},
        "qualified c1",
    ),
    Story(
        "everything backwards: purchase, request, deferred lead and click wait for one another",
        [purchase(80), lead(70), deferred("c1", 10), click("c1", 0)],
        {"Sign Up": "c1@10/1"},
        "qualified c1",
        ["Sign Up 100/1"],
    ),
    Story(
        "a second qualification of the same name is the same lead, however it is written",
        [click("c1", 0), deferred("c1", 10), lead(70), lead(80, "sign  UP"), lead(90, "sign-up")],
        {"Sign Up": "c1@10/1"},
        "qualified c1",
    ),
    Story(
        "the earliest request makes the lead, also when it arrives last: the lead is emitted anew",
        [click("c1", 0), deferred("c1", 10), lead(80), lead(70, "sign-up")],
        {"sign-up": "c1@10/2"},
        "qualified c1",
    ),
    Story(
        "another event name is another lead of the same customer",
        [click("c1", 0), deferred("c1", 10), lead(70), lead(80, "Demo")],
        {"Sign Up": "c1@10/1", "Demo": "c1@10/1"},
        "qualified c1",
    ),
    Story(
        "a deferred lead after the qualification changes nothing: its time is later",
        [click("c1", 0), deferred("c1", 10), lead(70), deferred("c1", 75)],
        {"Sign Up": "c1@10/1"},
        "qualified c1",
    ),
    Story(
        "an earlier touch that arrives late takes the lead over (first-click): revision 2",
        [click("c2", 0), deferred("c2", 20), lead(70), click("c1", 0), deferred("c1", 10)],
        {"Sign Up": "c1@10/2"},
        "qualified c1",
    ),
    Story(
        "first-click: a second touch changes nothing",
        [click("c1", 0), deferred("c1", 10), click("c2", 0), deferred("c2", 20), lead(70)],
        {"Sign Up": "c1@10/1"},
        "qualified c1",
    ),
    Story(
        "last-click: the latest touch at or before the request",
        [click("c1", 0), deferred("c1", 10), click("c2", 0), deferred("c2", 20), lead(70)],
        {"Sign Up": "c2@20/1"},
        "qualified c2",
        model="last-click",
    ),
    Story(
        "last-click: a touch after the request is chosen only for want of one before it",
        [click("c1", 0), deferred("c1", 80), click("c2", 0), deferred("c2", 90), lead(70)],
        {"Sign Up": "c1@80/1"},
        "qualified c2",
        model="last-click",
    ),
    Story(
        "touches at one time compare by clickId, so that both models choose the same in any order",
        [click("c2", 0), deferred("c2", 10), click("c1", 0), deferred("c1", 10), lead(70)],
        {"Sign Up": "c1@10/1"},
        "qualified c1",
    ),
    Story(
        "a request that names its click needs no deferred lead: it makes the touch itself",
        [click("c1", 0), lead(70, click_id="c1")],
        {"Sign Up": "c1@70/1"},
        "qualified c1",
    ),
    Story(
        "a request that names its click goes there, whatever the model would choose",
        [click("c1", 0), deferred("c1", 10), click("c2", 0), lead(70, click_id="c2")],
        {"Sign Up": "c2@70/1"},
        "qualified c1",
    ),
    Story(
        "a deferred lead of the click that a request names only sets the time of the touch",
        [click("c1", 0), lead(70, click_id="c1"), deferred("c1", 10)],
        {"Sign Up": "c1@10/2"},
        "qualified c1",
    ),
    Story(
        "a request outside the attribution window counts after all when an earlier event makes the touch",
        [click("c1", 0), lead(110, click_id="c1"), deferred("c1", 100)],
        {"Sign Up": "c1@100/1"},
        "qualified c1",
        unmatched=["outside_attribution_window"],
    ),
    Story(
        "an event without a time of its own takes that of its record",
        [implicit(click("c1", 0)), implicit(deferred("c1", 10)), implicit(lead(70))],
        {"Sign Up": "c1@10/1"},
        "qualified c1",
    ),
    Story(
        "a clickId of blanks is none",
        [click("c1", 0), deferred("c1", 10), lead(70, clickId="  ")],
        {"Sign Up": "c1@10/1"},
        "qualified c1",
    ),
    Story(
        "a lead event in the wrong topic counts as if it were in the right one",
        [
            click("c1", 0),
            record(Topic.QUALIFICATIONS, 10, eventName="x", customerId="ann", clickId="c1", mode="deferred"),
            record(Topic.DEFERRED_LEADS, 70, eventName="Sign Up", externalId="ann"),
        ],
        {"Sign Up": "c1@10/1"},
        "qualified c1",
    ),
    Story(
        "a deferred lead without a click counts for nothing, not even its time",
        [deferred(None, 5, customerName="Nobody"), click("c1", 0), deferred("c1", 10), lead(70)],
        {"Sign Up": "c1@10/1"},
        "qualified c1",
        unmatched=["click_not_found"],
    ),
    Story(
        "a click that never comes: the deferred lead and the request are given up, each for its own reason",
        [deferred("c1", 10), lead(70)],
        unmatched=["click_not_found", "no_deferred_lead"],
    ),
    Story(
        "a bot's click is no click; what names it is told so at once, also when it came before",
        [deferred("c1", 10), click("c1", 0, bot=True), deferred("c1", 20)],
        unmatched=["bot_click", "bot_click", "bot_click"],
    ),
    Story(
        "a click with the clickId of a bot's is a click all the same",
        [click("c1", 0, bot=1), deferred("c1", 10), click("c1", 5), lead(70)],
        {"Sign Up": "c1@10/1"},
        "qualified c1",
        unmatched=["bot_click", "bot_click"],
    ),
    Story(
        "no touch without conversion tracking",
        [click("c1", 0, **UNTRACKED), deferred("c1", 10), lead(70)],
        unmatched=["conversion_tracking_disabled", "no_deferred_lead"],
    ),
    Story(
        "two events that make no touch at the same moment are both reported",
        [click("c1", 0, **UNTRACKED), deferred("c1", 10, "Sign Up"), deferred("c1", 10, "Demo")],
        unmatched=["conversion_tracking_disabled", "conversion_tracking_disabled"],
    ),
    Story(
        "of two clicks with one clickId the earlier counts, also when it arrives last: revision 2",
        [click("c1", 5, city="Ulm"), deferred("c1", 10), lead(70), click("c1", 0, city="Bonn")],
        {"Sign Up": "c1@10/2"},
        "qualified c1",
        unmatched=["click_conflict"],
    ),
    Story(
        "the same click twice is no conflict",
        [click("c1", 0), click("c1", 0, ip="192.0.2.1", ua="curl"), deferred("c1", 10)],
        status="pending c1",
    ),
    Story(
        "a lead that was emitted is never withdrawn, though its click turns out to be another",
        [click("c1", 5), deferred("c1", 10), lead(70), click("c1", 0, **UNTRACKED)],
        {"Sign Up": "c1@10/1"},
        "qualified c1",
        unmatched=["click_conflict"],
        any_order=False,
    ),
    Story(
        "one sale per invoice; the earliest purchase of it counts",
        [click("c1", 0), lead(10, click_id="c1"), purchase(80, invoiceId="i"), purchase(70, invoiceId="i")],
        {"Sign Up": "c1@10/1"},
        "qualified c1",
        ["Sign Up 100/2"],
    ),
    Story(
        "a purchase that names its lead and one that does not may make the same sale: it is said once",
        [
            click("c1", 0),
            lead(10, click_id="c1"),
            purchase(80, invoiceId="i", leadEventName="sign up"),
            purchase(80, invoiceId="i"),
        ],
        {"Sign Up": "c1@10/1"},
        "qualified c1",
        ["Sign Up 100/1"],
    ),
    Story(
        "a request that names its click and one that does not may make the same lead: it is said once",
        [click("c1", 0), lead(10, click_id="c1"), lead(10)],
        {"Sign Up": "c1@10/1"},
        "qualified c1",
    ),
    Story(
        "a sale belongs to the newest lead at or before it, or to the one that it names",
        [
            click("c1", 0),
            lead(10, "A", "c1"),
            lead(20, "B", "c1"),
            lead(30, "C", "c1"),
            purchase(20, amount=1),
            purchase(99, amount=2, leadEventName="a"),
        ],
        {"A": "c1@10/1", "B": "c1@10/1", "C": "c1@10/1"},
        "qualified c1",
        ["B 1/1", "A 2/1"],
    ),
    Story(
        "a purchase before any lead is given up in the end",
        [click("c1", 0), lead(70, click_id="c1"), purchase(19), purchase(90, leadEventName="Demo")],
        {"Sign Up": "c1@70/1"},
        "qualified c1",
        unmatched=["no_lead_for_purchase", "no_lead_for_purchase"],
    ),
    Story(
        "two workspaces are strangers, whatever ids they share",
        [click("c1", 0), deferred("c1", 10), lead(70, workspaceId="w2")],
        status="pending c1",
        unmatched=["no_deferred_lead"],
    ),
    Story(
        "an erased customer is forgotten, and so is what comes later",
        [click("c1", 0), deferred("c1", 10), lead(70), erasure(), lead(80, "Demo"), deferred("c1", 20)],
        unmatched=["suppressed", "suppressed"],
    ),
]
