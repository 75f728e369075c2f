"""A table, and one above it, are what a dict of all records would say."""

from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from processors.registry.table import Name, Table


class Thing(NamedTuple):
    id: str
    color: str
    owner: str | None


def names(thing: Thing) -> tuple[Name, ...]:
    color = ("color", thing.color)
    return (color,) if thing.owner is None else (color, ("owner", thing.owner))


IDS = st.sampled_from("abcdef")
THINGS = st.builds(Thing, IDS, st.sampled_from(["red", "blue"]), st.sampled_from([None, "x", "y"]))
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), THINGS),
        st.tuples(st.just("drop"), IDS),
        st.tuples(st.just("spoil"), IDS),
        # Order is kept only from the first reading on.
        st.tuples(st.just("read"), st.sampled_from(["red", "x"])),
    ),
    max_size=30,
)


def apply(table: Table[Thing], model: dict[str, Thing | None], steps: list[tuple[str, Thing | str]]) -> None:
    """None in the model: unreadable."""
    for what, of in steps:
        if isinstance(of, Thing):
            table.put(of.id, of)
            model[of.id] = of
        elif what == "drop":
            table.put(of, None)
            model.pop(of, None)
        elif what == "spoil":
            table.spoil(of)
            model[of] = None
        else:
            list(table.all_named(("color" if of == "red" else "owner", of)))


def check(table: Table[Thing], model: dict[str, Thing | None]) -> None:
    there = {id_: thing for id_, thing in model.items() if thing is not None}
    assert dict(table.items()) == there
    assert table.unreadable == model.keys() - there.keys()
    for id_ in "abcdef":
        assert table.get(id_) == model.get(id_)
        assert table.is_unreadable(id_) == (id_ in table.unreadable)
    for name in (("color", "red"), ("color", "blue"), ("owner", "x"), ("owner", "y"), ("color", "x")):
        wanted = sorted((one for one in there.values() if name in names(one)), reverse=True)
        found = table.all_named(name)
        assert table.named(name) == (wanted[0] if wanted else None)
        assert (list(found), len(found)) == (wanted, len(wanted))
        assert [found[place] for place in range(len(wanted))] == wanted
        assert (found[1:3], found[::-1]) == (wanted[1:3], wanted[::-1])
        for id_ in "adf":
            assert list(found.older_than(id_)) == [one for one in wanted if one.id < id_]
            assert list(found.newer_than(id_)) == [one for one in reversed(wanted) if one.id > id_]


@given(STEPS, STEPS, STEPS)
def test_it_says_what_a_dict_would(
    base: list[tuple[str, Thing | str]],
    above: list[tuple[str, Thing | str]],
    top: list[tuple[str, Thing | str]],
) -> None:
    table = Table(names)
    model: dict[str, Thing | None] = {}
    apply(table, model, base)
    check(table, model)
    second, second_model = table.over(), dict(model)
    apply(second, second_model, above)
    third, third_model = second.over(), dict(second_model)
    apply(third, third_model, top)
    check(third, third_model)
    check(second, second_model)
    check(table, model)
