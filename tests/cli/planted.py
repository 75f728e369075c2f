"""What a stranger may write into every field of an event, and where commands meet it again."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from processors.attribution.explanation import (
    Candidate,
    ExplainedPurchase,
    ExplainedRequest,
    ExplainedTouch,
    ExplainedWait,
    Explanation,
)
from processors.audit.report import Change, Difference, Wrong
from processors.people.identity import Person
from processors.people.tracing import Found
from processors.printable import printable
from processors.refusals.dead_letters import DeadLetter
from schemas.results import LeadCustomer
from tests.refusals.test_refusals import dead_letter

AT: Final = datetime(2026, 1, 1, tzinfo=UTC)
# A title, a clear screen, C1's CSI, a line that is none, a text turned around, a hidden space, markup.
PLANT: Final = "\x1b]0;owned\x07\x1b[2J\x9b31m\r\nforged: line\u2028\u202edlrow\u200b [bold red]Ann[/]"
SEEN: Final = (
    "\\u001b]0;owned\\u0007\\u001b[2J\\u009b31m\\u000d\\u000aforged: line\\u2028\\u202edlrow\\u200b"
    " [bold red]Ann[/]"
)
# Where lines are ours, as in the end of a log, a stranger has none of its own.
ONE_LINE: Final = PLANT.replace("\n", "")
_OWN_STYLE: Final = re.compile(r"\x1b\[[\d;]*m")


def harmless(output: str) -> bool:
    """Nothing in it is obeyed but the styles that are ours, and no line begins as a stranger wishes."""
    lines = [line.replace("\t", " ") for line in _OWN_STYLE.sub("", output).split("\n")]
    return all(line == printable(line) for line in lines) and not any(
        line.startswith("forged") for line in lines
    )


def shows(output: str) -> bool:
    """It is there, wherever lines are broken."""
    return re.sub(r"\s", "", SEEN) in re.sub(r"\s", "", _OWN_STYLE.sub("", output))


def letters() -> Iterator[DeadLetter]:
    """Readable or not, with a reason, a detail and a source that somebody else made up."""
    # The value is shown last of all, and its lines are its own.
    for value in (orjson.dumps({"workspaceId": PLANT}), ONE_LINE.encode(), PLANT.encode() + b"\xff"):
        letter = dead_letter(value, key=PLANT.encode())
        assert isinstance(letter, DeadLetter)
        source = letter.cause.source._replace(topic=PLANT)
        cause = letter.cause._replace(reason=PLANT, detail=PLANT, source=source)
        yield replace(letter, cause=cause, topic=None)


def difference() -> Difference:
    """Of an audit."""
    return Difference(next(iter(Wrong)), PLANT, PLANT, PLANT, PLANT, (Change(PLANT, PLANT, PLANT),), PLANT)


def found() -> Found:
    """By ``leadstream trace``."""
    names = ("click_id", "link_id", "partner_id", "event_name", "revision", "reason", "detail")
    row: dict[str, Any] = {**dict.fromkeys(names, PLANT), "timestamp": AT}
    sale = {"timestamp": AT, "amount": 1, "currency": PLANT, "lead_event_name": PLANT}
    clickhouse = {"customers": [{"status": PLANT}], "leads": [row], "sales": [sale], "unmatched": [row]}
    return Found(Person(PLANT, PLANT), explanation=explanation(PLANT), clickhouse=clickhouse, notes=[PLANT])


def explanation(text: str) -> Explanation:
    """Every text of it is ``text``."""
    touch = ExplainedTouch(
        click_id=text,
        clicked_at=text,
        link_id=text,
        partner_id=text,
        lead_events=[text],
        deferred_at=text,
        why=text,
    )
    request = ExplainedRequest(
        event_name=text,
        timestamp=text,
        event_id=text,
        click_id=text,
        lead_id=text,
        revision=1,
        makes_lead=True,
        waits_until=text,
        why=text,
        candidates=[Candidate(click_id=text, deferred_at=text, eligible=True, chosen=True, why=text)],
    )
    purchase = ExplainedPurchase(
        sale_id=text,
        timestamp=text,
        amount=1,
        currency=text,
        invoice_id=text,
        lead_id=text,
        revision=1,
        waits_until=text,
        why=text,
    )
    return Explanation(
        workspace_id=text,
        customer=LeadCustomer(
            id=text, external_id=text, name=text, email=text, avatar=text, first_seen_at=text
        ),
        customer_id=text,
        customer_external_id=text,
        status="qualified",
        summary=text,
        attribution_model=text,
        touches=[touch],
        requests=[request],
        purchases=[purchase],
        waits=[ExplainedWait(click_id=text, waits_until=text, why=text)],
        kept=[text],
    )
