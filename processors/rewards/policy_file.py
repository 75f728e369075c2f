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
    """Refuses what stands twice: which of two rates is meant, nobody can say.

    And tags, and names that are no texts: what is left is what JSON says, and can always be constructed.
    """

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - as its base has it

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            _check_name(key)
            if (name := self.construct_scalar(key)) in seen:
                raise _refusal(f"{name!r} stands twice", key)
            seen.add(name)
        return super().construct_mapping(node, deep)

    def construct_scalar(self, node: yaml.ScalarNode | yaml.MappingNode) -> str:
        """JSON escapes a character beyond U+FFFF as two halves."""
        try:
            return str(super().construct_scalar(node)).encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            raise _refusal("has half a character", node) from None

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent):
            raise _refusal("references are not read: write it out", event)
        if event.tag is not None:
            raise _refusal("tags are not read: a text stands in quotes", event)
        return super().compose_node(parent, index)


def _refusal(problem: str, at: yaml.Node | yaml.Event) -> yaml.MarkedYAMLError:
    mark: Any = at.start_mark
    return yaml.MarkedYAMLError(problem=problem, problem_mark=mark)


def _check_name(key: yaml.Node) -> None:
    if not isinstance(key, yaml.ScalarNode):
        raise _refusal("a name is a text, not a list or an object", key)
    if key.tag != _TAG + "str":
        raise _refusal(f"a name is a text: write {key.value!r}", key)


for _name, _pattern, _first in _RESOLVERS:
    _Loader.add_implicit_resolver(_TAG + _name, re.compile(f"^(?:{_pattern})$"), [*list(_first), ""])


def _decimal(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int:
    """``010`` is ten: the default would read it as eight."""
    try:
        return int(str(loader.construct_scalar(node)))
    except ValueError:  # it has thousands of digits
        raise _refusal("is no number that anybody can mean", node) from None


_Loader.add_constructor(_TAG + "int", _decimal)


def read_policy(text: str) -> object:
    """What the file says, for :func:`.parsing.parse`. Raises :class:`PolicyRefused`, with its line."""
    try:
        loader = _Loader(text)
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        place = _place(before.count("\n"), len(before) - before.rfind("\n") - 1)
        raise PolicyRefused(place, f"is no YAML: {error.reason}") from None
    try:
        return loader.get_single_data()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or loader.get_mark()
        raise PolicyRefused(_place(mark.line, mark.column), error.problem or "is no YAML") from None
    except (RecursionError, ValueError, OverflowError) as error:
        problem = "nested too deeply" if isinstance(error, RecursionError) else "a number is out of range"
        mark = loader.get_mark()
        raise PolicyRefused(_place(mark.line, mark.column), f"is no YAML: {problem}") from None


def _place(line: int, column: int) -> str:
    return f"line {line + 1}, column {column + 1}"


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
