"""docs/traceability.md: rule id -> inputs -> functions -> tests -> exception codes; what is left out, and why.

A function stands for a rule if it is registered for it (``@rule``) or if its docstring, or that of its
module, names the id. A test stands for a rule if it names the id, or one of the functions registered
for it, itself or in a case file it reads; a case of an exception code stands for the code's rules.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import yaml

from settlement.rules.exceptions import Catalogue
from settlement.rules.registry import Registered

RULE_IDS = Path(__file__).with_name("rule_ids.yaml")
# A whole id, a range (IMP-BAL-01..03) or a list (VAT-REF-05, 07, 11).
_ID = re.compile(r"\b([A-Z][A-Z0-9]*(?:-[A-Z][A-Z0-9]*)*)-(\d\d)(?:(?:\.\.|–)(\d\d))?((?:, \d\d\b(?![-/.\d]))*)")
_SHOWN_TESTS = 4
_INTRO = """# Traceability

Written by `python -m settlement.documentation`; do not edit. Rule ids are those of the rulebook (Part A: seeds,
B: field, C: decisions). Inputs are tables and columns of the contract, or series of `settlement/parameters/`.
"""


@dataclass
class Trace:
    """What stands for one rule id."""

    inputs: set[str] = field(default_factory=set)
    functions: set[str] = field(default_factory=set)
    tests: set[str] = field(default_factory=set)
    codes: set[str] = field(default_factory=set)


@cache
def rule_ids() -> dict[str, dict[str, str]]:
    """Every rule id -> part, title; where no function names the id itself, its inputs and the function that holds it."""
    return yaml.load(RULE_IDS.read_text("utf-8"), Loader=yaml.BaseLoader)["rules"]


@cache
def left_out() -> dict[str, str]:
    """Every rule id that is left out -> the reason."""
    groups = yaml.load(RULE_IDS.read_text("utf-8"), Loader=yaml.BaseLoader)["left_out"]
    return {rule: group["reason"] for group in groups for rule in group["rules"]}


def ids_in(text: str | None) -> set[str]:
    """The rule ids that a text names, ranges spelled out."""
    found = set()
    for prefix, first, last, more in _ID.findall(text or ""):
        numbers = [*range(int(first), int(last or first) + 1), *(int(number) for number in re.findall(r"\d\d", more))]
        found |= {f"{prefix}-{number:02d}" for number in numbers}
    return found & set(rule_ids())


def traces(functions: list[Registered], catalogue: Catalogue, root: Path) -> dict[str, Trace]:
    """Every rule id with what stands for it."""
    by_rule: dict[str, Trace] = {rule: Trace() for rule in rule_ids()}
    names: dict[str, set[str]] = defaultdict(set)
    for entry in functions:
        for rule in set(entry.rule_ids) & set(by_rule):
            by_rule[rule].functions.add(f"{entry.module.removeprefix('settlement.')}.{entry.name}")
            by_rule[rule].inputs |= set(entry.inputs)
            by_rule[rule].codes |= set(entry.codes) & set(catalogue.codes)
            names[entry.name].add(rule)
    for rule, about in rule_ids().items():
        by_rule[rule].inputs |= set(filter(None, about.get("inputs", "").split(", ")))
        by_rule[rule].functions |= {about["held"]} if "held" in about else set()
    for name, rules in _documented(root / "settlement"):
        for rule in rules:
            by_rule[rule].functions.add(name)
            names[name.split(".")[-1]].add(rule)
    for code in catalogue.codes.values():
        for rule in ids_in(code.rule_ids):
            by_rule[rule].codes.add(code.code)
    for test, rules in _tested(root / "tests", names, catalogue):
        for rule in rules:
            by_rule[rule].tests.add(test)
    return by_rule


def _documented(source: Path) -> Iterable[tuple[str, set[str]]]:
    """(dotted name, ids) of every module and function whose docstring or ``rules=[...]`` names a rule."""
    for path in sorted(source.rglob("*.py")):
        # The sample writes documents that obey or break a rule; it does not hold it.
        if path.relative_to(source).parts[0] in ("documentation", "sample"):
            continue
        module = ".".join(path.relative_to(source).with_suffix("").parts).removesuffix(".__init__")
        tree = ast.parse(path.read_text("utf-8"))
        yield module, ids_in(ast.get_docstring(tree))
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                yield f"{module}.{node.name}", ids_in(ast.get_docstring(node))
            elif isinstance(node, ast.Call):
                yield f"{module}", ids_in(_listed_rules(node))


def _listed_rules(call: ast.Call) -> str:
    """The ids of an asset's ``rules=[...]``."""
    return " ".join(ast.unparse(keyword.value) for keyword in call.keywords if keyword.arg == "rules")


def _tested(tests: Path, names: dict[str, set[str]], catalogue: Catalogue) -> Iterable[tuple[str, set[str]]]:
    """(file::test, ids) of every test function, and (case file, ids) of every case file."""
    for path in sorted(tests.rglob("test_*.py")):
        where = path.relative_to(tests.parent).as_posix()
        tree = ast.parse(path.read_text("utf-8"))
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield f"{where}::{node.name}", _named(node, names)
    for path in sorted((tests / "cases").glob("*.yaml")):
        text = path.read_text("utf-8")
        called = set(re.findall(r"\b\w+\.(\w+)\(", text))
        rules = ids_in(text).union(*(names.get(name, set()) for name in called))
        yield path.relative_to(tests.parent).as_posix(), rules
    for path in sorted((tests / "cases" / "exceptions").glob("*.yaml")):
        for code in re.findall(r"^- code: (\w+)", path.read_text("utf-8"), re.MULTILINE):
            yield f"{path.relative_to(tests.parent).as_posix()}::{code}", ids_in(catalogue[code].rule_ids)


def _named(node: ast.FunctionDef, names: dict[str, set[str]]) -> set[str]:
    rules = ids_in(node.name.upper().replace("_", "-"))
    for inner in ast.walk(node):
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
            rules |= ids_in(inner.value)
        elif isinstance(inner, ast.Attribute):
            rules |= names.get(inner.attr, set())
        elif isinstance(inner, ast.Name):
            rules |= names.get(inner.id, set())
    return rules


def traceability_page(functions: list[Registered], catalogue: Catalogue, root: Path) -> str:
    """The whole page: a table a part, then what is left out."""
    lines, part = [_INTRO], ""
    found = traces(functions, catalogue, root)
    for rule, about in rule_ids().items():
        if rule in left_out():
            continue
        if about["part"] != part:
            part = about["part"]
            lines += [
                f"\n## {part}\n",
                "| Rule | What | Inputs | Functions | Tests | Exceptions |",
                "|---|---|---|---|---|---|",
            ]
        trace = found[rule]
        cells = [rule, about["title"], *(_list(values) for values in (trace.inputs, trace.functions))]
        lines.append("| " + " | ".join([*cells, _list(trace.tests, _SHOWN_TESTS), _list(trace.codes)]) + " |")
    lines += ["\n## Left out\n", "| Rule | What | Why |", "|---|---|---|"]
    lines += [f"| {rule} | {rule_ids()[rule]['title']} | {reason} |" for rule, reason in sorted(left_out().items())]
    return "\n".join(lines) + "\n"


def _list(values: set[str], limit: int | None = None) -> str:
    shown = sorted(values)[:limit]
    more = f" and {len(values) - len(shown)} more" if len(values) > len(shown) else ""
    return "<br>".join(f"`{value}`" for value in shown) + more
