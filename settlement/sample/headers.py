"""Sheets with the Chinese headers that the program's layouts give them (settlement/io/layouts.yaml)."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import pyarrow as pa
import yaml

from settlement.sample.files import Sheet


@cache
def layouts() -> dict:
    """settlement/io/layouts.yaml: the input tables, their fields and headers."""
    return yaml.safe_load(files("settlement.io").joinpath("layouts.yaml").read_text("utf-8"))


def sheet_of(table: str, columns: dict[str, pa.Array], **options) -> Sheet:
    """A sheet with the table's Chinese headers; fields without a column stay empty."""
    fields = layouts()[table]["fields"]
    unknown = set(columns) - set(fields)
    if unknown:
        raise KeyError(f"{table} has no fields {sorted(unknown)}")
    rows = len(next(iter(columns.values())))
    made = {
        spec["header"]: columns[name] if name in columns else pa.nulls(rows, pa.string())
        for name, spec in fields.items()
    }
    kinds = {
        kind: tuple(spec["header"] for spec in fields.values() if spec["kind"] in kind)
        for kind in (("money", "quantity", "whole"), ("date",))
    }
    return Sheet(made, numbers=kinds[("money", "quantity", "whole")], dates=kinds[("date",)], **options)
