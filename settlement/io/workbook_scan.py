"""A look through an .xlsx before it is read: how big it really is, and what its reader would not tell.

python-calamine gives an empty cell for an error (``#N/A``) and for a formula that was never calculated. Empty
means "no amount": a fee would silently be nothing. So both are found here and put back as text, and
the cell kernels refuse them. The same pass counts inflated bytes (zip bombs) and the box around the cells
(two cells in opposite corners make the reader allocate 17,000,000,000).
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from settlement.io.limits import limits
from settlement.io.sheet_model import UnreadableFile
from settlement.io.workbook_boxes import box_of

_CHUNK = 1 << 20
_DIRECTORY_BYTES = 1 << 20
_CELL_BYTES = 1 << 24
_P = rb"(?:\w+:)?"
_REFERENCE = re.compile(rb"""\sr=["']([A-Z]{1,3})(\d{1,7})["']""")
_CELL = re.compile(rb"<(?:\w+:)?c[\s>]")
# Cells may come without a reference, each right of the one before. So few of them cannot span a large box.
_BARE_CELLS = 4000
_ERROR = re.compile(rb"<" + _P + rb"""c\b([^>]*\bt=["']e["'][^>]*)>.*?<""" + _P + rb"v>([^<]*)</", re.DOTALL)
_UNCALCULATED = re.compile(
    rb"<" + _P + rb"c\b([^>]*)>\s*<" + _P + rb"f\b[^>]*?(?:/>|>([^<]*)</" + _P + rb"f>)\s*"
    rb"(?:<" + _P + rb"v\s*/>|<" + _P + rb"v>\s*</" + _P + rb"v>)?\s*</" + _P + rb"c>"
)
# Where a piece of a worksheet may be cut: behind a whole cell or row, whatever the prefix of its names.
_ENDS = (b"</c>", b":c>", b"</row>", b":row>")
_TARGET = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


@dataclass
class SheetScan:
    """Of one worksheet: the box around its cells, and the text of cells the reader leaves empty, by (row, column)."""

    last_row: int = 0
    last_column: int = 0
    unread: dict[tuple[int, int], str] = field(default_factory=dict)
    bare_cells: int = 0

    @property
    def cells(self) -> int:
        return self.last_row * self.last_column


def column_number(letters: bytes | str) -> int:
    """1 for A, 27 for AA.

    >>> column_number("AA")
    27
    """
    text = letters.decode() if isinstance(letters, bytes) else letters
    number = 0
    for letter in text:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


def scan_workbook(path: Path) -> dict[str, SheetScan]:
    """Each worksheet by name. Raises ``UnreadableFile`` for what is no .xlsx, broken, locked or over a limit."""
    try:
        with zipfile.ZipFile(path) as archive:
            return _scan(archive)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ParseError, KeyError, ValueError) as error:
        raise UnreadableFile("工作簿已损坏或不完整（例如下载中断），打不开") from error
    except (RuntimeError, NotImplementedError) as error:
        raise UnreadableFile("工作簿有密码或压缩方式不明，打不开") from error
    except DefusedXmlException as error:
        raise UnreadableFile("工作簿内有实体声明，拒绝读取") from error


def _scan(archive: zipfile.ZipFile) -> dict[str, SheetScan]:
    names = set(archive.namelist())
    if "xl/workbook.xml" not in names:
        raise UnreadableFile("不是 .xlsx 工作簿（.xlsb、.ods、.docx 或压缩包请另存为 .xlsx）")
    sheets = _sheet_parts(archive, names)
    scans = {name: SheetScan() for name in sheets.values()}
    inflated = 0
    for entry in archive.infolist():
        scan = scans.get(sheets.get(entry.filename, ""))
        kept = b""
        size = 0
        for chunk in _inflate(archive, entry):
            size += len(chunk)
            inflated += len(chunk)
            _check_bomb(entry, size, inflated)
            if scan is not None:
                kept = _scan_chunk(scan, kept + chunk)
        if scan is not None:
            _scan_chunk(scan, kept, last=True)
    cells = sum(scan.cells for scan in scans.values())
    widest = max((scan.last_column for scan in scans.values()), default=0)
    if cells > limits().cells or widest > limits().columns:
        raise UnreadableFile(
            f"工作表过大：{cells:,} 个单元格、{widest} 列，上限 {limits().cells:,} 个、{limits().columns} 列"
        )
    return scans


def _inflate(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    with archive.open(entry) as stream:
        while chunk := stream.read(_CHUNK):
            yield chunk


def _check_bomb(entry: zipfile.ZipInfo, size: int, inflated: int) -> None:
    bound = limits()
    over_ratio = size > bound.ratio_from_bytes and size > bound.ratio * max(entry.compress_size, 1)
    if over_ratio or inflated > bound.inflated_bytes:
        raise UnreadableFile(f"压缩内容展开后过大（已 {inflated:,} 字节），疑似压缩炸弹，拒绝读取")


def _sheet_parts(archive: zipfile.ZipFile, names: set[str]) -> dict[str, str]:
    """Worksheet part -> sheet name. The two parts read here are small; a big one is refused."""
    for part in ("xl/workbook.xml", "xl/_rels/workbook.xml.rels"):
        if archive.getinfo(part).file_size > _DIRECTORY_BYTES:
            raise UnreadableFile("工作簿的目录过大，拒绝读取")
    relations = {}
    for relation in fromstring(archive.read("xl/_rels/workbook.xml.rels")):
        target = relation.get("Target", "")
        relations[relation.get("Id")] = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    parts = {}
    for element in fromstring(archive.read("xl/workbook.xml")).iter():
        if element.tag.rpartition("}")[2] == "sheet":
            part = relations.get(element.get(_TARGET), "")
            if part in names:
                parts[part] = element.get("name", "")
    return parts


def _scan_chunk(scan: SheetScan, data: bytes, *, last: bool = False) -> bytes:
    """Scan whole cells of ``data``; what comes after the last one is handed back for the next chunk."""
    cut = len(data) if last else max(data.rfind(end) + len(end) for end in _ENDS)
    if cut < len(min(_ENDS, key=len)):
        if len(data) > _CELL_BYTES:
            raise UnreadableFile("工作表内有一个过长的单元格，拒绝读取")
        return data
    head = data[:cut]
    _measure(scan, head)
    if b'"e"' in head or b"'e'" in head:
        for match in _ERROR.finditer(head):
            _keep(scan, match.group(1), match.group(2).decode("utf-8", "replace"))
    if b"<f" in head or b":f" in head:
        for match in _UNCALCULATED.finditer(head):
            _keep(scan, match.group(1), "=" + (match.group(2) or b"").decode("utf-8", "replace"))
    return data[cut:]


def _measure(scan: SheetScan, head: bytes) -> None:
    box = None if b":c" in head else box_of(head)
    if box is not None:
        scan.last_column, scan.last_row = max(scan.last_column, box.last_column), max(scan.last_row, box.last_row)
        return
    found, cells = _REFERENCE.findall(head), len(_CELL.findall(head))
    if found:
        letters, rows = zip(*found, strict=True)
        scan.last_column = max(scan.last_column, *(column_number(column) for column in set(letters)))
        scan.last_row = max(scan.last_row, *map(int, set(rows)))
    scan.bare_cells += max(cells - len(found), 0)
    if scan.bare_cells > _BARE_CELLS:
        raise UnreadableFile("工作表的单元格没有标明位置，请用 Excel 打开后另存为 .xlsx")


def _keep(scan: SheetScan, attributes: bytes, text: str) -> None:
    reference = _REFERENCE.search(b" " + attributes)
    if reference:
        scan.unread[int(reference.group(2)), column_number(reference.group(1))] = text
