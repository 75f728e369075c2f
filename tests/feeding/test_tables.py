"""CSV: each cell as the type of its field wants it, each row where it begins."""

import json
from collections.abc import Iterator

import pytest

from processors.errors import CheckFailed
from processors.feeding.lines import Line
from processors.feeding.tables import rows

NAMES = "type,workspaceId,customerExternalId,amount,timestamp,metadata.plan"


def read(text: str, delimiter: str = ",") -> list[Line]:
    return [*rows(text.splitlines(keepends=True), delimiter, typed=True)]


def event(names: str, cells: str) -> dict[str, object]:
    (line,) = read(f"{names}\n{cells}\n")
    assert line.refused is None
    found: dict[str, object] = json.loads(line.text)
    return found


def test_cells_are_what_their_fields_are() -> None:
    assert event(NAMES, "purchase,acme,007,4900,2026-11-05T09:00:00Z,10") == {
        "type": "purchase",
        "workspaceId": "acme",
        "customerExternalId": "007",
        "amount": 4900,
        "timestamp": "2026-11-05T09:00:00Z",
        "metadata": {"plan": "10"},
    }


@pytest.mark.parametrize(
    ("name", "cell", "value"),
    [
        ("timestamp", "1761955200000", 1_761_955_200_000),
        ("timestamp", " 1761955200000 ", 1_761_955_200_000),
        # Spreadsheets write this where they have lost digits.
        ("timestamp", "1.76196E+12", "1.76196E+12"),
        ("amount", "49.00", 49.0),
        ("amount", "049", "049"),
        ("amount", "€ 49", "€ 49"),
        ("eventQuantity", "2", 2),
        ("latitude", "-52.5", -52.5),
        ("latitude", "52.5 N", "52.5 N"),
        ("trackConversion", "TRUE", True),
        ("trackConversion", "0", False),
        ("trackConversion", "maybe", "maybe"),
        ("clickId", "123", "123"),
        ("clickId", "true", "true"),
        ("note", "123", "123"),
        ("metadata", '"{""plan"":[1]}"', {"plan": [1]}),
        ("metadata", "{plan", "{plan"),
        # One cell is one value.
        ("metadata", '"{},""workspaceId"":""other"""', '{},"workspaceId":"other"'),
    ],
)
def test_a_cell(name: str, cell: str, value: object) -> None:
    found = event(f"type,{name}", f"click,{cell}")[name]
    assert (found, type(found)) == (value, type(value))


def test_what_is_empty_is_absent() -> None:
    assert event("a,b,metadata.x,,c", "1,, ,2,3") == {"a": "1", "c": "3"}


def test_other_delimiters_and_quotes() -> None:
    (line,) = read('clickId;note\r\nc1;"a;""b"""\r\n', ";")
    assert json.loads(line.text) == {"clickId": "c1", "note": 'a;"b"'}


def test_numbers_are_those_of_the_lines_where_rows_begin() -> None:
    lines = read('\nclickId,note\n1,"a\nb\n"\n\n2,x\n3\n4,y\n')
    assert [(line.number, line.refused is None) for line in lines] == [
        (3, True),
        (7, True),
        (8, False),
        (9, True),
    ]
    assert "1 cells, and 2 in the header" in str(lines[2].refused)


def test_a_header_without_rows() -> None:
    assert read("clickId,note\n") == []


def test_a_column_that_is_named_twice() -> None:
    with pytest.raises(CheckFailed, match="the header names clickId more than once"):
        read("clickId,url,clickId\n1,2,3\n")


def test_somebody_has_to_say_of_which_type_the_rows_are() -> None:
    with pytest.raises(CheckFailed, match="no column says of which type the rows are"):
        [*rows(["clickId\n", "1\n"], ",", typed=False)]
    assert len([*rows(["type,clickId\n", "click,1\n"], ",", typed=False)]) == 1


def test_a_quote_that_does_not_end() -> None:
    good, bad = read('clickId\n1\n"2\n3\n')
    assert good.refused is None
    assert (bad.number, "what comes after it is not read" in str(bad.refused)) == (3, True)


def test_what_is_no_utf8_is_refused_alone() -> None:
    first, second, third = read("clickId,city\n1,K\udcf6ln\n2,Bonn\n3,\udcff\n")
    assert "not UTF-8" in str(first.refused)
    assert second.refused is None
    assert third.refused is not None


def test_rows_are_there_as_soon_as_they_have_ended() -> None:
    taken: list[str] = []

    def lines() -> Iterator[str]:
        for text in ("clickId\n", "1\n", "2\n"):
            taken.append(text)
            yield text

    found = rows(lines(), ",", typed=True)
    assert next(found).number == 2
    assert taken == ["clickId\n", "1\n"]
