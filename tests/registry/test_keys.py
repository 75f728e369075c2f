"""Keys: what is in them, and what is told by them."""

import re
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.registry.keys import IssuedKey, hash_of, is_mistyped, issue
from schemas.registry import KeyRole

NOW = 1_800_000_000_000
ROLES = st.sampled_from(KeyRole)
RANDOM = st.binary(min_size=24, max_size=24)


def made(role: KeyRole, random: bytes) -> IssuedKey:
    """The same bytes for whatever is asked for."""
    return issue(role, NOW, lambda count: (random * 2)[:count])


@given(ROLES, RANDOM)
def test_a_key_tells_its_role_and_is_whole(role: KeyRole, random: bytes) -> None:
    key = made(role, random)
    kind = {"secret": "sk", "publishable": "pk"}[role]
    assert re.fullmatch(rf"leadstream_{kind}_[0-9A-Za-z]{{39}}", key.text)
    assert not is_mistyped(key.text)


@given(ROLES, RANDOM, RANDOM)
def test_every_random_bit_counts(role: KeyRole, one: bytes, other: bytes) -> None:
    keys = made(role, one), made(role, other)
    assert (keys[0].text == keys[1].text) == (one == other)
    assert (keys[0].record.hash == keys[1].record.hash) == (one == other)


@given(ROLES, RANDOM, st.integers(14), st.characters(codec="utf-8"))
def test_one_wrong_character_is_noticed(role: KeyRole, random: bytes, place: int, character: str) -> None:
    text = made(role, random).text
    place = 14 + place % (len(text) - 14)
    wrong = text[:place] + character + text[place + 1 :]
    assert is_mistyped(wrong) == (wrong != text)


@given(ROLES, RANDOM)
def test_what_is_kept_lets_nobody_in(role: KeyRole, random: bytes) -> None:
    key = made(role, random)
    assert key.record.hash == sha256(key.text.encode()).hexdigest() == hash_of(key.text)
    assert key.text.startswith(key.record.prefix)
    assert len(key.text) - len(key.record.prefix) == 35
    assert key.text not in f"{key} {key!r} {key.record}"


def test_192_bits_are_asked_for() -> None:
    asked: list[int] = []

    def random(count: int) -> bytes:
        asked.append(count)
        return bytes(range(count))

    key = issue(KeyRole.SECRET, NOW, random)
    assert asked == [24, 12]
    # What one release has issued is a key to every other.
    assert key.text == "leadstream_sk_000A7dl5PEW67zZCpFU9uKaHnGgOvQKAR0j4FKs"


@pytest.mark.parametrize("text", ["", "x", "dub_abc", "leadstream_", "\ud800", "leadstream_xk_0"])
def test_of_keys_of_others_nothing_is_said(text: str) -> None:
    assert not is_mistyped(text)
    assert len(hash_of(text)) == 64


@pytest.mark.parametrize("text", ["leadstream_sk_", "leadstream_pk_abc", "leadstream_sk_\ud800"])
def test_what_cannot_be_one_of_ours(text: str) -> None:
    assert is_mistyped(text)
