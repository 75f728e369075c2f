"""A policy in YAML, as it is kept in a file.

By the rules of YAML 1.2: ``on`` is a name and ``NO`` a country, not a truth value, and no time is read out of
digits and colons. JSON is YAML, too.
"""

import re
from pathlib import Path
from typing import Any, Final

import yaml

from processors.rewards.parsing import PolicyRefused, compiled, document_of
from processors.rewards.policy import Policy
from schemas.reward_policy import RewardPolicy

LARGEST_BYTES: Final = 1 << 20
_TAG: Final = "tag:yaml.org,2002:"
_RESOLVERS: Final = (
    ("null", r"~|null|Null|NULL|", "~nN"),
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]+", "-+0123456789"),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
)


class _Loader(yaml.SafeLoader):
    """Refuses what stands twice: which of two rates is meant, nobody can say."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - as its base has it

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{key.value!r} stands twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "references are not read: write it out", mark)
        return super().compose_node(parent, index)


for _name, _pattern, _first in _RESOLVERS:
    _Loader.add_implicit_resolver(_TAG + _name, re.compile(f"^(?:{_pattern})$"), [*list(_first), ""])


def _decimal(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int:
    """``010`` is ten: the default would read it as eight."""
    return int(str(loader.construct_scalar(node)))


_Loader.add_constructor(_TAG + "int", _decimal)


def read_policy(text: str) -> object:
    """What the file says, for :func:`.parsing.parse`. Raises :class:`PolicyRefused`, with its line."""
    try:
        return yaml.load(text, _Loader)  # noqa: S506 - a safe loader with fewer types
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise PolicyRefused(place, error.problem or "is no YAML") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:  # also a number of thousands of digits
        raise PolicyRefused("", f"is no YAML: {type(error).__name__}") from None


def policy_in(path: Path) -> Policy:
    """The policy in a file. Raises :class:`PolicyRefused`, which names it, and ``OSError``."""
    return compiled(document_in(path))


def document_in(path: Path) -> RewardPolicy:
    """The same as it is written, once it is known to be right."""
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise PolicyRefused("", f"more than {LARGEST_BYTES:,} bytes are no policy")
        document = document_of(read_policy(path.read_bytes().decode()))
        compiled(document)
        return document
    except UnicodeDecodeError:
        raise PolicyRefused("", "is not UTF-8", str(path)) from None
    except PolicyRefused as refused:
        raise PolicyRefused(refused.place, refused.said, str(path)) from None
