"""Statements (对账单): the workbooks of the month, written to a staging folder until the month is published."""

from __future__ import annotations

import shutil

import dagster as dg

from settlement.assets.run import SettlementRun
from settlement.assets.table_asset import OWNERS, PARTITIONS, code_version
from settlement.io.workbooks.write import write_workbooks

GROUP = "statements"


def _asset(**more):
    return dg.asset(group_name=GROUP, partitions_def=PARTITIONS, owners=[OWNERS[GROUP]], kinds={"excel"}, **more)


@_asset(
    deps=["exceptions", "principal_balances", "principal_account_balances", "order_balances", "tax_refunds",
          "freight_receivables", "credit_positions", "bl_releases", "rule_coverage", "scoreboard", "decision_outcomes",
          "changes"],
    description="工作簿：委托方对账单、异常清单、月结汇总（先写入暂存目录，发布时才放到 statements/<月份>）",
    code_version=code_version(write_workbooks),
)  # fmt: skip
def workbooks(run: SettlementRun) -> dg.MaterializeResult:
    shutil.rmtree(run.staging, ignore_errors=True)
    run.staging.mkdir(parents=True)
    if not run.workbooks:
        return dg.MaterializeResult(metadata={"written": 0, "why": "workbooks are switched off for this run"})
    incomplete = run.book("exceptions").filter(lambda t: (t.code == "INPUT_MISSING") & (t.state != "resolved"))
    previous = run.warehouse.home.statements(run.month)
    written = write_workbooks(
        run.con,
        month=run.month,
        as_of=run.day,
        out=run.staging,
        lang=run.lang,
        incomplete=incomplete.count().to_pyarrow().as_py() > 0,
        previous=previous if previous.is_dir() else None,
        progress=None,
    )
    return dg.MaterializeResult(metadata={"written": len(list(run.staging.glob("*.xlsx"))), "result": str(written)[:2000]})


ASSETS = [workbooks]
