"""Leads and sales as they are published → facts. Whoever reads them needs no more of them than this."""

from msgspec import Struct
from msgspec.structs import replace

from processors.rewards.facts import Earning
from schemas.email_hash import email_hash
from schemas.reward_policy import RewardKind
from schemas.reward_sources import RewardSource, decode_lead_source, decode_sale_source


class Read(Struct, frozen=True, gc=False):
    """A fact, and whose it is. ``customer``: its external id."""

    workspace_id: str
    customer: str
    fact: Earning


def read_lead(value: bytes | None) -> Read:
    """A record of ``leads``. Raises ``Refused``."""
    lead, at_ms = decode_lead_source(value)
    return Read(lead.workspace_id, lead.customer.external_id, _earning("lead", lead.lead_id, at_ms, lead))


def read_sale(value: bytes | None) -> Read:
    """A record of ``sales``. Raises ``Refused``."""
    sale, at_ms = decode_sale_source(value)
    earning = replace(
        _earning("sale", sale.sale_id, at_ms, sale),
        amount=sale.amount,
        currency=sale.currency,
        payment_processor=sale.payment_processor or "",
    )
    return Read(sale.workspace_id, sale.customer.external_id, earning)


def _earning(kind: RewardKind, source_id: str, at_ms: int, source: RewardSource) -> Earning:
    link, metadata = source.link, bytes(source.metadata)
    return Earning(
        kind,
        source_id,
        source.revision,
        at_ms,
        link.program_id or "",
        link.partner_id or "",
        quantity=source.quantity,
        event_name=source.event_name,
        country=source.click.country or "",
        link_id=link.id or "",
        metadata=b"" if metadata == b"null" else metadata,
        email_hash=email_hash(source.customer.email) if source.customer.email else "",
    )
