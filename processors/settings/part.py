"""What all parts of the settings have in common."""

from typing import Final

from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX: Final = "LEADSTREAM_"


def variable(field: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + field.upper()


class Part(BaseSettings):
    """One field per setting; the field's description is its documentation."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        frozen=True,
        extra="ignore",
        # What was written wrongly may be a password.
        hide_input_in_errors=True,
    )
