"""What the readers of statements accept and hold together (`parameters/bank_reading.yaml`).

What belongs here: reading that parameter file. What does not: judging files.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources

import yaml


@dataclass(frozen=True)
class BankLimits:
    """Bytes, lines, an amount in any currency, days."""

    swift_file_bytes: int
    table_file_bytes: int
    table_lines: int
    message_lines: int
    largest_amount: int
    sale_days: int
    receipt_days: int
    pause_days: int


@cache
def bank_limits() -> BankLimits:
    """The limits in force: the row with the latest ``from``."""
    text = resources.files("settlement").joinpath("parameters/bank_reading.yaml").read_text("utf-8")
    row = max(yaml.safe_load(text)["bank_reading"]["rows"], key=lambda item: item["from"])
    return BankLimits(**{name: row[name] for name in BankLimits.__dataclass_fields__})
