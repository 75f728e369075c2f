"""Events that were accepted when they came, and are read again."""

from typing import TypeVar, cast, get_type_hints

from msgspec import defstruct

from schemas.events import LeadEvent, Purchase
from schemas.fields import Processor

K = TypeVar("K", LeadEvent, Purchase)


def as_accepted(kind: type[K]) -> type[K]:
    """The same event, asked for no rule of texts and ids: see :attr:`Event.by_the_rules`."""
    hints = get_type_hints(kind)
    free: list[tuple[str, object] | tuple[str, object, None]] = [
        (name, str) if hints[name] is str else (name, str | None, None)
        for name in kind.__struct_fields__
        if hints[name] in (str, str | None, Processor | None)
    ]
    accepted = defstruct(
        kind.__name__,
        free,
        bases=(kind,),
        namespace={"by_the_rules": False, "__doc__": kind.__doc__},
        frozen=True,
        kw_only=True,
        rename="camel",
        gc=False,
    )
    return cast("type[K]", accepted)
