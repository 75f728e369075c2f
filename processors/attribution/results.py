"""Meaning → what is published."""

from msgspec import Raw

from processors.attribution.clicks import StoredClick
from processors.attribution.meaning import Attribution, CustomerMeaning, LeadMeaning, Person, SaleMeaning
from processors.attribution.policy import Policy
from schemas.ids import customer_id, event_key, lead_id
from schemas.links import short_link
from schemas.results import NULL, Customer, CustomerTouch, Lead, LeadClick, LeadCustomer, LeadLink, Sale
from schemas.times import rfc3339


def lead(workspace_id: str, customer: str, meant: LeadMeaning, revision: int, policy: Policy) -> Lead:
    """The lead as reward consumers read it."""
    request, attribution = meant.request, meant.attribution
    return Lead(
        lead_id=lead_id(workspace_id, customer, event_key(request.event_name)),
        revision=revision,
        workspace_id=workspace_id,
        event_name=request.event_name,
        quantity=request.quantity,
        timestamp=rfc3339(request.at_ms),
        deferred_at=rfc3339(attribution.deferred_ms),
        event_id=request.event_id or None,
        attribution_model=policy.model,
        metadata=_document(request.metadata),
        customer=_customer(workspace_id, customer, meant.person),
        click=_click(attribution),
        link=_link(attribution.click),
    )


def sale(workspace_id: str, customer: str, meant: SaleMeaning, revision: int, policy: Policy) -> Sale:
    """The sale, with the attribution of its lead."""
    purchase, attribution = meant.purchase, meant.attribution
    return Sale(
        sale_id=purchase.key,
        lead_id=lead_id(workspace_id, customer, meant.lead_key),
        revision=revision,
        workspace_id=workspace_id,
        event_name=purchase.event_name,
        lead_event_name=meant.lead_event_name,
        quantity=1,
        amount=purchase.amount,
        currency=purchase.currency,
        invoice_id=purchase.invoice_id or None,
        payment_processor=purchase.payment_processor or None,
        timestamp=rfc3339(purchase.at_ms),
        deferred_at=rfc3339(attribution.deferred_ms),
        event_id=purchase.event_id or None,
        attribution_model=policy.model,
        metadata=_document(purchase.metadata),
        customer=_customer(workspace_id, customer, meant.person),
        click=_click(attribution),
        link=_link(attribution.click),
    )


def status(workspace_id: str, customer: str, meant: CustomerMeaning, policy: Policy) -> Customer:
    """The customer, pending or qualified."""
    person = meant.person
    return Customer(
        workspace_id=workspace_id,
        customer_external_id=customer,
        id=customer_id(workspace_id, customer),
        status="pending" if meant.qualified_ms is None else "qualified",
        name=person.name,
        email=person.email,
        avatar=person.avatar,
        first_seen_at=rfc3339(person.first_seen_ms),
        deferred_at=rfc3339(meant.attribution.deferred_ms),
        qualified_at=None if meant.qualified_ms is None else rfc3339(meant.qualified_ms),
        leads=meant.leads,
        sales=meant.sales,
        attribution_model=policy.model,
        click=_click(meant.attribution),
        link=_link(meant.attribution.click),
        touches=(*map(_touch, meant.touches),) if meant.touches else (),
    )


def _touch(attribution: Attribution) -> CustomerTouch:
    click = attribution.click
    return CustomerTouch(
        click_id=attribution.click_id,
        click_timestamp=rfc3339(click.timestamp),
        deferred_at=rfc3339(attribution.deferred_ms),
        link_id=click.link_id,
        partner_id=click.partner_id,
        program_id=click.program_id,
    )


def _customer(workspace_id: str, customer: str, person: Person) -> LeadCustomer:
    return LeadCustomer(
        id=customer_id(workspace_id, customer),
        external_id=customer,
        name=person.name,
        email=person.email,
        avatar=person.avatar,
        first_seen_at=rfc3339(person.first_seen_ms),
    )


def _click(attribution: Attribution) -> LeadClick:
    click = attribution.click
    return LeadClick(
        id=attribution.click_id,
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


def _link(click: StoredClick) -> LeadLink:
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


def _document(metadata: bytes) -> Raw:
    return Raw(metadata) if metadata else NULL
