"""The home of the data (数据目录): where everything a run reads or writes lies.

Paths are built from ids only; nothing here opens a file's contents.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

HOME_VARIABLE = "SETTLEMENT_HOME"
_MONTH_FOLDER = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
_SAFE_ID = re.compile(r"[^0-9A-Za-z一-鿿_.-]")


@dataclass(frozen=True)
class Home:
    """One legal entity's folder; the layout is the contract's section 1."""

    root: Path

    @property
    def raw(self) -> Path:
        return self.root / "raw"

    @property
    def reference(self) -> Path:
        return self.raw / "reference"

    def inbox(self, month: str) -> Path:
        """The folder finance fills for a month."""
        return self.raw / month

    @property
    def warehouse(self) -> Path:
        return self.root / "warehouse"

    @property
    def published(self) -> Path:
        """The file analysts open read-only. It is only ever replaced, never written to."""
        return self.warehouse / "settlement.duckdb"

    @property
    def workshop(self) -> Path:
        """Where a run works: its own database, the next published file, the lock."""
        return self.warehouse / "work"

    def statements(self, month: str) -> Path:
        return self.root / "statements" / month

    @property
    def audit(self) -> Path:
        return self.root / "audit"

    def months(self) -> list[str]:
        """Months that have a folder, in order."""
        if not self.raw.is_dir():
            return []
        return sorted(
            entry.name for entry in self.raw.iterdir() if entry.is_dir() and _MONTH_FOLDER.fullmatch(entry.name)
        )

    def shown(self, path: Path) -> str:
        """The path as exceptions and tables name it: relative to the home, with forward slashes."""
        return path.relative_to(self.root).as_posix()


def find_home(given: str | os.PathLike[str] | None = None) -> Home:
    """The home that was named, else ``SETTLEMENT_HOME``, else ``data/`` of the working folder."""
    chosen = given or os.environ.get(HOME_VARIABLE) or "data"
    return Home(Path(chosen).expanduser().resolve())


def file_part(identifier: str) -> str:
    """An id as part of a file name: anything but letters, digits, Han characters, ``_ . -`` becomes ``_``.

    >>> file_part("P001/../x")
    'P001_.._x'
    """
    cleaned = _SAFE_ID.sub("_", identifier).strip(".")
    return cleaned or "_"
