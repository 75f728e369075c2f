"""Tables fit: what has to be there is there whole, at every width."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from processors.terminal.grid import Column, Grid

COLUMNS = (
    Column("time"),
    Column("event", whole=False),
    Column("customer", line=2),
    Column("link", whole=False, goes=2, line=2),
    Column("country", goes=1, line=2),
    Column("paid", right=True),
)
ROW = (
    "24 Nov 13:22:32",
    "2,000 words dictated",
    "user_31c0_4711",
    "second-draft-club-spring",
    "NL",
    "49 EUR",
)
WIDE = ("24 Nov 13:22:33", "購入しました", "u2", "nai\u0308ve-cafe\u0301", "JP", "4,900 JPY")


def shown(width: int, *rows: tuple[str, ...]) -> list[str]:
    return [line for lines in Grid(COLUMNS, rows).lines(width) for line in lines]


@pytest.mark.parametrize("width", [60, 80])
def test_a_narrow_terminal_has_two_lines_a_record(width: int) -> None:
    assert shown(width, ROW, WIDE) == [
        "time             event                      paid",
        "  customer        link                      country",
        "24 Nov 13:22:32  2,000 words dictated     49 EUR",
        "  user_31c0_4711  second-draft-club-spring  NL",
        "24 Nov 13:22:33  購入しました          4,900 JPY",
        "  u2              nai\u0308ve-cafe\u0301                JP",
    ]


def test_what_fits_as_it_is_has_one_line_on_any() -> None:
    assert Grid(COLUMNS[:2], [ROW[:2]]).on_one_line(40) is not None


@pytest.mark.parametrize(
    ("width", "there", "gone"),
    [
        (120, ["event", "link", "country"], []),
        (101, ["event", "link"], ["country"]),
        (100, ["event", "link"], ["country"]),
    ],
)
def test_the_country_goes_first(width: int, there: list[str], gone: list[str]) -> None:
    head, *lines = shown(width, ROW, ("x" * 18, *WIDE[1:]))
    assert len(lines) == 2
    assert all(name in head for name in there)
    assert not any(name in head for name in gone)


def test_then_the_link_and_then_texts_are_shortened() -> None:
    long = (ROW[0], "Invited the whole team " * 5, *ROW[2:])
    head, line = shown(100, long)
    assert "link" not in head
    assert "country" not in head
    assert "…" in line
    assert cell_len(line) <= 100
    for cell in (long[0], long[2], long[5]):
        assert cell in line


def test_what_is_too_long_for_a_line_goes_on_in_the_next() -> None:
    columns = [Column("id"), Column("reason"), Column("customer", line=2), Column("click", line=2)]
    row = ("1:2", "click_not_found", "c" * 50, "k" * 40)
    lines = [line for lines in Grid(columns, [row]).lines(60) for line in lines]
    assert [line.strip() for line in lines[3:]] == ["1:2  click_not_found", "c" * 50, "k" * 40]


def test_a_detail_is_folded_below_itself() -> None:
    columns = [Column("id"), Column("detail", folds=True, line=2)]
    lines = [line for lines in Grid(columns, [("1:2", "a" * 70 + "b" * 40)]).lines(80) for line in lines]
    assert "".join(line.strip() for line in lines[3:]) == "a" * 70 + "b" * 40
    assert max(map(cell_len, lines)) <= 80


CELLS = st.tuples(*[st.text(st.characters(categories=["L", "M", "N"]), max_size=14)] * len(COLUMNS))


@given(st.lists(CELLS, min_size=1, max_size=4), st.integers(60, 130))
def test_it_fits_and_what_is_whole_stays_whole(rows: list[tuple[str, ...]], width: int) -> None:
    for row, lines in zip(rows, list(Grid(COLUMNS, rows).lines(width))[1:], strict=True):
        assert all(cell_len(line) <= width for line in lines)
        for column, cell in zip(COLUMNS, row, strict=True):
            if column.whole and not column.goes:
                assert cell.strip() in "\n".join(lines)


@pytest.mark.parametrize(("colours", "escapes"), [(None, 0), ("1", 1)])
def test_its_head_is_dim_where_there_is_a_terminal(colours: str | None, escapes: int) -> None:
    console = Console(width=80, force_terminal=bool(colours))
    with console.capture() as capture:
        console.print(Grid(COLUMNS[:2], [ROW[:2]]))
    assert capture.get().count("\x1b[2m") == escapes
