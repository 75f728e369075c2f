"""One customer of all that is known of it. Pure.

The same facts give the same customer, wherever they are by now: a lead event in memory says what the worker
will publish of it, by the worker's own rules.
"""

from collections.abc import Callable, Mapping

from processors.attribution.clicks import StoredClick
from processors.attribution.customer_state import TouchState
from processors.attribution.meaning import attributions, choose
from processors.attribution.policy import Policy
from processors.gateway.facts.entries import ClickEntry, PersonEntry, Said, Standing
from processors.gateway.known import KnownClick, KnownCustomer, KnownLink
from schemas.links import Link

Linked = Callable[[KnownLink | Link], KnownLink]


def known_click(click_id: str, entry: ClickEntry, linked: Linked) -> KnownClick:
    """``linked``: what is known of its link."""
    return KnownClick(click_id, entry.at_ms, entry.tracked, linked(entry.link))


def known_customer(
    person: PersonEntry | None,
    stored: Standing | None,
    clicks: Mapping[str, ClickEntry],
    policy: Policy,
    linked: Linked,
) -> KnownCustomer | None:
    """None: nothing is known of it. ``stored``: as ClickHouse has it. ``clicks``: those of the clicks that
    ``person`` names which are there."""
    person = person or PersonEntry()
    if person.erased:
        return KnownCustomer(erased=True)
    standing = person.standing or stored
    named = {click_id: clicks[click_id] for click_id in person.named if click_id in clicks}
    if standing is None and not named:
        return None
    click_id = _chosen(person, standing, named, policy)
    entry = named.get(click_id) or (standing.click if standing is not None else None) if click_id else None
    return KnownCustomer(
        requested=person.requested or (standing is not None and standing.requested),
        click=known_click(click_id, entry, linked) if click_id and entry is not None else None,
        name=_first(person.name, standing.name if standing else None, standing),
        email=_first(person.email, standing.email if standing else None, standing),
        avatar=_first(person.avatar, standing.avatar if standing else None, standing),
    )


def _chosen(
    person: PersonEntry, standing: Standing | None, named: Mapping[str, ClickEntry], policy: Policy
) -> str | None:
    """The click that the model chooses of the touches that are known; else the first that was named."""
    touches = [
        TouchState(click_id, StoredClick(entry.at_ms, entry.tracked), (person.named[click_id],))
        for click_id, entry in named.items()
    ]
    candidates = attributions(touches, policy)
    if standing is not None:
        mine = StoredClick(standing.click.at_ms, True)
        # By what the worker made of it, whatever the windows are today.
        known = attributions([TouchState(standing.click_id, mine, (standing.click.at_ms,))], policy)
        for one in known.values():
            earlier = candidates.get(one.click_id)
            deferred_ms = min(standing.deferred_ms, earlier.deferred_ms if earlier else standing.deferred_ms)
            candidates[one.click_id] = type(one)(deferred_ms, one.click_id, one.click)
    chosen = choose(candidates.values(), None, policy)
    if chosen is not None:
        return chosen.click_id
    return min(named, key=lambda click_id: (person.named[click_id], click_id), default=None)


def _first(said: Said, published: str | None, standing: Standing | None) -> str | None:
    """What was said first. What is published was said first of all that the worker knew; when, it does not
    tell."""
    if said is None or standing is None:
        return published or (said[1] if said else None)
    if published is None or said[0] <= standing.first_seen_ms:
        return said[1]
    return published
