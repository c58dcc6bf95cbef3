"""Parameter files: those that ship with the program, and those of the home that replace them.

``settlement/parameters/<name>.yaml`` ships; ``raw/reference/<name>.yaml`` of a home replaces the
whole file of that name. ``raw/reference/<name>.csv`` replaces one series of that name, or the
calendar. What the content means, and what is wrong with it, is for ``settlement/rules``.
"""

from __future__ import annotations

import copy
import csv
import io
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

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
    """Series or calendar name -> CSV of ``reference`` that replaces it."""
    if reference is None or not reference.is_dir():
        return {}
    names = {CALENDAR} | {series for path in series_files(reference).values() for series in read_yaml(path)}
    return {path.stem: path for path in sorted(reference.glob("*.csv")) if path.stem in names}


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


def _rows(path: Path) -> list[Mapping[str, str]]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ParameterError(f"{path.name} is not UTF-8: {error}") from error
    rows = list(csv.DictReader(io.StringIO(text)))
    if any(None in row or None in row.values() for row in rows):
        raise ParameterError(f"{path.name}: a row has more or fewer cells than the header")
    return [{(key or "").strip(): value.strip() for key, value in row.items()} for row in rows]


def _calendar_of_days(path: Path) -> WorkingCalendar:
    years: dict[str, dict[str, list[str]]] = {}
    for row in _rows(path):
        day, is_working = row.get("date") or row.get("日期"), row.get("is_working") or row.get("是否工作日")
        if not day or is_working not in ("是", "否", "true", "false"):
            raise ParameterError(f"{path.name}: {row} needs a date (日期) and is_working (是否工作日: 是/否)")
        listed = years.setdefault(day[:4], {"rest": [], "worked": []})
        listed["worked" if is_working in ("是", "true") else "rest"].append(day[5:])
    return calendar_of({"years": years})
