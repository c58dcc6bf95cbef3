"""A web page that calls itself .xls: tax bureaus and banks export tables so.

Each `<table>` is a sheet. A cell may span columns, and in the rows of a header, which have no figures, rows too. One
that spans rows of data could mean one row or all of them; that, and a table within a table, is refused.
"""

from __future__ import annotations

import re
from pathlib import Path

from lxml import etree, html

from settlement.io.limits import limits
from settlement.io.sheet_model import Sheet, UnreadableFile, batch_of, table_of
from settlement.io.text_encoding import find_encoding

_START = re.compile(rb"\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|meta|body|table|style|div)\b", re.I | re.S)


def looks_like_html(start: bytes) -> bool:
    """Whether the first bytes of a file are a web page's (UTF-8, GB18030, or UTF-16 with BOM)."""
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        start = start[: len(start) // 2 * 2].decode("utf-16", "ignore").encode()
    return bool(_START.match(start.removeprefix(b"\xef\xbb\xbf")))


def read_html(path: Path) -> list[Sheet]:
    """Every table of the page, named ``""``. Raises ``UnreadableFile``."""
    text = path.read_text(encoding=find_encoding(path).encoding)
    parser = html.HTMLParser(no_network=True, huge_tree=False)
    try:
        page = html.document_fromstring(re.sub(r"^\s*<\?xml[^>]*\?>", "", text), parser=parser)
    except (etree.LxmlError, ValueError) as error:
        raise UnreadableFile("扩展名像 Excel，内容是网页，而且读不出表格；请在 Excel 中另存为 .xlsx") from error
    tables = page.xpath("//table")
    if not tables:
        raise UnreadableFile("内容是网页，其中没有表格")
    return [_sheet(table) for table in tables]


def _sheet(table: html.HtmlElement) -> Sheet:
    if table.xpath(".//table"):
        raise UnreadableFile("网页表格里有嵌套表格，无法确定列；请在 Excel 中另存为 .xlsx")
    elements = table.xpath(".//tr")
    rows: list[list[str]] = []
    taken: dict[int, int] = {}  # column to the rows below that a cell above it still covers
    for row in elements:
        cells: list[str] = []
        for cell in row.xpath("./td|./th"):
            _pass_over(cells, taken)
            wide, high = _span(cell, "colspan", limits().columns), _span(cell, "rowspan", len(elements))
            if high > 1:
                taken |= {len(cells) + offset: high for offset in range(wide)}
            cells += [" ".join(cell.text_content().split()), *[""] * (wide - 1)]
        _pass_over(cells, taken)
        if taken and any(character.isdigit() for cell in cells for character in cell):
            raise UnreadableFile("网页表格的数据里有跨行单元格，无法确定属于哪一行；请在 Excel 中另存为 .xlsx")
        taken = {column: left - 1 for column, left in taken.items() if left > 1}
        rows.append(cells)
    width = max((len(row) for row in rows), default=0)
    if width > limits().columns:
        raise UnreadableFile(f"列数 {width} 超过上限 {limits().columns}")
    return Sheet("", table_of([batch_of(rows, width, 1)] if width else []))


def _pass_over(cells: list[str], taken: dict[int, int]) -> None:
    """Empty cells where a cell of a row above reaches down."""
    while len(cells) in taken:
        cells.append("")


def _span(cell: html.HtmlElement, name: str, most: int) -> int:
    written = cell.get(name, "1").strip()
    return min(int(written), most) if written.isdigit() and len(written) < 6 and int(written) >= 1 else 1
