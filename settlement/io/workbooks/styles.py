"""Every look of every workbook, once: fonts, number formats, colours, as Excel's own named cell styles.

What belongs here: styles by name and the workbook class that writes them into the file, so that
finance finds them under Excel's cell styles and changes one in one place. What does not: sheets.

Figures: negatives carry a minus sign and a dark red (never colour alone); every colour keeps a
contrast of at least 4.5 to 1 to what it stands on.
"""

from __future__ import annotations

from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.packager import Packager
from xlsxwriter.styles import Styles, XFormatType

from settlement.io.workbooks.worksheet import LeanWorksheet

FONT = "等线"
_DARK_RED, _NAVY, _GREY, _LINE = "#9C0006", "#1F3864", "#595959", "#A6A6A6"
_HEADING_FILL, _TOTAL_FILL, _INPUT_FILL = "#D9E2F3", "#F2F2F2", "#FFF8DC"
_BLOCK_FILL, _REVIEW_FILL = "#FBE3E4", "#FFF2CC"

# Negatives get their minus here and their dark red from a conditional format: [Red] is too light on white.
# "_ " keeps a blank's width to the border; a format like 0.## would leave Excel a bare point behind whole figures.
MONEY_FORMAT = "#,##0.00_ ;-#,##0.00_ ;0.00_ "
MONEY_NO_DECIMALS = "#,##0_ ;-#,##0_ ;0_ "
NEGATIVE = {"font_color": _DARK_RED}
MISSING = {"bg_color": "#F4B183"}

_CELL: dict[str, Any] = {"border": 1, "border_color": _LINE, "valign": "vcenter"}
_RIGHT = {"align": "right"}
_TOTAL = {**_CELL, "bold": True, "bg_color": _TOTAL_FILL, "top": 1, "bottom": 6}
_INPUT = {**_CELL, "bg_color": _INPUT_FILL, "locked": False}

# Figures of a cell by kind. A kind is what a column declares (sheet.py).
_NUMBERS: dict[str, dict[str, Any]] = {
    "money": {"num_format": MONEY_FORMAT, **_RIGHT},
    "money0": {"num_format": MONEY_NO_DECIMALS, **_RIGHT},
    "rate": {"num_format": "0.0000##_ ", **_RIGHT},
    "ratio": {"num_format": "0.0000_ ", **_RIGHT},
    "percent": {"num_format": "0%_ ", **_RIGHT},
    "percent_fine": {"num_format": "0.0##%_ ", **_RIGHT},
    "share": {"num_format": "0.0%_ ", **_RIGHT},
    # A look of its own, however little: styles that look alike become one in the file, named after whichever came first.
    "quantity": {"num_format": "#,##0_ ;-#,##0_ ", **_RIGHT},
    "quantity_fine": {"num_format": "#,##0.0#####_ ", **_RIGHT},
    "whole": {"num_format": "#,##0_ ", **_RIGHT},
    "number": {"num_format": "0", "align": "center"},
    "date": {"num_format": "yyyy-mm-dd", "align": "center"},
    "time": {"num_format": "yyyy-mm-dd hh:mm", "align": "center"},
}
_TEXTS: dict[str, dict[str, Any]] = {
    "text": {"text_wrap": True, "indent": 1},
    "code": {"num_format": "@", "indent": 1},
    "id": {"num_format": "@", "indent": 1, "text_wrap": True},
    "flag": {"align": "center"},
    "word": {"align": "center"},
}

STYLES: dict[str, dict[str, Any]] = {
    "title": {"bold": True, "font_size": 16, "font_color": _NAVY},
    "subtitle": {"font_size": 10, "font_color": _GREY, "valign": "vcenter"},
    "warning": {"bold": True, "font_size": 11, "font_color": _DARK_RED, "bg_color": _BLOCK_FILL},
    "section": {"bold": True, "font_size": 12, "font_color": _NAVY, "bottom": 2, "bottom_color": _NAVY},
    "heading": {**_CELL, "bold": True, "bg_color": _HEADING_FILL, "align": "center", "text_wrap": True},
    "label": {**_CELL, "bg_color": _TOTAL_FILL, "font_color": _GREY, "indent": 1},
    "field": {**_CELL, "num_format": "@", "text_wrap": True, "indent": 1, "align": "left"},
    "note": {"font_size": 9, "font_color": _GREY, "text_wrap": True, "valign": "top"},
    "words": {"bold": True, "font_size": 11, "text_wrap": True, "valign": "vcenter", "font_color": _NAVY},
    "plain": {"text_wrap": True, "valign": "top"},
    "seal": {"border": 1, "border_color": _LINE, "valign": "top", "text_wrap": True, "font_color": _GREY},
    **{kind: {**_CELL, **look} for kind, look in {**_NUMBERS, **_TEXTS}.items()},
    **{f"{kind}_total": {**_TOTAL, **look} for kind, look in {**_NUMBERS, **_TEXTS}.items()},
    **{f"{kind}_input": {**_INPUT, **look} for kind, look in {**_NUMBERS, **_TEXTS}.items()},
    "severity_block": {**_CELL, "align": "center", "bold": True, "font_color": _DARK_RED, "bg_color": _BLOCK_FILL},
    "severity_review": {**_CELL, "align": "center", "bg_color": _REVIEW_FILL},
    "severity_warn": {**_CELL, "align": "center"},
}


class StyledWorkbook(Workbook):
    """An XlsxWriter workbook whose formats are Excel's named cell styles; without clock, byte for byte repeatable.

    XlsxWriter knows only the style "Normal": the packager's styles part is replaced to write ours.
    """

    worksheet_class = LeanWorksheet

    def __init__(self, filename: str, *, constant_memory: bool = False) -> None:
        super().__init__(filename, {"constant_memory": constant_memory, "in_memory": not constant_memory})
        self.formats[0].set_font_name(FONT)
        self._by_name: dict[str, Format] = {}
        self.style_names: list[str] = []
        self._conditions: dict[str, Format] = {}

    def style(self, name: str, *, quoted: bool = False) -> Format:
        """The format of a named style; ``quoted`` marks text that Excel must never read as a formula.

        Raises ``KeyError`` for a style that ``STYLES`` does not have.
        """
        key = f"{name}'" if quoted else name
        if key not in self._by_name:
            look = {"font_name": FONT, "font_size": 10, **STYLES[name]}
            made = self.add_format(look)
            made.quote_prefix = 1 if quoted else 0
            if name not in self.style_names:
                self.style_names.append(name)
            made.xf_id = self.style_names.index(name) + 1
            self._by_name[key] = made
        return self._by_name[key]

    def negative(self) -> Format:
        """What a negative figure wears above its style."""
        return self._condition("negative", NEGATIVE)

    def missing(self) -> Format:
        """What a cell wears that finance still has to fill."""
        return self._condition("missing", MISSING)

    def _condition(self, name: str, look: dict[str, Any]) -> Format:
        if name not in self._conditions:
            self._conditions[name] = self.add_format(look)
        return self._conditions[name]

    def _get_packager(self) -> Packager:
        return _StyledPackager()


class _StyledPackager(Packager):
    """Writes ``xl/styles.xml`` with the named styles that the workbook's cells use."""

    def _write_styles_file(self) -> None:
        book: StyledWorkbook = self.workbook
        used = sorted({made.xf_id for made in book.xf_formats if made.xf_id})
        rank = {number: place for place, number in enumerate(used, start=1)}
        for made in book.xf_formats:
            made.xf_id = rank.get(made.xf_id, 0)
        styles = _NamedStyles([book.style_names[number - 1] for number in used])
        styles._set_style_properties(
            [book.xf_formats, book.palette, book.font_count, book.num_formats, book.border_count,
             book.fill_count, book.custom_colors, book.dxf_formats, book.has_comments]
        )  # fmt: skip
        styles._set_xml_writer(self._filename("xl/styles.xml"))
        styles._assemble_xml_file()


class _NamedStyles(Styles):
    """The styles part with one ``cellStyle`` a name, besides Normal."""

    def __init__(self, names: list[str]) -> None:
        super().__init__()
        self._names = names

    def _write_cell_style_xfs(self) -> None:
        looks = {made.xf_id: made for made in reversed(self.xf_formats)}
        self._xml_start_tag("cellStyleXfs", [("count", len(self._names) + 1)])
        for number in range(len(self._names) + 1):
            self._write_xf(looks[number], XFormatType.STYLE)
        self._xml_end_tag("cellStyleXfs")

    def _write_cell_styles(self) -> None:
        self._xml_start_tag("cellStyles", [("count", len(self._names) + 1)])
        self._write_cell_style()
        for number, name in enumerate(self._names, start=1):
            self._xml_empty_tag("cellStyle", [("name", f"settlement {name}"), ("xfId", number)])
        self._xml_end_tag("cellStyles")
