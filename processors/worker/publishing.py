"""What the core answers → records."""

from collections.abc import Iterable, Mapping
from typing import Final

from msgspec.json import Encoder

from processors.attribution.customer_join import Forgotten
from processors.engine import Output
from schemas.cloud_events import attributes_of, cloud_event
from schemas.headers import Headers
from schemas.news import ClickMoved, GivenUp, Joined, News, Waits, write_news
from schemas.results import ClickErasure, Customer, Lead, Sale, Unmatched
from schemas.topics import Topic, click_key, customer_key

Result = News | Lead | Sale | Customer | Forgotten | ClickErasure | Unmatched

_encode = Encoder().encode


class Publisher:
    """Knows the full topic names of a deployment."""

    def __init__(self, names: Mapping[Topic, str]) -> None:
        self._leads = names[Topic.LEADS]
        self._sales = names[Topic.SALES]
        self._customers = names[Topic.CUSTOMERS]
        self._touches = names[Topic.TOUCHES]
        self._click_erasures = names[Topic.CLICK_ERASURES]
        self._unmatched = names[Topic.UNMATCHED]

    def records(self, results: Iterable[Result]) -> list[Output]:
        """One record per result, under its topic's key."""
        return [self._record(result) for result in results]

    def _record(self, result: Result) -> Output:
        if isinstance(result, Customer):
            key = customer_key(result.workspace_id, result.customer_external_id)
            return Output(self._customers, key, _encode(result))
        if isinstance(result, (Joined, ClickMoved, Waits, GivenUp)):
            key = customer_key(result.workspace_id, result.customer_external_id)
            return Output(self._touches, key, write_news(result))
        if isinstance(result, Lead):
            key = customer_key(result.workspace_id, result.customer.external_id)
            return Output(self._leads, key, _encode(result), _lead_event(result))
        if isinstance(result, Sale):
            key = customer_key(result.workspace_id, result.customer.external_id)
            return Output(self._sales, key, _encode(result), _sale_event(result))
        if isinstance(result, Unmatched):
            return Output(self._unmatched, _source_key(result), _encode(result))
        if isinstance(result, ClickErasure):
            key = click_key(result.workspace_id, result.click_id)
            return Output(self._click_erasures, key, _encode(result))
        key = customer_key(result.workspace_id, result.customer_external_id)
        return Output(self._customers, key, None)


def _source_key(result: Unmatched) -> bytes:
    """As the source: by click when the event names one, else by customer."""
    if result.click_id:
        return click_key(result.workspace_id, result.click_id)
    return customer_key(result.workspace_id, result.customer_external_id or "")


def _lead_event(lead: Lead) -> Headers:
    return cloud_event(
        _LEAD, lead.lead_id, lead.revision, lead.workspace_id, lead.customer.id, lead.timestamp
    )


def _sale_event(sale: Sale) -> Headers:
    return cloud_event(
        _SALE, sale.sale_id, sale.revision, sale.workspace_id, sale.customer.id, sale.timestamp
    )


_LEAD: Final = attributes_of(b"leadstream.lead")
_SALE: Final = attributes_of(b"leadstream.sale")
