"""Which encoding a text file is in: BOM, then strict UTF-8, then UTF-16, then GB18030 (BNK-02).

The whole file is decoded before an answer is given, a megabyte at a time: a sample would take a
file for UTF-8 whose first Chinese character stands in row 50,000. A UTF-8 file with a few broken bytes
is refused: GB18030 would decode nearly anything, into nonsense.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from settlement.io.sheet_model import BNK_ENCODING, UnreadableFile

_CHUNK = 1 << 20
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_USUAL = re.compile("[\u2010-\u2026\u3000-\u301f\u4e00-\u9fff\uff00-\uffef]")
_NUL = "文件含有空字节（NUL），不是文本表格或已损坏"
# How many more well-formed Chinese characters than broken bytes show that a file is UTF-8 that was damaged.
_DAMAGED_WHEN = 4


@dataclass(frozen=True)
class TextFile:
    """How to read a text file: the codec, and whether a quotation mark stands anywhere in it."""

    encoding: str
    has_quote: bool


def find_encoding(path: Path) -> TextFile:
    """The encoding of the whole file. Raises ``UnreadableFile`` (BNK_ENCODING) where none fits or a NUL stands in it."""
    with path.open("rb") as stream:
        start = stream.read(4096)
    for bom, codec in _BOMS:
        if start.startswith(bom):
            return _read_through(path, codec)
    if b"\0" in start or _holds_nul(path):
        return _without_bom(path, start)
    try:
        return _read_through(path, "utf-8")
    except UnreadableFile as broken:
        if _is_damaged_utf8(path):
            raise UnreadableFile(f"文件像是 UTF-8，但有损坏的字节：{broken.reason_zh}", BNK_ENCODING) from broken
    try:
        return _read_through(path, "gb18030")
    except UnreadableFile as broken:
        reason = f"认不出文件的编码（不是 UTF-8、UTF-16，也不是 GB18030）：{broken.reason_zh}"
        raise UnreadableFile(reason, BNK_ENCODING) from broken


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            yield chunk


def _holds_nul(path: Path) -> bool:
    return any(b"\0" in chunk for chunk in _chunks(path))


def _read_through(path: Path, codec: str) -> TextFile:
    decoder = codecs.getincrementaldecoder(codec)("strict")
    lines, has_quote = 0, False
    try:
        for chunk in _chunks(path):
            text = decoder.decode(chunk)
            if "\0" in text:
                raise UnreadableFile(f"第 {lines + text[: text.index(chr(0))].count(chr(10)) + 1} 行附近：{_NUL}")
            has_quote = has_quote or '"' in text
            lines += text.count("\n")
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        before = error.object[: error.start].count(b"\n")
        raise UnreadableFile(f"第 {lines + before + 1} 行附近有不合 {codec} 的字节", BNK_ENCODING) from error
    return TextFile(codec, has_quote)


def _without_bom(path: Path, start: bytes) -> TextFile:
    """A file with NUL bytes: UTF-16 whose BOM is missing, or no text at all."""
    for codec in ("utf-16-le", "utf-16-be"):
        sample = start[: len(start) // 2 * 2].decode(codec, "replace")
        # In the wrong byte order, or where a NUL strayed into other text, the characters are of no language of ours.
        usual = sum(character.isascii() and character != "\0" or bool(_USUAL.match(character)) for character in sample)
        if usual * 10 >= len(sample) * 9 and re.search("[,;|\t\n]", sample):
            return _read_through(path, codec)
    raise UnreadableFile(_NUL)


def _is_damaged_utf8(path: Path) -> bool:
    good = bad = 0
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    for chunk in _chunks(path):
        text = decoder.decode(chunk)
        if text.isascii():
            continue
        bad += text.count("\ufffd")
        good += sum(character > "\u07ff" for character in text) - text.count("\ufffd")
        if good + bad > 100_000:
            break
    return good > _DAMAGED_WHEN * bad
