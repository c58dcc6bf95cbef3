"""Any table file as sheets of text: what a file is follows from its bytes, never from its name (BNK-02).

What belongs here: looking at a file before it is opened, and choosing the reader. The readers are
`text_sheets.py` (CSV of any encoding), `workbook_sheets.py` (.xlsx), `xls_sheets.py` (OLE .xls) and `html_sheets.py`
(a web page saved as .xls). What does not: headers, kinds, money (`tables.py`, `cells.py`).
"""

from __future__ import annotations

import stat
from pathlib import Path

from settlement.io.html_sheets import looks_like_html, read_html
from settlement.io.limits import limits
from settlement.io.sheet_model import BNK_ENCODING, FILE_UNREADABLE, Sheet, UnreadableFile
from settlement.io.text_sheets import read_text
from settlement.io.workbook_sheets import read_workbook
from settlement.io.xls_sheets import read_xls

__all__ = ["BNK_ENCODING", "FILE_UNREADABLE", "Sheet", "UnreadableFile", "check_file", "read_sheets"]

OLE_MAGIC = b"\xd0\xcf\x11\xe0"
ZIP_MAGIC = b"PK"


def check_file(path: Path, root: Path | None = None, *, largest: int | None = None) -> bytes:
    """The first kilobyte of a file that may be read: an ordinary file, no link, inside ``root``, not empty.

    Raises ``UnreadableFile`` else. ``largest`` is a size in bytes (`parameters/limits.yaml`).
    """
    found = Path(path)
    state = found.lstat() if found.exists() or found.is_symlink() else None
    if state is None:
        raise UnreadableFile("文件不存在")
    if stat.S_ISLNK(state.st_mode):
        raise UnreadableFile("是符号链接，不读取；请把文件本身放进文件夹")
    if not stat.S_ISREG(state.st_mode):
        raise UnreadableFile("不是普通文件，不读取")
    if root is not None and not found.resolve().is_relative_to(Path(root).resolve()):
        raise UnreadableFile("文件不在该文件夹之内，不读取")
    if state.st_size == 0:
        raise UnreadableFile("文件是空的（0 字节）")
    if largest is not None and state.st_size > largest:
        raise UnreadableFile(f"文件过大：{state.st_size:,} 字节，上限 {largest:,} 字节")
    with found.open("rb") as stream:
        return stream.read(1024)


def read_sheets(path: Path, root: Path | None = None) -> list[Sheet]:
    """Every sheet of a file, in the file's order; sheets without a cell are left out.

    ``root``: the folder the file must lie in, links resolved. Raises ``UnreadableFile`` with the
    reason in Chinese and a code (FILE_UNREADABLE, BNK_ENCODING).
    """
    path = Path(path)
    start = check_file(path, root)
    bound = limits()
    if start.startswith(OLE_MAGIC):
        check_file(path, root, largest=bound.workbook_file_bytes)
        sheets = read_xls(path)
    elif start.startswith(ZIP_MAGIC):
        check_file(path, root, largest=bound.workbook_file_bytes)
        sheets = read_workbook(path)
    elif looks_like_html(start):
        check_file(path, root, largest=bound.html_file_bytes)
        sheets = read_html(path)
    elif start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<?xml"):
        raise UnreadableFile("是 XML 文件而不是表格；若是 Excel 的 XML 表格，请另存为 .xlsx")
    elif start.startswith(b"%PDF"):
        raise UnreadableFile("是 PDF 文件而不是表格")
    else:
        check_file(path, root, largest=bound.text_file_bytes)
        sheets = [read_text(path)]
    kept = [sheet for sheet in sheets if sheet.table.num_rows and sheet.width]
    if not kept:
        raise UnreadableFile("文件中没有任何单元格")
    return kept
