"""The input tables as `layouts.yaml` declares them: fields, headers, kinds, and the types that follow.

What belongs here: reading that file. What does not: files of users (`tables.py`), rows (`ingest.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

import pyarrow as pa
import yaml

from settlement.io.cells import MONEY, QUANTITY, RATE

if TYPE_CHECKING:
    import ibis.expr.datatypes as dt

ARROW_TYPES: dict[str, pa.DataType] = {
    "text": pa.string(),
    "code": pa.string(),
    "account": pa.string(),
    "list": pa.string(),
    "currency": pa.string(),
    "month": pa.string(),
    "date": pa.date32(),
    "time": pa.timestamp("us"),
    "money": MONEY,
    "quantity": QUANTITY,
    "quote": RATE,
    "rate": RATE,
    "flag": pa.bool_(),
    "whole": pa.int64(),
}
TEXT_KINDS = ("text", "code", "account", "list")
# Fields of these names are of these kinds wherever they stand: 人民币 is CNY, 2023年9月 is 2023-09, and an account
# number has no blanks between its digits.
_KIND_BY_NAME = {"currency": "currency", "month": "month"}
_ACCOUNTS = ("account", "account_no", "bank_account", "payer_account", "payee_account")
# The service types (服务类型) of the contract, section 2: a word that is none of them is a bad cell.
_WORDS = {
    "services": (
        "进口贸易代理",
        "出口贸易代理",
        "出口国际物流",
        "进口国际物流",
        "进口清关",
        "进口门点送货",
        "出口门点提货",
        "出口报关",
    )
}


@dataclass(frozen=True)
class Field:
    """One field: its English name, Chinese header, kind, and what a row may say in it.

    ``values``: the words allowed as the whole cell. ``words``: those allowed in a list joined by 、 or ;.
    ``percent_from``: a bare rate from here on is percent. ``is_rounded``: more decimals than the kind holds are rounded.
    """

    name: str
    header: str
    kind: str
    required: bool = False
    default: str | None = None
    values: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    percent_from: str = "1"
    is_rounded: bool = False


@dataclass(frozen=True)
class Layout:
    """One input table. ``folder`` is None for a reference table; ``key`` empty where rows have no identity."""

    name: str
    fields: tuple[Field, ...]
    folder: str | None = None
    sheet: str | None = None
    is_mandatory: bool = False
    money_of: tuple[str, ...] = ()
    currency_of: str | None = None
    key: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()

    @property
    def is_reference(self) -> bool:
        return self.folder is None

    @property
    def schema(self) -> Mapping[str, dt.DataType]:
        """Fields and their Ibis types, in the layout's order."""
        # Not imported above: a process that only reads a file has no use for Ibis, and no time.
        from ibis.formats.pyarrow import PyArrowType

        return {field.name: PyArrowType.to_ibis(ARROW_TYPES[field.kind]) for field in self.fields}

    @property
    def arrow_schema(self) -> pa.Schema:
        """Fields and their Arrow types, in the layout's order."""
        return pa.schema([(field.name, ARROW_TYPES[field.kind]) for field in self.fields])

    def field(self, name: str) -> Field:
        """The field of that name. Raises ``KeyError``."""
        return {field.name: field for field in self.fields}[name]


@cache
def layouts() -> Mapping[str, Layout]:
    """Every input table by name, in the file's order."""
    text = resources.files("settlement.io").joinpath("layouts.yaml").read_text("utf-8")
    return {name: _layout(name, entry) for name, entry in yaml.safe_load(text).items()}


def monthly_layouts(folder: str | None = None) -> list[Layout]:
    """The tables of a month's folders, or of one folder."""
    return [item for item in layouts().values() if not item.is_reference and folder in (None, item.folder)]


def reference_layouts() -> list[Layout]:
    """The masters."""
    return [item for item in layouts().values() if item.is_reference]


def _layout(name: str, entry: Mapping) -> Layout:
    money_of = entry.get("money_of", ())
    return Layout(
        name=name,
        fields=tuple(_field(field, facts) for field, facts in entry["fields"].items()),
        folder=entry.get("folder"),
        sheet=entry.get("sheet"),
        is_mandatory=entry.get("mandatory", False),
        money_of=(money_of,) if isinstance(money_of, str) else tuple(money_of),
        currency_of=entry.get("currency_of"),
        key=tuple(entry.get("key", ())),
        any_of=tuple(entry.get("any_of", ())),
    )


def _field(name: str, facts: Mapping) -> Field:
    kind = _KIND_BY_NAME.get(name, facts["kind"])
    if kind == "code" and name in _ACCOUNTS:
        kind = "account"
    if kind not in ARROW_TYPES:
        raise ValueError(f"layouts.yaml: field {name} has the unknown kind {kind}")
    return Field(
        name=name,
        header=facts["header"],
        kind=kind,
        required=facts.get("required", False),
        default=facts.get("default"),
        values=tuple(facts.get("values", ())),
        words=tuple(facts.get("words", _WORDS.get(name, ()))),
        percent_from=facts.get("percent_from", "1"),
        is_rounded=facts.get("rounded", False),
    )
