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
    """Sizes in bytes, rows, columns, cells, characters; ``ratio`` is inflated to packed; ``largest_amount`` in any currency."""

    text_file_bytes: int
    workbook_file_bytes: int
    inflated_bytes: int
    ratio: int
    ratio_from_bytes: int
    cells: int
    html_file_bytes: int
    rows: int
    columns: int
    cell_characters: int
    largest_amount: int


@cache
def limits() -> Limits:
    """The limits in force: the row with the latest ``from``."""
    text = resources.files("settlement").joinpath("parameters/limits.yaml").read_text("utf-8")
    row = max(yaml.safe_load(text)["reader_limits"]["rows"], key=lambda item: item["from"])
    return Limits(**{name: row[name] for name in Limits.__dataclass_fields__})
