"""Dated parameters: rates, thresholds and limits of the business, each with from, to and source.

A parameter file is a mapping of series. A series has keys (which rate), fields (what it says)
and rows, each in force from one date to another, both included. No day may be without a row
and none may have two, unless the series says that it is a list of windows (``gaps: allowed``).

What belongs here: reading a parsed file into series, refusing a wrong one, the value on a date,
the same as a table to join. What does not: opening files (``settlement/io/parameters.py``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from decimal import Decimal, InvalidOperation

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from settlement.rules.rows import table_of

# A month can be settled from 2012-01 on, so every series must have a value from here on unless it says otherwise.
COVERED_FROM = date(2012, 1, 1)
ANY = "*"

Value = Decimal | int | str | time | date | bool | None

TYPES: dict[str, dt.DataType] = {
    "decimal": dt.Decimal(18, 8),
    "rate": dt.Decimal(18, 8),
    "money": dt.Decimal(18, 2),
    "whole": dt.int64,
    "text": dt.string,
    "time": dt.time,
    "date": dt.date,
    "flag": dt.boolean,
}


class ParameterError(ValueError):
    """A parameter file that cannot be used; the message names series, key and date."""


class ParameterGap(ParameterError):
    """A series without a value on a day, or with two on the same day."""


def parse_value(text: object, kind: str) -> Value:
    """A cell of a parameter file as its kind; empty is ``None``. A rate of 13% or 13 is 0.13.

    Raises ``ParameterError`` where the text is not of the kind.

    >>> parse_value("13%", "rate"), parse_value("0.13", "rate")
    (Decimal('0.13'), Decimal('0.13'))
    """
    written = "" if text is None else str(text).strip()
    if not written:
        return None
    try:
        if kind == "rate":
            value = Decimal(written.rstrip("%"))
            # As in every input (the contract, section 1): a bare rate of 1 or more is percent.
            return value.scaleb(-2) if written.endswith("%") or value >= 1 else value
        if kind in ("decimal", "money"):
            return Decimal(written)
        if kind == "whole":
            return int(written)
        if kind == "time":
            return time.fromisoformat(written)
        if kind == "date":
            return date.fromisoformat(written)
        if kind == "flag":
            return {"true": True, "false": False, "是": True, "否": False}[written.lower()]
    except (InvalidOperation, ValueError, KeyError) as error:
        raise ParameterError(f"{written!r} is not a {kind}") from error
    return written


@dataclass(frozen=True)
class Entry:
    """One row of a series: its key, its values, and the days on which they are in force."""

    key: tuple[str, ...]
    values: Mapping[str, Value]
    valid_from: date
    valid_to: date | None
    source: str

    def covers(self, day: date) -> bool:
        """Whether ``day`` lies in the row's dates, both included."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


@dataclass(frozen=True)
class Series:
    """A dated series as a file declares it."""

    name: str
    title: str
    keys: tuple[str, ...]
    kinds: Mapping[str, str]
    entries: tuple[Entry, ...]
    covered_from: date = COVERED_FROM
    gaps_allowed: bool = False

    def entry_on(self, day: date, **keys: str) -> Entry:
        """The row in force on ``day`` for these keys; a key the file does not name falls to its ``*``.

        Raises ``ParameterGap`` where there is none, ``ParameterError`` for a key the series lacks.
        """
        if set(keys) - set(self.keys):
            raise ParameterError(f"{self.name} has no key {sorted(set(keys) - set(self.keys))}, only {list(self.keys)}")
        wanted = tuple(str(keys.get(name, ANY)) for name in self.keys)
        fitting = [entry for entry in self.entries if entry.covers(day) and _fits(entry.key, wanted)]
        if not fitting:
            raise ParameterGap(f"{self.title} ({self.name}{_named(self.keys, wanted)}): no value on {day}")
        return min(fitting, key=lambda entry: entry.key.count(ANY))

    def value_on(self, day: date, field: str | None = None, **keys: str) -> Value:
        """The value in force on ``day``; ``field`` may be left out where the series has only one."""
        if field is None:
            if len(self.kinds) != 1:
                raise ParameterError(f"{self.name} has the fields {list(self.kinds)}: say which")
            field = next(iter(self.kinds))
        return self.entry_on(day, **keys).values[field]

    def rows(self) -> list[dict[str, Value]]:
        """Every row as a dict: keys, fields, valid_from, valid_to (None = still in force), source."""
        return [
            dict(zip(self.keys, entry.key, strict=True))
            | dict(entry.values)
            | {"valid_from": entry.valid_from, "valid_to": entry.valid_to, "source": entry.source}
            for entry in self.entries
        ]

    def table(self) -> ir.Table:
        """``rows`` as an Ibis table: keys text, fields by kind, valid_from and valid_to dates, source."""
        fields = {name: TYPES[kind] for name, kind in self.kinds.items()}
        dates = {"valid_from": dt.date, "valid_to": dt.date, "source": dt.string}
        return table_of(self.rows(), ibis.schema(dict.fromkeys(self.keys, dt.string) | fields | dates))


@dataclass(frozen=True)
class Parameters:
    """All series by name."""

    series: Mapping[str, Series]

    def __getitem__(self, name: str) -> Series:
        if name not in self.series:
            raise ParameterError(f"no parameter {name}; there are {sorted(self.series)}")
        return self.series[name]

    def value_on(self, name: str, day: date, field: str | None = None, **keys: str) -> Value:
        """The value of series ``name`` in force on ``day``; see ``Series.value_on``."""
        return self[name].value_on(day, field, **keys)

    def rows(self, name: str) -> list[dict[str, Value]]:
        """The rows of series ``name``; see ``Series.rows``."""
        return self[name].rows()

    def table(self, name: str) -> ir.Table:
        """The rows of series ``name`` as an Ibis table; see ``Series.table``."""
        return self[name].table()


def _fits(key: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
    return all(mine in (other, ANY) for mine, other in zip(key, wanted, strict=True))


def _named(names: Sequence[str], key: Sequence[str]) -> str:
    return "".join(f", {name}={value}" for name, value in zip(names, key, strict=True))


def series_of(name: str, declared: Mapping[str, object]) -> Series:
    """A series from its declaration in a file whose every scalar is text.

    Raises ``ParameterError`` for an unknown field, kind or value, ``ParameterGap`` for gaps and overlaps.
    """
    if not isinstance(declared, Mapping):
        raise ParameterError(f"{name} is no series with fields and rows")
    keys, kinds = tuple(declared.get("keys") or ()), dict(declared.get("fields") or {})
    unknown = sorted(set(kinds.values()) - set(TYPES))
    if unknown or not kinds:
        raise ParameterError(f"{name}: fields must name kinds of {sorted(TYPES)}, not {unknown}")
    entries = [_entry(name, keys, kinds, row) for row in declared.get("rows") or ()]
    series = Series(
        name=name,
        title=str(declared.get("title") or name),
        keys=keys,
        kinds=kinds,
        entries=tuple(sorted(entries, key=lambda entry: (entry.key, entry.valid_from))),
        covered_from=parse_value(declared.get("covered_from"), "date") or COVERED_FROM,
        gaps_allowed=declared.get("gaps") == "allowed",
    )
    problems = gaps_and_overlaps(series)
    if problems:
        raise ParameterGap("; ".join(problems))
    return series


def _entry(name: str, keys: tuple[str, ...], kinds: Mapping[str, str], row: Mapping[str, object]) -> Entry:
    strange = sorted(set(row) - set(keys) - set(kinds) - {"from", "to", "source"})
    missing = [key for key in (*keys, "from", "source") if not str(row.get(key) or "").strip()]
    if strange or missing:
        raise ParameterError(f"{name}, row {dict(row)}: unknown {strange}, missing {missing}")
    try:
        return Entry(
            key=tuple(str(row[key]) for key in keys),
            values={field: parse_value(row.get(field), kind) for field, kind in kinds.items()},
            valid_from=parse_value(row["from"], "date"),
            valid_to=parse_value(row.get("to"), "date"),
            source=str(row["source"]),
        )
    except ParameterError as error:
        raise ParameterError(f"{name}, row {dict(row)}: {error}") from error


def gaps_and_overlaps(series: Series) -> list[str]:
    """What is wrong with the dates of a series, one sentence each, naming series, key and days.

    Wrong are: a row that ends before it begins, two rows on one day, and, unless gaps are allowed,
    a first row that begins after ``covered_from``, days between two rows, a last row that ends.
    """
    problems = []
    by_key: dict[tuple[str, ...], list[Entry]] = {}
    for entry in series.entries:
        by_key.setdefault(entry.key, []).append(entry)
    if not by_key:
        problems.append(f"{series.title} ({series.name}): no rows")
    for key, entries in by_key.items():
        label = f"{series.title} ({series.name}{_named(series.keys, key)})"
        if not series.gaps_allowed and entries[0].valid_from > series.covered_from:
            problems.append(f"{label}: gap from {series.covered_from} to {entries[0].valid_from - timedelta(days=1)}")
        for entry in entries:
            if entry.valid_to is not None and entry.valid_to < entry.valid_from:
                problems.append(f"{label}: {entry.valid_from} to {entry.valid_to} ends before it begins")
        for before, after in zip(entries, entries[1:], strict=False):
            problems.extend(_between(label, before, after, series.gaps_allowed))
        if not series.gaps_allowed and entries[-1].valid_to is not None:
            problems.append(f"{label}: gap after {entries[-1].valid_to}")
    return problems


def _between(label: str, before: Entry, after: Entry, gaps_allowed: bool) -> list[str]:
    if before.valid_to is None or after.valid_from <= before.valid_to:
        last = min((day for day in (before.valid_to, after.valid_to) if day is not None), default="open end")
        return [f"{label}: overlap from {after.valid_from} to {last}"]
    expected = before.valid_to + timedelta(days=1)
    if after.valid_from > expected and not gaps_allowed:
        return [f"{label}: gap from {expected} to {after.valid_from - timedelta(days=1)}"]
    return []


def parameters_of(files: Mapping[str, Mapping[str, Mapping[str, object]]]) -> Parameters:
    """Series of all files, by name. ``files`` maps a file's name to its parsed content, every scalar text.

    Raises ``ParameterError`` (``ParameterGap`` for gaps and overlaps) that names file, series and days,
    all problems of all files at once.
    """
    found: dict[str, Series] = {}
    gaps, errors = [], []
    for file_name, content in files.items():
        for name, declared in content.items():
            try:
                if name in found:
                    raise ParameterError(f"{name} is declared twice")
                found[name] = series_of(name, declared)
            except ParameterGap as problem:
                gaps.append(f"{file_name}: {problem}")
            except ParameterError as problem:
                errors.append(f"{file_name}: {problem}")
    if errors:
        raise ParameterError("; ".join(errors + gaps))
    if gaps:
        raise ParameterGap("; ".join(gaps))
    return Parameters(found)


def in_force(
    table: ir.Table,
    series: Series,
    *,
    on: str,
    by: Mapping[str, str] | None = None,
    names: Mapping[str, str] | None = None,
) -> ir.Table:
    """``table`` with the fields of ``series`` in force on the date column ``on``, one row for each row.

    ``by`` maps a key of the series to the column that holds it; a key left out, or NULL, is ``*``.
    ``names`` maps a field to its column (default: the field's own name; only these are added, if given).
    A value the file does not name falls to the row of ``*``. NULL where nothing is in force.
    """
    by, names = dict(by or {}), dict(names or {field: field for field in series.kinds})
    keyed = {f"_asked_{key}": table[by[key]].cast("string").fill_null(ANY) if key in by else ANY for key in series.keys}
    dated = table.mutate(_asked_on=table[on], **keyed)
    asked = dated.select("_asked_on", *keyed).distinct()
    rows = series.table().drop("source")
    rows = rows.rename({f"_row_{name}": name for name in (*series.keys, "valid_from", "valid_to")})
    fitting = asked.join(
        rows,
        [
            asked._asked_on >= rows._row_valid_from,
            (asked._asked_on <= rows._row_valid_to) | rows._row_valid_to.isnull(),
            *[(rows[f"_row_{key}"] == asked[f"_asked_{key}"]) | (rows[f"_row_{key}"] == ANY) for key in series.keys],
        ],
    )
    stars = [(fitting[f"_row_{key}"] == ANY).asc() for key in series.keys]
    first = ibis.window(group_by=["_asked_on", *keyed], order_by=stars or [fitting._row_valid_from])
    best = fitting.mutate(_rank=ibis.row_number().over(first)).filter(lambda t: t._rank == 0)
    best = best.select(
        _best_on="_asked_on",
        **{f"_best_{key}": f"_asked_{key}" for key in series.keys},
        **{f"_value_{field}": best[field] for field in names},
    )
    # By names, left and right: an expression over `table` would be read as one over `best`, which comes from it.
    same = [("_asked_on", "_best_on"), *[(f"_asked_{key}", f"_best_{key}") for key in series.keys]]
    joined = dated.left_join(best, same)
    return joined.select(*table.columns, **{name: joined[f"_value_{field}"] for field, name in names.items()})
