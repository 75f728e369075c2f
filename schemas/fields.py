"""The types of the fields of events: what msgspec checks while it decodes, and what the JSON Schemas say."""

from datetime import datetime
from typing import Annotated, Final, Literal

from msgspec import Meta, Raw

from schemas import texts

# Patterns stand in the published schemas only: matching them takes longer than decoding. What they say is
# checked after decoding, where a cheaper question has not answered it.
WorkspaceId = Annotated[
    str,
    Meta(
        description="The workspace; workspaces never meet.",
        extra_json_schema={"pattern": texts.WORKSPACE_PATTERN},
    ),
]
StoredWorkspaceId = Annotated[
    str,
    Meta(
        description="The workspace, whatever it is called.",
        extra_json_schema={"pattern": texts.STORED_WORKSPACE_PATTERN},
    ),
]
Timestamp = Annotated[
    Annotated[int, Meta(description="Epoch milliseconds.")]
    | Annotated[
        datetime,
        Meta(
            tz=True, description="RFC 3339 with offset.", extra_json_schema={"pattern": texts.RFC3339_PATTERN}
        ),
    ]
    | None,
    Meta(description="Event time; absent = the Kafka record's time."),
]
_TRIMMED_ID: Final = {"pattern": texts.TRIMMED_ID_PATTERN}
_NO_MISTAKE: Final = "Without control characters; undefined, null, NaN and [object Object] are no ids."
EventId = (
    Annotated[
        str,
        Meta(max_length=texts.ID, description=_NO_MISTAKE, extra_json_schema={"pattern": texts.ID_PATTERN}),
    ]
    | None
)
_CLICK_ID: Final = 64
OptionalClickId = Annotated[
    str, Meta(max_length=_CLICK_ID, description=_NO_MISTAKE, extra_json_schema=_TRIMMED_ID)
]
ClickId = Annotated[
    str,
    Meta(
        max_length=_CLICK_ID,
        description=_NO_MISTAKE,
        extra_json_schema={**_TRIMMED_ID, "allOf": [{"pattern": texts.PRESENT_PATTERN}]},
    ),
]
InvoiceId = Annotated[str, Meta(max_length=texts.ID, description=_NO_MISTAKE, extra_json_schema=_TRIMMED_ID)]
CustomerExternalId = Annotated[
    str,
    Meta(
        max_length=100,
        description=f"The customer's id in your own system. {_NO_MISTAKE}",
        extra_json_schema=_TRIMMED_ID,
    ),
]
StoredCustomerId = Annotated[str, Meta(max_length=100, description="The customer's id, whatever it is.")]
GivenId = Annotated[str, Meta(max_length=texts.ID)]
"""By whom the click's link is managed. It tells no people apart, and is carried along as it is."""
Label = Annotated[str, Meta(max_length=texts.LABEL)]
Url = Annotated[str, Meta(max_length=texts.URL)]
HeaderText = Annotated[str, Meta(max_length=texts.HEADER)]
EventName = Annotated[str, Meta(max_length=255)]
PersonName = Annotated[str, Meta(max_length=100)]
Email = Annotated[str, Meta(max_length=texts.EMAIL)]
Avatar = Annotated[str, Meta(max_length=texts.AVATAR)]
Currency = Annotated[
    str,
    Meta(
        max_length=16,
        description="Three letters, in any case; absent = usd.",
        extra_json_schema={"pattern": texts.CURRENCY_PATTERN},
    ),
]
Quantity = Annotated[int, Meta(ge=1, le=100)]
Amount = Annotated[int, Meta(ge=0, le=2**63 - 1, description="In minor units of the currency.")]
Mode = Literal["async", "wait", "deferred"]
Processor = Literal["stripe", "shopify", "polar", "paddle", "apple", "revenuecat", "dub", "custom"]
Flag = bool | Literal[0, 1] | None
Coordinate = float | Annotated[str, Meta(max_length=texts.COORDINATE)] | None
Metadata = Annotated[Raw, Meta(extra_json_schema={"type": ["object", "null"]})]
