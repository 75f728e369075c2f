"""What all parts of the settings have in common."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Self, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, SecretStr, model_validator
from pydantic.fields import FieldInfo

from processors.errors import Misconfigured

PREFIX: Final = "LEADSTREAM_"
_FILE: Final = "_FILE"


def variable(field: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + field.upper()


def file_variable(field: str) -> str:
    """The variable that names the file which a secret stands in."""
    return variable(field) + _FILE


def is_secret(info: FieldInfo) -> bool:
    """True of a setting whose value nobody may see."""
    return info.annotation is SecretStr or SecretStr in get_args(info.annotation)


def revealed(secret: SecretStr | None) -> str | None:
    """What it is; for whoever proves himself by it."""
    return None if secret is None else secret.get_secret_value()


def _readable(path: Path) -> Path:
    try:
        with path.open("rb"):
            return path
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None


ReadableFile = Annotated[Path, AfterValidator(_readable)]
"""A file that is there, and that this process may read."""


def _said(given: Mapping[str, str], field: str, info: FieldInfo) -> str | None:
    """What the environment says of a setting, itself or by a file. Raises ``Misconfigured``."""
    text = given.get(variable(field))
    path = given.get(file_variable(field)) if is_secret(info) else None
    if path is None:
        return text
    if text is not None:
        raise Misconfigured(
            f"{variable(field)} and {file_variable(field)} are both set", "Unset one of them."
        )
    try:
        # Without the line end that editors leave.
        return Path(path).read_text().removesuffix("\n").removesuffix("\r")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise Misconfigured(f"{file_variable(field)}: {path} cannot be read: {why}") from None


class Part(BaseModel):
    """One field per setting; the field's description is its documentation."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        validate_default=True,
        # What was written wrongly may be a password.
        hide_input_in_errors=True,
    )

    def __init__(self, **given: Any) -> None:
        """``given``, and what else the environment says. A secret may stand in a file that the environment
        names: as orchestrators hand them in, without a trace of them there.

        Raises ``ValidationError`` and ``Misconfigured``.
        """
        environment = {name.upper(): value for name, value in os.environ.items()}
        said = {
            field: text
            for field, info in type(self).model_fields.items()
            if (text := _said(environment, field, info)) is not None
        }
        super().__init__(**{**said, **given})

    def contradictions(self) -> Iterator[str]:
        """A sentence for each pair of settings that do not go together, which names both."""
        yield from ()

    @model_validator(mode="after")
    def _go_together(self) -> Self:
        if found := list(self.contradictions()):
            raise ValueError("; ".join(found))
        return self


def needing(settings: Part, fields: tuple[str, ...], needed: str, but: str) -> Iterator[str]:
    """A sentence for each of these settings that is given although ``needed`` is not so; ``but``: how."""
    for field in fields:
        if getattr(settings, field) is not None:
            yield f"{variable(field)} is set, but {variable(needed)} {but}"


def in_pairs(settings: Part, one: str, other: str) -> Iterator[str]:
    """A sentence when one of two settings is given without the other."""
    for given, missing in ((one, other), (other, one)):
        if getattr(settings, missing) is None:
            yield from needing(settings, (given,), missing, "is not")
