"""The audit's checks by name and their results as asset checks, without Great Expectations.

What belongs here: what definitions must know before a run, and what a run has found. What does not: finding it
(``audit.py``, which takes seconds to import).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from settlement.checks.metadata import markdown_table

ERROR, WARN = "error", "warn"


@dataclass(frozen=True)
class AuditCheck:
    """One suite: its asset check's name, what it says, how bad a failure is, what names a row of its measure."""

    name: str
    title: str
    severity: str
    row_name: tuple[str, ...]


CHECKS: tuple[AuditCheck, ...] = (
    AuditCheck("audit_control_totals", "控制总额：读入、发布、认领、余额两两相等", ERROR, ("measure", "subject")),
    AuditCheck("audit_references", "引用：各表提到的流水、订单、委托方都存在", ERROR, ("table_name", "column_name")),
    AuditCheck("audit_value_ranges", "数值范围：日期、汇率、税率、金额合理", WARN, ("table_name", "column_name")),
    AuditCheck("audit_drift", "波动：本月数字与往月相当", WARN, ("measure",)),
)


@dataclass(frozen=True)
class AuditOutcome:
    """A suite's result: how many rows of its measure were held against it, and those that failed, as text."""

    check: AuditCheck
    passed: bool
    rows: int
    failing: tuple[dict[str, str], ...]


@dataclass(frozen=True)
class AuditResult:
    """The audit of a month; ``site`` is the Data Docs index."""

    month: str
    outcomes: tuple[AuditOutcome, ...]
    site: Path

    @property
    def passed(self) -> bool:
        """Whether every suite holds, warnings included."""
        return all(outcome.passed for outcome in self.outcomes)


def audit_check_specs(asset_key: dg.AssetKey | str) -> list[dg.AssetCheckSpec]:
    """The audit's checks on the published asset. They block nothing: what they look at is published already."""
    return [
        dg.AssetCheckSpec(name=check.name, asset=asset_key, blocking=False, description=check.title) for check in CHECKS
    ]


def audit_check_results(result: AuditResult, asset_key: dg.AssetKey | str) -> list[dg.AssetCheckResult]:
    """The outcomes as asset check results, with the failing rows of the measures and the page."""
    shown = []
    for outcome in result.outcomes:
        metadata: dict[str, dg.MetadataValue] = {
            "measures": dg.MetadataValue.int(outcome.rows),
            "failing": dg.MetadataValue.int(len(outcome.failing)),
            "data_docs": dg.MetadataValue.path(str(result.site)),
        }
        if outcome.failing:
            metadata["rows"] = dg.MetadataValue.md(markdown_table(outcome.failing))
        shown.append(
            dg.AssetCheckResult(
                asset_key=dg.AssetKey.from_coercible(asset_key),
                check_name=outcome.check.name,
                passed=outcome.passed,
                severity=dg.AssetCheckSeverity.ERROR if outcome.check.severity == ERROR else dg.AssetCheckSeverity.WARN,
                metadata=metadata,
            )
        )
    return shown
