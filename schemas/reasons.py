"""Why an event led to nothing, and why bytes could not be used."""

from enum import StrEnum


class UnmatchedReason(StrEnum):
    """A valid event that led to nothing. The docstrings of the members are the user documentation."""

    CLICK_NOT_FOUND = "click_not_found"
    """No click with this clickId arrived within the hold, or a deferred lead named no click at all."""
    CLICK_CONFLICT = "click_conflict"
    """Another click with the same clickId and other content is the one that counts."""
    BOT_CLICK = "bot_click"
    """The click was made by a bot: it is no click, and a lead event that names it has none."""
    CONVERSION_TRACKING_DISABLED = "conversion_tracking_disabled"
    """The click's trackConversion is false."""
    OUTSIDE_ATTRIBUTION_WINDOW = "outside_attribution_window"
    """The lead event lies outside the attribution window of its click."""
    OUTSIDE_QUALIFICATION_WINDOW = "outside_qualification_window"
    """The customer has touches, but none close enough in time to the request."""
    NO_DEFERRED_LEAD = "no_deferred_lead"
    """No deferred lead of this customer was joined with a click within the hold."""
    NO_LEAD_FOR_PURCHASE = "no_lead_for_purchase"
    """Within the hold no lead came that lies at or before the purchase, or within the hold after it."""
    TOO_MANY_HELD = "too_many_held"
    """There is no room for it under this key; the detail says which bound it meets (docs/rules.md, 16)."""
    SUPPRESSED = "suppressed"
    """The customer was erased."""


class DeadLetterReason(StrEnum):
    """Bytes that could not be used."""

    NOT_JSON = "not_json"
    """Not UTF-8, not JSON, nested deeper than 400, or empty; the detail names another format it may be."""
    NOT_AN_OBJECT = "not_an_object"
    """JSON, but not an object."""
    TOO_LARGE = "too_large"
    """More than 256 KiB; or in the wrong place, and with its headers too large to be sent on."""
    SCHEMA_VIOLATION = "schema_violation"
    """A field is missing or breaks its rule; the detail names field and rule."""
    TIMESTAMP_OUT_OF_RANGE = "timestamp_out_of_range"
    """More than 24 h in the future, or before the year 2000."""
    PROCESSING_FAILED = "processing_failed"
    """It ended a worker twice, or the sink could make no row of it; the detail names the error. Our fault."""
    REJECTED_BY_CLICKHOUSE = "rejected_by_clickhouse"
    """A result that ClickHouse refuses to store."""
