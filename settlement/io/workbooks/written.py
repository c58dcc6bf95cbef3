"""What a run wrote: each workbook's digest of content and of bytes, beside the workbooks.

A workbook is written anew only if what it shows, or the code that shows it, has changed, or the
file is not the one that was written (somebody typed into it, or it is gone).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import xlsxwriter

MANIFEST = ".workbooks.json"


@dataclass(frozen=True)
class Difference:
    """One workbook that is not what it was: ``change`` is new, rewritten or gone; ``detail`` says what differs."""

    workbook: str
    change: str
    detail: str


@dataclass
class WorkbooksWritten:
    """What ``write_workbooks`` did: file paths written, paths left as they were, and the differences to before."""

    written: list[Path] = field(default_factory=list)
    unchanged: list[Path] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)


def file_digest(path: Path) -> str | None:
    """sha256 of a file's bytes; None where there is no such file."""
    if not path.is_file():
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class ContentDigest:
    """sha256 over everything a workbook shows, fed in order."""

    def __init__(self, *shared: object) -> None:
        self._hash = hashlib.sha256(code_digest().encode())
        for item in shared:
            self.add(item)

    def add(self, item: object) -> None:
        """One value, row or name. Decimals, dates and text have one ``repr`` each."""
        self._hash.update(repr(item).encode())

    def rows(self, name: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """A table's rows, in their order."""
        self.add(name)
        for row in rows:
            self.add(tuple(row.items()))

    def hexdigest(self) -> str:
        return self._hash.hexdigest()


@cache
def code_digest() -> str:
    """sha256 over this package, its labels, and the library that writes the files."""
    digest = hashlib.sha256(xlsxwriter.__version__.encode())
    for entry in sorted(files(__package__).iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith((".py", ".yaml")):
            digest.update(entry.name.encode() + entry.read_bytes())
    return digest.hexdigest()


def read_manifest(folder: Path | None) -> dict[str, dict[str, Any]]:
    """What an earlier run noted of each workbook in ``folder``; nothing where it left no note."""
    if folder is None or not (folder / MANIFEST).is_file():
        return {}
    return json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["workbooks"]


def write_manifest(folder: Path, workbooks: Mapping[str, Mapping[str, Any]]) -> None:
    """The note for the next run."""
    text = json.dumps({"workbooks": dict(sorted(workbooks.items()))}, ensure_ascii=False, indent=1, sort_keys=True)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")
