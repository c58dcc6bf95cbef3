"""The box around cells by columns of bytes is the one that the regular expressions find."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.io import workbook_scan
from settlement.io.workbook_boxes import box_of
from settlement.io.workbook_scan import SheetScan, column_number

places = st.tuples(st.text("ABCXYZ", min_size=1, max_size=3), st.integers(1, 9_999_999))


@given(st.lists(places, min_size=1, max_size=40))
def test_the_box_reaches_the_last_row_and_column(cells):
    piece = b"<row r='1'>" + b"".join(
        f'<c r="{letters}{row}" t="s"><v>{row}</v></c>'.encode() for letters, row in cells
    )
    found = box_of(piece)
    assert found.cells == len(cells)
    assert found.last_row == max(row for _, row in cells)
    assert found.last_column == max(column_number(letters) for letters, _ in cells)


@given(st.lists(st.one_of(places, st.none()), max_size=30), st.sampled_from(["", "x:"]), st.sampled_from("\"'"))
def test_with_the_regular_expressions_it_is_the_same(cells, prefix, mark):
    piece = "".join(
        f"<{prefix}c/>" if cell is None else f"<{prefix}c r={mark}{cell[0]}{cell[1]}{mark}/>" for cell in cells
    ).encode()
    quick, slow = SheetScan(), SheetScan()
    workbook_scan._measure(quick, piece)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workbook_scan, "box_of", lambda _: None)
        workbook_scan._measure(slow, piece)
    assert quick == slow


@pytest.mark.parametrize(
    "piece",
    [
        b"<c><v>1</v></c>",
        b"<c t='s' r='A1'/>",
        b'<c r="A0"/>',
        b'<c r="A"/>',
        b'<c r="1"/>',
        b'<c r="ABCD1"/>',
        b'<c r="A12345678"/>',
        b'<c r="A1B"/>',
        b'<c r="A1',
        b"<c",
        b'<c\tr="A1"/>',
    ],
)
def test_what_is_written_otherwise_is_left_to_the_regular_expressions(piece):
    assert box_of(piece) is None


def test_other_tags_are_no_cells():
    assert box_of(b'<cols><col min="1"/></cols><cfRule/><c r="B2"/>').cells == 1
    assert box_of(b"no tags at all").cells == 0
