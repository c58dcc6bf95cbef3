"""Who may import whom: rules and matching know neither files, nor the engine, nor the orchestration."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent / "settlement"
STANDARD = set(sys.stdlib_module_names)
# What a layer may import beside the standard library and itself.
PURE = {
    "rules": {"ibis", "settlement.rules"},
    "matching": {"ibis", "rapidfuzz", "pypinyin", "settlement.rules", "settlement.matching"},
}
# Of the standard library: nothing that reads a file, a clock or the network.
IMPURE = {
    "io",
    "os",
    "pathlib",
    "shutil",
    "tempfile",
    "time",
    "socket",
    "urllib",
    "http",
    "subprocess",
    "sqlite3",
    "random",
}
# The decision table and the words of names are data that ship beside their modules and are read once: no file of the
# home, no path from outside.
OWN_DATA = {
    (f"matching/{module}.py", needed) for module in ("decision_table", "name_parts") for needed in ("yaml", "pathlib")
}
FORBIDDEN_ELSEWHERE = {
    "io": ("settlement.assets", "settlement.checks.breaches", "settlement.sample", "dagster"),
    "checks": ("settlement.assets",),
    "sample": ("settlement.assets", "dagster"),
}


def imports_of(path: Path) -> list[tuple[int, str]]:
    """(line, module) of every import, those inside functions included; relative ones made absolute."""
    package = ["settlement", *path.relative_to(ROOT).parent.parts]
    found = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            # `from settlement import io` names a module too.
            found += [
                (node.lineno, f"{module}.{alias.name}" if module == "settlement" else module) for alias in node.names
            ]
    return [(line, module) for line, module in found if (path.relative_to(ROOT).as_posix(), module) not in OWN_DATA]


def files_of(layer: str) -> list[Path]:
    return sorted((ROOT / layer).rglob("*.py"))


def is_within(module: str, allowed: str) -> bool:
    return module == allowed or module.startswith(f"{allowed}.")


@pytest.mark.parametrize("layer", PURE)
def test_pure_layers_import_only_the_standard_library_and_ibis(layer):
    wrong = [
        f"{path.relative_to(ROOT.parent)}:{line} imports {module}"
        for path in files_of(layer)
        for line, module in imports_of(path)
        if module.split(".")[0] not in STANDARD and not any(is_within(module, allowed) for allowed in PURE[layer])
    ]
    assert files_of(layer) and wrong == []


@pytest.mark.parametrize("layer", PURE)
def test_pure_layers_read_no_file_and_no_clock(layer):
    wrong = []
    for path in files_of(layer):
        where = path.relative_to(ROOT.parent)
        wrong += [
            f"{where}:{line} imports {module}" for line, module in imports_of(path) if module.split(".")[0] in IMPURE
        ]
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                name = ast.unparse(node.func)
                if name == "open" or name.endswith((".today", ".now", ".utcnow")):
                    wrong.append(f"{where}:{node.lineno} calls {name}")
    assert wrong == []


@pytest.mark.parametrize("layer", FORBIDDEN_ELSEWHERE)
def test_nobody_imports_upwards(layer):
    wrong = [
        f"{path.relative_to(ROOT.parent)}:{line} imports {module}"
        for path in files_of(layer)
        for line, module in imports_of(path)
        if any(is_within(module, forbidden) for forbidden in FORBIDDEN_ELSEWHERE[layer])
    ]
    assert wrong == []


def test_the_reader_of_imports_sees_what_it_must(tmp_path, monkeypatch):
    """The checks above cannot pass because nothing is found."""
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    (tmp_path / "rules").mkdir()
    path = tmp_path / "rules" / "x.py"
    path.write_text(
        "import duckdb\ndef f():\n    from settlement.io import home\n    from . import money\nfrom settlement import io\n"
    )
    names = sorted(module for _, module in imports_of(path))
    assert names == ["duckdb", "settlement.io", "settlement.io", "settlement.rules"]
