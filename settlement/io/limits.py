"""The limits of the readers: how big a file may be before it is refused (`parameters/limits.yaml`).

What belongs here: reading that parameter file. What does not: judging files.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources

import yaml


@dataclass(frozen=True)
class Limits:
    """Sizes in bytes, rows, columns, cells, characters; ``workbook_ratio`` is inflated to packed."""

    text_file_bytes: int
    workbook_file_bytes: int
    workbook_inflated_bytes: int
    workbook_ratio: int
    workbook_ratio_from_bytes: int
    workbook_cells: int
    html_file_bytes: int
    rows: int
    columns: int
    cell_characters: int


@cache
def limits() -> Limits:
    """The limits in force: the entry with the latest ``valid_from``."""
    text = resources.files("settlement").joinpath("parameters/limits.yaml").read_text("utf-8")
    entry = max(yaml.safe_load(text)["limits"], key=lambda item: item["valid_from"])
    return Limits(**{name: entry[name] for name in Limits.__dataclass_fields__})
