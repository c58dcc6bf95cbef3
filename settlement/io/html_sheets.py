"""A web page that calls itself .xls: tax bureaus and banks export tables so.

Each `<table>` is a sheet. A cell that spans rows, or a table within a table, would move cells to other columns: refused.
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
    if table.xpath(".//table") or table.xpath(".//*[@rowspan > 1]"):
        raise UnreadableFile("网页表格里有跨行单元格或嵌套表格，无法确定列；请在 Excel 中另存为 .xlsx")
    rows = []
    for row in table.xpath(".//tr"):
        cells: list[str] = []
        for cell in row.xpath("./td|./th"):
            span = cell.get("colspan", "1")
            wide = int(span) if span.isdigit() and 1 <= int(span) <= limits().columns else 1
            cells += [" ".join(cell.text_content().split()), *[""] * (wide - 1)]
        rows.append(cells)
    width = max((len(row) for row in rows), default=0)
    if width > limits().columns:
        raise UnreadableFile(f"列数 {width} 超过上限 {limits().columns}")
    return Sheet("", table_of([batch_of(rows, width, 1)] if width else []))
