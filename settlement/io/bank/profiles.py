"""Layouts of bank exports as data: `profiles/base.yaml` for all, one small file a bank for its own names and quirks.

What belongs here: reading those files, comparing names of columns. What does not: files of users.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources

import yaml

_BRACKETED = re.compile(r"\[[^\]]*\]|【[^】]*】")
_UNIT = re.compile(r"(/元|\((人民币)?元\)|\(人民币\)|\(单位:?元\)|\(RMB\)|\(CNY\)|\([+-]?元\))+$", re.I)
_ENGLISH_TAIL = re.compile(r"(?<=[一-鿿)])[/(]?[A-Za-z][A-Za-z'./&() -]*$")
_IGNORED = re.compile(r"[\s:：*`#'\"]+")


@dataclass(frozen=True)
class Profile:
    """One layout. ``columns``: our field to the bank's names, best first; ``headers``: whole header rows as documented."""

    name: str
    bank: str
    title: str
    columns: Mapping[str, tuple[str, ...]]
    labels: Mapping[str, tuple[str, ...]]
    marks: tuple[str, ...]
    headers: tuple[tuple[str, ...], ...]
    inward: frozenset[str]
    outward: frozenset[str]
    neutral: frozenset[str]
    totals: tuple[str, ...]
    page_totals: tuple[str, ...]
    reversals: tuple[str, ...]
    default_currency: str | None
    rate_per: int
    header_within: int
    negative_is_in: bool
    dropped: Mapping[str, tuple[str, ...]]
    neutral_in: Mapping[str, tuple[str, ...]]
    neutral_out: Mapping[str, tuple[str, ...]]
    signed_sides: bool
    date_form: str | None
    cell_prefix: str | None
    source: str
    out_is_negative: bool = False  # both found in a sheet (``out_signs``), never in a file of a bank
    out_by_payer: bool = False


@lru_cache(maxsize=20_000)
def header_name(text: str | None) -> str:
    """The name of a column as it is compared.

    >>> header_name("交易日期[ Transaction Date ]"), header_name("借方发生额/元"), header_name(" 贷方发生额（收入）")
    ('交易日期', '借方发生额', '贷方发生额(收入)')
    """
    name = unicodedata.normalize("NFKC", text or "")
    name = _IGNORED.sub("", _BRACKETED.sub("", name))
    name = _UNIT.sub("", name)
    shortened = _ENGLISH_TAIL.sub("", name)
    return (shortened or name).casefold()


def _names(found: Mapping[str, list[str]] | None) -> dict[str, tuple[str, ...]]:
    return {field: tuple(str(name) for name in names) for field, names in (found or {}).items()}


@cache
def profiles() -> tuple[Profile, ...]:
    """Every layout, the plain one (no bank's) last."""
    folder = resources.files("settlement.io.bank").joinpath("profiles")
    base = yaml.safe_load(folder.joinpath("base.yaml").read_text("utf-8"))
    own = sorted(item.name for item in folder.iterdir() if item.name.endswith(".yaml") and item.name != "base.yaml")
    found = [_profile(base, yaml.safe_load(folder.joinpath(name).read_text("utf-8")), name[:-5]) for name in own]
    return (*sorted(found, key=lambda profile: (profile.name == "plain", profile.name)),)


def _profile(base: Mapping, own: Mapping, name: str) -> Profile:
    """A bank's file over the base: its names of a field replace the base's names of it where ``replace`` says so."""
    columns, labels = _names(base["columns"]), _names(base["labels"])
    for field, names in _names(own.get("columns")).items():
        columns[field] = tuple(dict.fromkeys((*names, *columns.get(field, ()))))
    for field, names in _names(own.get("only")).items():
        columns[field] = names
    for field, names in _names(own.get("labels")).items():
        labels[field] = tuple(dict.fromkeys((*names, *labels.get(field, ()))))
    return Profile(
        name=name,
        bank=own["bank"],
        title=own["title"],
        columns=columns,
        labels=labels,
        marks=tuple(own.get("marks") or ()),
        headers=tuple(tuple(header) for header in own.get("headers") or ()),
        inward=frozenset(own.get("inward") or base["inward"]),
        outward=frozenset(own.get("outward") or base["outward"]),
        neutral=frozenset(own.get("neutral") or ()),
        totals=tuple(base["totals"]) + tuple(own.get("totals") or ()),
        page_totals=tuple(base["page_totals"]),
        reversals=tuple(base["reversals"]),
        default_currency=own.get("default_currency"),
        rate_per=own.get("rate_per", base["rate_per"]),
        header_within=base["header_within"],
        negative_is_in=bool(own.get("negative_is_in")),
        dropped=_names(own.get("dropped")),
        neutral_in=_names(own.get("neutral_in")),
        neutral_out=_names(own.get("neutral_out")),
        signed_sides=bool(own.get("signed_sides")),
        date_form=own.get("date_form"),
        cell_prefix=own.get("cell_prefix"),
        source=own.get("source", ""),
    )


@cache
def column_index(name: str) -> dict[str, tuple[str, int]]:
    """Name of a column to (our field, its rank among the names of that field) for the layout called ``name``."""
    profile = next(item for item in profiles() if item.name == name)
    index: dict[str, tuple[str, int]] = {}
    for field, names in profile.columns.items():
        for rank, written in enumerate(names):
            index.setdefault(header_name(written), (field, rank))
    return index


@cache
def documented_headers(name: str) -> tuple[frozenset[str], ...]:
    """The header rows a layout documents, as compared names."""
    profile = next(item for item in profiles() if item.name == name)
    return tuple(frozenset(header_name(cell) for cell in header) for header in profile.headers)
