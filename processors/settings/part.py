"""What all parts of the settings have in common."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final, Self, get_args

from pydantic import AfterValidator, SecretStr, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

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


class _SecretFiles(PydanticBaseSettingsSource):
    """Secrets whose variable ends in ``_FILE``: as orchestrators hand them in, without a trace of them in the
    environment.
    """

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """The content, without the line end that editors leave."""
        given = {name.upper(): value for name, value in os.environ.items()}
        path = given.get(file_variable(field_name)) if is_secret(field) else None
        if path is None:
            return None, field_name, False
        if variable(field_name) in given:
            raise Misconfigured(
                f"{variable(field_name)} and {file_variable(field_name)} are both set", "Unset one of them."
            )
        try:
            return Path(path).read_text().removesuffix("\n").removesuffix("\r"), field_name, False
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "it is no text"
            raise Misconfigured(f"{file_variable(field_name)}: {path} cannot be read: {why}") from None

    def __call__(self) -> dict[str, Any]:
        """All that there are."""
        fields = self.settings_cls.model_fields
        found = {name: self.get_field_value(info, name)[0] for name, info in fields.items()}
        return {name: value for name, value in found.items() if value is not None}


class Part(BaseSettings):
    """One field per setting; the field's description is its documentation."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        frozen=True,
        extra="ignore",
        # What was written wrongly may be a password.
        hide_input_in_errors=True,
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - there are none of these
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then the environment, then the files that it names."""
        return init_settings, env_settings, _SecretFiles(settings_cls)

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
