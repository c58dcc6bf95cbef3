"""Parameter files: those that ship with the program, and those of the home that replace them.

``settlement/parameters/<name>.yaml`` ships; ``raw/reference/<name>.yaml`` of a home replaces the
whole file of that name. ``raw/reference/<name>.csv`` or ``.xlsx`` replaces one series of that name, or the
calendar. What the content means, and what is wrong with it, is for ``settlement/rules``.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import pyarrow as pa
import yaml

from settlement.rules.deadlines import WorkingCalendar, calendar_of
from settlement.rules.exceptions import Catalogue, catalogue_of
from settlement.rules.parameters import ParameterError, Parameters, parameters_of

SHIPPED = Path(__file__).resolve().parent.parent / "parameters"
CALENDAR, EXCEPTIONS = "calendar", "exceptions"


class _OneKeyLoader(yaml.BaseLoader):
    """Every scalar stays text (a rate must not become a float), and a key written twice is an error."""


def _mapping(loader: _OneKeyLoader, node: yaml.MappingNode) -> dict[str, object]:
    content: dict[str, object] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if key in content:
            raise ParameterError(f"{key!r} stands twice, line {key_node.start_mark.line + 1}")
        content[key] = loader.construct_object(value_node, deep=True)
    return content


_OneKeyLoader.add_constructor("tag:yaml.org,2002:map", _mapping)


def read_yaml(path: Path) -> dict[str, object]:
    """The content of a parameter file, every scalar as text; read again only when the file changed.

    Raises ``ParameterError`` that names the file where it is not UTF-8 YAML holding a mapping.
    """
    at = path.stat()
    return copy.deepcopy(_read_yaml(path, at.st_mtime_ns, at.st_size))


@lru_cache(maxsize=128)
def _read_yaml(path: Path, changed: int, size: int) -> dict[str, object]:
    try:
        # The loader is a BaseLoader: it makes text, lists and dicts, and can make nothing else.
        content = yaml.load(path.read_text(encoding="utf-8-sig"), Loader=_OneKeyLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ParameterError(f"{path.name} cannot be read: {error}") from error
    except ParameterError as error:
        raise ParameterError(f"{path.name}: {error}") from error
    if not isinstance(content, dict):
        raise ParameterError(f"{path.name} is not a mapping of series")
    return content


def parameter_files(reference: Path | None = None) -> dict[str, Path]:
    """Name (without suffix) -> file: what ships, replaced by files of the same name in ``reference``."""
    files = {path.stem: path for path in sorted(SHIPPED.glob("*.yaml"))}
    if reference is not None and reference.is_dir():
        files |= {path.stem: path for path in sorted(reference.glob("*.yaml")) if path.stem in files}
    return files


def _holds_series(path: Path) -> bool:
    # Beside dated series there are files with a reader of their own: the calendar, the catalogue, readers' limits.
    return all(isinstance(declared, dict) and "rows" in declared for declared in read_yaml(path).values())


def series_files(reference: Path | None = None) -> dict[str, Path]:
    """``parameter_files`` that hold dated series; what ships decides, so that a broken replacement is refused."""
    return {name: path for name, path in parameter_files(reference).items() if _holds_series(SHIPPED / f"{name}.yaml")}


def parameter_tables(reference: Path | None) -> dict[str, Path]:
    """Series or calendar name -> table (.csv or .xlsx) of ``reference`` that replaces it; refused where there are both."""
    if reference is None or not reference.is_dir():
        return {}
    names = {CALENDAR} | {series for path in series_files(reference).values() for series in read_yaml(path)}
    tables = [
        path for suffix in ("csv", "xlsx") for path in sorted(reference.glob(f"*.{suffix}")) if path.stem in names
    ]
    twice = {path.stem for path in tables if sum(other.stem == path.stem for other in tables) > 1}
    if twice:
        raise ParameterError(f"{sorted(twice)}: both a .csv and an .xlsx of that name; one of them must go")
    return {path.stem: path for path in tables}


def load_parameters(reference: Path | None = None) -> Parameters:
    """All dated series, those of ``reference`` (``<home>/raw/reference``) in place of the shipped ones.

    Raises ``ParameterError``, ``ParameterGap`` for gaps and overlaps, naming file, series and days.
    """
    content = {path.name: read_yaml(path) for path in series_files(reference).values()}
    for series, path in parameter_tables(reference).items():
        for declared in content.values():
            if series in declared:
                declared[series] = dict(declared[series]) | {"rows": _rows(path)}
    return parameters_of(content)


def load_calendar(reference: Path | None = None) -> WorkingCalendar:
    """The working calendar; ``raw/reference/calendar.yaml`` or ``calendar.csv`` replaces the shipped one.

    Raises ``ParameterError`` where the file contradicts itself.
    """
    table = parameter_tables(reference).get(CALENDAR)
    if table is not None:
        return _calendar_of_days(table)
    return calendar_of(read_yaml(parameter_files(reference)[CALENDAR]))


def load_catalogue(reference: Path | None = None) -> Catalogue:
    """The exception catalogue: every code with severity, owner, due days, rules, and what to do."""
    return catalogue_of(read_yaml(parameter_files(reference)[EXCEPTIONS]))


# What finance calls the columns that every series has.
_HEADERS = {"生效日期": "from", "失效日期": "to", "来源": "source", "日期": "date", "是否工作日": "is_working"}
_DATES = ("from", "to", "date")


def _rows(path: Path) -> list[Mapping[str, str]]:
    """The rows of a table that replaces a series: CSV of any encoding or Excel, dates in any form of the contract."""
    # Imported here: the readers' limits are parameters themselves.
    from settlement.io.sheets import UnreadableFile, read_sheets

    try:
        sheets = read_sheets(path)
    except UnreadableFile as error:
        raise ParameterError(f"{path.name}: {error.reason_zh}") from error
    if not sheets:
        raise ParameterError(f"{path.name}: no table in it")
    cells = sheets[0].table.drop_columns(["source_row"]).to_pylist()
    head, *body = ([str(value).strip() for value in row.values()] for row in cells)
    names = [_HEADERS.get(name, name) for name in head]
    while names and not names[-1]:
        names.pop()
    if any(any(row[len(names) :]) for row in body):
        raise ParameterError(f"{path.name}: a row has more cells than the header")
    rows = [dict(zip(names, row, strict=False)) for row in body if any(row)]
    return [
        {name: _day(value, sheets[0].from_workbook) if name in _DATES else value for name, value in row.items()}
        for row in rows
    ]


def _day(written: str, is_serial: bool) -> str:
    """A date as YYYY-MM-DD; what is none stays as written, to be refused by name."""
    from settlement.io import cell_dates

    read, bad = cell_dates.date(pa.array([written], pa.string()), serials=is_serial)
    return written if bad[0].as_py() or read[0].as_py() is None else read[0].as_py().isoformat()


def _calendar_of_days(path: Path) -> WorkingCalendar:
    years: dict[str, dict[str, list[str]]] = {}
    for row in _rows(path):
        day, is_working = row.get("date"), row.get("is_working")
        if not day or is_working not in ("是", "否", "true", "false"):
            raise ParameterError(f"{path.name}: {row} needs a date (日期) and is_working (是否工作日: 是/否)")
        listed = years.setdefault(day[:4], {"rest": [], "worked": []})
        listed["worked" if is_working in ("是", "true") else "rest"].append(day[5:])
    return calendar_of({"years": years})
