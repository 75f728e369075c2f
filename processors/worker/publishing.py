"""What the core answers → records."""

from collections.abc import Iterable, Mapping

from msgspec.json import Encoder

from processors.attribution.customer_join import Forgotten
from processors.engine import Output
from schemas.headers import Header, Headers
from schemas.results import Customer, Lead, Sale, Touch, Unmatched
from schemas.topics import Topic, click_key, customer_key

Result = Touch | Lead | Sale | Customer | Forgotten | Unmatched

_encode = Encoder().encode


class Publisher:
    """Knows the full topic names of a deployment."""

    def __init__(self, names: Mapping[Topic, str]) -> None:
        self._names = names

    def records(self, results: Iterable[Result]) -> list[Output]:
        """One record per result, under its topic's key."""
        return [self._record(result) for result in results]

    def _record(self, result: Result) -> Output:
        match result:
            case Touch():
                key = customer_key(result.workspace_id, result.customer_external_id)
                return Output(self._names[Topic.TOUCHES], key, _encode(result))
            case Lead():
                key = customer_key(result.workspace_id, result.customer.external_id)
                return Output(self._names[Topic.LEADS], key, _encode(result), _lead_event(result))
            case Sale():
                key = customer_key(result.workspace_id, result.customer.external_id)
                return Output(self._names[Topic.SALES], key, _encode(result), _sale_event(result))
            case Customer():
                key = customer_key(result.workspace_id, result.customer_external_id)
                return Output(self._names[Topic.CUSTOMERS], key, _encode(result))
            case Forgotten():
                key = customer_key(result.workspace_id, result.customer_external_id)
                return Output(self._names[Topic.CUSTOMERS], key, None)
            case Unmatched():
                return Output(self._names[Topic.UNMATCHED], _source_key(result), _encode(result))


def _source_key(result: Unmatched) -> bytes:
    """As the source: by click when the event names one, else by customer."""
    if result.click_id:
        return click_key(result.workspace_id, result.click_id)
    return customer_key(result.workspace_id, result.customer_external_id or "")


def _lead_event(lead: Lead) -> Headers:
    identity = f"{lead.lead_id}.{lead.revision}"
    return _cloud_event("leadstream.lead", identity, lead.workspace_id, lead.customer.id, lead.timestamp)


def _sale_event(sale: Sale) -> Headers:
    identity = f"{sale.sale_id}.{sale.revision}"
    return _cloud_event("leadstream.sale", identity, sale.workspace_id, sale.customer.id, sale.timestamp)


def _cloud_event(kind: str, identity: str, workspace_id: str, subject: str, time: str) -> Headers:
    """CloudEvents 1.0, Kafka binding in binary mode: source + id are unique per revision."""
    return (
        (Header.CE_SPECVERSION.value, b"1.0"),
        (Header.CE_TYPE.value, kind.encode()),
        (Header.CE_SOURCE.value, f"/workspaces/{workspace_id}".encode()),
        (Header.CE_ID.value, identity.encode()),
        (Header.CE_SUBJECT.value, subject.encode()),
        (Header.CE_TIME.value, time.encode()),
        (Header.CONTENT_TYPE.value, b"application/json"),
    )
