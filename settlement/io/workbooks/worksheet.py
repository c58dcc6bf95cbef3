"""A worksheet that writes what these workbooks hold, and little else: text, figures, blanks, formulas.

XlsxWriter prepares each cell for everything a caller might mean (A1 names, future functions, rich
text, row spans); with 5,000 statements a month that is half the time. The cells are the same.
"""

from __future__ import annotations

from decimal import Decimal

from xlsxwriter.format import Format
from xlsxwriter.utility import xl_rowcol_to_cell_fast
from xlsxwriter.worksheet import CellBlankTuple, CellFormulaTuple, CellNumberTuple, CellStringTuple, Worksheet


class LeanWorksheet(Worksheet):
    """``Worksheet`` with short ways for the cells of tables. Rows and columns are 0-based."""

    def blank(self, row: int, column: int, look: Format) -> None:
        """An empty cell with its borders."""
        self._place(row, column, CellBlankTuple(look))

    def text(self, row: int, column: int, text: str, look: Format) -> None:
        """A text, as a string whatever it begins with."""
        if text.startswith("<r>") and text.endswith("</r>"):
            # XlsxWriter takes such a string for its own rich-text markup and writes it unescaped.
            text += " "
        if self.constant_memory or len(text) > self.xls_strmax // 2:
            self._write_string(row, column, text, look)
        else:
            self._place(row, column, CellStringTuple(self.str_table._get_shared_string_index(text), look))

    def figure(self, row: int, column: int, value: Decimal | int, look: Format) -> None:
        """A number, its digits written as they are: no float in between."""
        self._place(row, column, CellNumberTuple(value, look))

    def formula(self, row: int, column: int, formula: str, look: Format, value: Decimal | int | str) -> None:
        """A formula of functions that every Excel knows, with its cached value."""
        self._place(row, column, CellFormulaTuple(formula.removeprefix("="), look, value))

    def _place(self, row: int, column: int, cell: tuple) -> None:
        if self._check_dimensions(row, column):
            raise ValueError(f"{self.name}: no cell at row {row + 1}, column {column + 1}, or it is already written")
        if self.constant_memory and row > self.previous_row:
            self._write_single_row(row)
        self.table[row][column] = cell

    def _calculate_spans(self) -> None:
        self.row_spans = {}

    def _write_cell(self, row: int, col: int, cell: tuple) -> None:
        kind = type(cell)
        look = getattr(cell, "format", None)
        if look is None or kind not in (CellStringTuple, CellNumberTuple, CellBlankTuple):
            super()._write_cell(row, col, cell)
            return
        style = look.xf_index if look.xf_index is not None else look._get_xf_index()
        place = f'<c r="{xl_rowcol_to_cell_fast(row, col)}" s="{style}"'
        if kind is CellStringTuple and self.constant_memory:
            text = self._escape_data(self._escape_control_characters(cell.string))
            kept = ' xml:space="preserve"' if text != text.strip() or "\n" in text else ""
            self.fh.write(f'{place} t="inlineStr"><is><t{kept}>{text}</t></is></c>')
        elif kind is CellStringTuple:
            self.fh.write(f'{place} t="s"><v>{cell.string}</v></c>')
        elif kind is CellNumberTuple:
            self.fh.write(f"{place}><v>{cell.number}</v></c>")
        else:
            self.fh.write(f"{place}/>")
