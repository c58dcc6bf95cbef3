"""The pages and how each is written."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

import settlement.matching
import settlement.rules
from settlement.documentation.exceptions import exceptions_page
from settlement.documentation.formulas import formulas_page
from settlement.documentation.traceability import traceability_page
from settlement.io.parameters import load_catalogue
from settlement.rules.registry import Registered, registered

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"


def register() -> list[Registered]:
    """Every registered function of ``rules`` and ``matching``, all their modules imported."""
    for package in (settlement.rules, settlement.matching):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    return registered()


def pages() -> dict[str, str]:
    """File name in docs/ -> its text, as it should stand."""
    functions, catalogue = register(), load_catalogue()
    return {
        "formulas.md": formulas_page(functions),
        "exceptions.md": exceptions_page(catalogue),
        "traceability.md": traceability_page(functions, catalogue, ROOT),
    }
