"""How a published table becomes a Dagster asset: one factory, so that each shows the same in the UI.

What belongs here: the asset's outside (group, owners, kinds, metadata). What does not: how a table is made.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Sequence

import dagster as dg
import ibis.expr.types as ir

from settlement.assets.run import SettlementRun
from settlement.checks.asset_checks import table_check_result, table_check_spec
from settlement.checks.mart_schemas import mart_tables
from settlement.checks.metadata import table_metadata

PARTITIONS = dg.MonthlyPartitionsDefinition(start_date="2012-01", fmt="%Y-%m", timezone="Asia/Shanghai", end_offset=1)
# Owners are departments of the agency, not persons: 核算部 keeps the money, 会计部 the invoices, and so on.
OWNERS = {
    "ingest": "team:finance",
    "matching": "team:treasury",
    "settlement": "team:finance",
    "statements": "team:accounting",
    "publish": "team:data",
}


def code_version(*functions: Callable) -> str:
    """A version that changes when the source of the functions' modules does."""
    digest = hashlib.sha256()
    for module in sorted({inspect.getmodule(function).__name__ for function in functions}):
        digest.update(inspect.getsource(inspect.importlib.import_module(module)).encode())
    return digest.hexdigest()[:12]


# The tables of one set of upstream assets: what makes each.
_BESIDE: dict[frozenset[str], dict[str, Callable[[SettlementRun], ir.Table]]] = {}


def table_asset(
    name: str,
    *,
    group: str,
    deps: Sequence[str],
    rules: Sequence[str],
    make: Callable[[SettlementRun], ir.Table],
    versions: Sequence[Callable] = (),
) -> dg.AssetsDefinition:
    """The asset of a published table: ``make`` gives the month's rows, kept as ``book.<name>``.

    With it those that need no more than it does are begun: they are made while it is waited for and looked at.
    ``rules``: the rule ids it applies, shown in the UI beside row counts, totals, a preview and the SQL.
    """
    described = mart_tables()[name]
    beside = _BESIDE.setdefault(frozenset(deps), {})
    beside[name] = make

    @dg.asset(
        name=name,
        group_name=group,
        deps=list(deps),
        partitions_def=PARTITIONS,
        owners=[OWNERS[group]],
        kinds={"duckdb", "ibis"},
        description=f"{described.zh}：{described.grain}。规则 {'、'.join(rules) or '—'}",
        code_version=code_version(make, *versions),
        tags={"kind_of_table": described.kind},
        check_specs=[table_check_spec(name, name)],
    )
    def the_asset(run: SettlementRun) -> dg.MaterializeResult:
        for other, make_other in {name: make, **({} if run.is_part else beside)}.items():
            if not run.has_book(other):
                run.keep_book(other, make_other(run))
        return dg.MaterializeResult(
            check_results=[table_check_result(run.con, name, name)],
            metadata={
                **table_metadata(run.con, "book", name, sql=run.warehouse.made_by["book", name]),
                "rules": dg.MetadataValue.text("、".join(rules) or "—"),
                "month": run.month,
            },
        )

    return the_asset
