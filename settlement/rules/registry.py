"""Which function holds which rule: the register behind docs/formulas.md and docs/traceability.md.

``@rule("EXP-INV-01", inputs=(...), codes=(...))`` marks a function with the ids of rules.md it
applies, the columns of the contract (or parameters) it reads, and the exception codes it leads to.
The docstring carries formula, units, rounding, errors, source and the worked example.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

Function = TypeVar("Function", bound=Callable)


@dataclass(frozen=True)
class Registered:
    """A function and what it stands for."""

    function: Callable
    rule_ids: tuple[str, ...]
    inputs: tuple[str, ...]
    codes: tuple[str, ...]

    @property
    def module(self) -> str:
        """The module's name."""
        return self.function.__module__

    @property
    def name(self) -> str:
        """The function's name."""
        return self.function.__name__


_REGISTER: dict[str, Registered] = {}


def rule(*rule_ids: str, inputs: tuple[str, ...] = (), codes: tuple[str, ...] = ()) -> Callable[[Function], Function]:
    """Register the decorated function under its rule ids; the function itself is returned unchanged.

    Raises ``ValueError`` for a function without a rule id or without a docstring.
    """

    def register(function: Function) -> Function:
        if not rule_ids or not function.__doc__:
            raise ValueError(f"{function.__qualname__}: a rule needs an id and a docstring")
        _REGISTER[f"{function.__module__}.{function.__qualname__}"] = Registered(function, rule_ids, inputs, codes)
        return function

    return register


def registered() -> list[Registered]:
    """Everything registered by the modules imported so far, ordered by module and place in it."""
    return sorted(_REGISTER.values(), key=lambda entry: (entry.module, entry.function.__code__.co_firstlineno))
