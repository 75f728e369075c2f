"""Ids that sort by age, and keys that people can tell over the telephone."""

import re

from hypothesis import given
from hypothesis import strategies as st

from processors.registry.ids import NewIds, random_key

NOW = 1_800_000_000_000


@given(st.lists(st.tuples(st.integers(NOW - 5, NOW + 5), st.integers(0, 2**80 - 1)), min_size=2))
def test_each_is_greater_than_the_one_before(made: list[tuple[int, int]]) -> None:
    """Whatever the clock does, and whatever is drawn."""
    drawn = iter([random for _, random in made])
    new = NewIds(lambda _: next(drawn))
    ids = [new.next(now_ms) for now_ms, _ in made]
    assert ids == sorted(set(ids))
    assert all(re.fullmatch("link_[0-7][0-9A-HJKMNP-TV-Z]{25}", one) for one in ids)


def test_the_time_is_in_it() -> None:
    """As the specification of ULIDs has it."""
    assert NewIds(lambda _: 0).next(1_469_918_176_385) == "link_01ARYZ6S410000000000000000"
    assert NewIds(lambda bits: 2**bits - 1).next(1) == "link_0000000001ZZZZZZZZZZZZZZZZ"


def test_keys_of_any_length() -> None:
    for length in (1, 7, 190):
        assert re.fullmatch(f"[2-9a-km-np-z]{{{length}}}", random_key(length))
    assert random_key(3, lambda _: 0) == "222"
    assert random_key(2, lambda bits: 2**bits - 1) == "zz"
    assert len({random_key(7) for _ in range(1_000)}) == 1_000
