"""CloudEvents 1.0 attributes as headers: Kafka Protocol Binding, section 3.2 (binary content mode)."""

from typing import Final

from schemas.headers import Header, Headers

# An enum's ``.value`` is a call.
_SOURCE: Final = Header.CE_SOURCE.value
_ID: Final = Header.CE_ID.value
_SUBJECT: Final = Header.CE_SUBJECT.value
_TIME: Final = Header.CE_TIME.value


def attributes_of(kind: bytes) -> Headers:
    """What all of a kind have in common."""
    return (
        (Header.CE_SPECVERSION.value, b"1.0"),
        (Header.CE_TYPE.value, kind),
        (Header.CONTENT_TYPE.value, b"application/json"),
    )


def cloud_event(
    of_kind: Headers, identity: str, revision: int, workspace_id: str, subject: str, time: str
) -> Headers:
    """``of_kind``: from :func:`attributes_of`. Source and id are unique per revision."""
    return (
        *of_kind,
        (_SOURCE, f"/workspaces/{workspace_id}".encode()),
        (_ID, f"{identity}.{revision}".encode()),
        (_SUBJECT, subject.encode()),
        (_TIME, time.encode()),
    )
