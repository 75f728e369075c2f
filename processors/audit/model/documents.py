"""Conclusions → the documents that the system publishes, with revision 0: the model does not count them."""

from typing import Final

from msgspec import Raw

from processors.audit.model.rules import (
    ConcludedLead,
    Conclusion,
    ModelPolicy,
    Person,
    PurchaseFact,
    Touch,
    own_touch,
    sale_of,
    touches_that_count,
)
from schemas.ids import customer_id, event_key, lead_id
from schemas.links import short_link
from schemas.results import (
    NULL,
    ClickFacts,
    Customer,
    CustomerTouch,
    Lead,
    LeadClick,
    LeadCustomer,
    LeadLink,
    Sale,
)
from schemas.times import rfc3339

NOT_COUNTED: Final = 0
"""The revision in every document of the model."""


def lead_document(lead: ConcludedLead, person: Person, policy: ModelPolicy) -> Lead:
    """Rule 11: time, name, quantity, metadata and eventId from the request, the rest from its touch."""
    event = lead.request.event
    return Lead(
        lead_id=lead_id(event.workspace_id, event.customer, event_key(event.event_name)),
        revision=NOT_COUNTED,
        workspace_id=event.workspace_id,
        event_name=event.event_name,
        quantity=event.event_quantity or 1,
        timestamp=rfc3339(lead.request.at_ms),
        deferred_at=rfc3339(lead.touch.deferred_ms),
        event_id=event.event_id or None,
        attribution_model=policy.model,
        metadata=_metadata(event.metadata),
        customer=_person(event.workspace_id, event.customer, person),
        click=_click(lead.touch),
        link=_link(lead.touch.click),
    )


def sale_document(purchase: PurchaseFact, lead: ConcludedLead, person: Person, policy: ModelPolicy) -> Sale:
    """A purchase with the attribution of its lead."""
    event, of_lead = purchase.event, lead_document(lead, person, policy)
    return Sale(
        sale_id=sale_of(purchase),
        lead_id=of_lead.lead_id,
        revision=NOT_COUNTED,
        workspace_id=event.workspace_id,
        event_name=event.event_name or "",
        lead_event_name=of_lead.event_name,
        quantity=1,
        amount=event.amount,
        currency=event.currency or "",
        invoice_id=event.invoice_id,
        payment_processor=event.payment_processor or None,
        timestamp=rfc3339(purchase.at_ms),
        deferred_at=of_lead.deferred_at,
        event_id=event.event_id or None,
        attribution_model=policy.model,
        metadata=_metadata(event.metadata),
        customer=of_lead.customer,
        click=of_lead.click,
        link=of_lead.link,
    )


def customer_document(
    workspace_id: str, external_id: str, conclusion: Conclusion, policy: ModelPolicy
) -> Customer | None:
    """Rule 13; None before the first touch."""
    person = conclusion.person
    if not conclusion.touches or person is None:
        return None
    own = own_touch(conclusion.kept, policy)
    counting = touches_that_count(conclusion.touches, conclusion.leads.values(), policy)
    qualified = sorted(rfc3339(lead.request.at_ms) for lead in conclusion.leads.values())
    return Customer(
        workspace_id=workspace_id,
        customer_external_id=external_id,
        id=customer_id(workspace_id, external_id),
        status="qualified" if qualified else "pending",
        name=person.name,
        email=person.email,
        avatar=person.avatar,
        first_seen_at=rfc3339(person.first_seen_ms),
        deferred_at=rfc3339(own.deferred_ms),
        qualified_at=qualified[0] if qualified else None,
        leads=len(conclusion.leads),
        sales=len(conclusion.sales),
        attribution_model=policy.model,
        click=_click(own),
        link=_link(own.click),
        touches=() if counting == [own] else tuple(_touch(touch) for touch in counting),
    )


def _metadata(metadata: Raw) -> Raw:
    return metadata if bytes(metadata) else NULL


def _person(workspace_id: str, external_id: str, person: Person) -> LeadCustomer:
    return LeadCustomer(
        id=customer_id(workspace_id, external_id),
        external_id=external_id,
        name=person.name,
        email=person.email,
        avatar=person.avatar,
        first_seen_at=rfc3339(person.first_seen_ms),
    )


def _click(touch: Touch) -> LeadClick:
    click = touch.click
    return LeadClick(
        id=touch.click_id,
        timestamp=rfc3339(click.timestamp),
        url=click.url,
        country=click.country,
        city=click.city,
        region=click.region,
        continent=click.continent,
        device=click.device,
        browser=click.browser,
        os=click.os,
        referer=click.referer,
        referer_url=click.referer_url,
        trigger=click.trigger,
        qr=click.qr,
    )


def _touch(touch: Touch) -> CustomerTouch:
    return CustomerTouch(
        click_id=touch.click_id,
        click_timestamp=rfc3339(touch.click.timestamp),
        deferred_at=rfc3339(touch.deferred_ms),
        link_id=touch.click.link_id,
        partner_id=touch.click.partner_id,
        program_id=touch.click.program_id,
    )


def _link(click: ClickFacts) -> LeadLink:
    return LeadLink(
        id=click.link_id,
        domain=click.domain,
        key=click.key,
        short_link=short_link(click.domain, click.key) if click.domain and click.key else None,
        url=click.url,
        partner_id=click.partner_id,
        program_id=click.program_id,
        tenant_id=click.tenant_id,
        external_id=click.link_external_id,
    )
