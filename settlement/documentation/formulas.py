"""docs/formulas.md: every registered rule function with what its docstring says."""

from __future__ import annotations

import inspect
import re

from settlement.rules.registry import Registered

LABELS = ("Formula", "Units", "Rounding", "Errors", "Source")
_INTRO = """# Formulas

Written by `python -m settlement.documentation` from the functions in `settlement/rules/`; do not edit. Each function
serves `Decimal` and Ibis columns alike; `tests/rules/test_worked_examples.py` runs the examples,
`tests/cases/*.yaml` hold the rulebook's. Money is CNY with two decimals unless said; rates are fractions, CNY per 1.
"""


def sections_of(doc: str) -> dict[str, str]:
    """The parts of a docstring: summary, Formula, Units, Rounding, Errors, Source, example."""
    text = inspect.cleandoc(doc)
    prose, _, example = text.partition(">>>")
    parts = {"summary": "", "example": f">>> {example.strip()}" if example else ""}
    pattern = re.compile(rf"(?:^|(?<=[.;:)])\s|\n)({'|'.join(LABELS)}): ")
    pieces = pattern.split(prose)
    parts["summary"] = " ".join(pieces[0].split())
    for label, piece in zip(pieces[1::2], pieces[2::2], strict=True):
        parts[label] = " ".join(piece.split())
    return parts


def formulas_page(functions: list[Registered]) -> str:
    """The whole page: a chapter a module, a section a function."""
    lines = [_INTRO]
    module = ""
    for entry in functions:
        if entry.module != module:
            module = entry.module
            first = (inspect.getmodule(entry.function).__doc__ or "").strip().split("\n")[0]
            lines += [f"\n## {module.removeprefix('settlement.')}\n", first, ""]
        lines += _section(entry)
    return "\n".join(lines).rstrip() + "\n"


def _section(entry: Registered) -> list[str]:
    parts = sections_of(entry.function.__doc__)
    arguments = ", ".join(inspect.signature(entry.function).parameters)
    lines = [f"### {' · '.join(entry.rule_ids)}: `{entry.name}({arguments})`", "", parts["summary"], ""]
    lines += [f"* {label}: {parts[label]}" for label in LABELS if parts.get(label)]
    lines += [f"* Inputs: {', '.join(f'`{name}`' for name in entry.inputs)}"] if entry.inputs else []
    lines += [f"* Exceptions: {', '.join(f'`{code}`' for code in entry.codes)}"] if entry.codes else []
    if parts["example"]:
        lines += ["", "```python", parts["example"], "```"]
    return [*lines, ""]
