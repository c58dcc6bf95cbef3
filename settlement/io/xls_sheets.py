"""The sheets of an OLE .xls (BIFF), read by xlrd: it tells errors and the date system, which calamine does not."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import xlrd

from settlement.io.sheet_model import Sheet, UnreadableFile, batch_of, table_of
from settlement.io.workbook_numbers import cell_text, number_text

# What xlrd 2 raises on damaged files besides its own errors: it trusts every length field.
_DAMAGE = (
    xlrd.XLRDError,
    xlrd.compdoc.CompDocError,
    struct.error,
    LookupError,
    ValueError,
    TypeError,
    AssertionError,
    AttributeError,
    ArithmeticError,
    OSError,
    NotImplementedError,
)


def read_xls(path: Path) -> list[Sheet]:
    """Every sheet of a BIFF workbook with its cells as typed text. Raises ``UnreadableFile``."""
    try:
        with xlrd.open_workbook(path, logfile=io.StringIO(), ragged_rows=True, on_demand=True) as workbook:
            return [_sheet(workbook, name) for name in workbook.sheet_names()]
    except _DAMAGE as error:
        reason = "有密码" if "encrypted" in str(error).lower() else "已损坏、不完整或不是 Excel 表格"
        raise UnreadableFile(f".xls 工作簿{reason}，打不开") from error


def _sheet(workbook: xlrd.Book, name: str) -> Sheet:
    sheet = workbook.sheet_by_name(name)
    rows = [[_text(cell, workbook.datemode) for cell in sheet.row(index)] for index in range(sheet.nrows)]
    workbook.unload_sheet(name)
    width = max((len(row) for row in rows), default=0)
    return Sheet(name, table_of([batch_of(rows, width, 1)] if width else []), from_workbook=True)


def _text(cell: xlrd.sheet.Cell, datemode: int) -> str:
    if cell.ctype == xlrd.XL_CELL_TEXT:
        return cell.value
    if cell.ctype == xlrd.XL_CELL_NUMBER:
        return number_text(cell.value)
    if cell.ctype == xlrd.XL_CELL_DATE:
        return _date_text(cell.value, datemode)
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return cell_text(bool(cell.value))
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return xlrd.error_text_from_code.get(cell.value, "#ERR!")
    return ""


def _date_text(serial: float, datemode: int) -> str:
    try:
        moment = xlrd.xldate.xldate_as_datetime(serial, datemode)
    except (ValueError, OverflowError):
        return number_text(serial)
    if 0 <= serial < 1:
        return cell_text(moment.time())
    return cell_text(moment.date() if serial == int(serial) else moment)
