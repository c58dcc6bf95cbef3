"""Statements (对账单): the workbooks of the month, written to a staging folder until the month is published."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable

import dagster as dg

from settlement.assets.run import SettlementRun
from settlement.assets.table_asset import OWNERS, PARTITIONS, code_version
from settlement.io.workbooks.write import write_workbooks
from settlement.io.workbooks.written import Difference

GROUP = "statements"
STEPS = 20  # how often, at most, a run says how far it is
LISTED = 50  # differences shown beside the run; all of them are in 重跑差异 and in the files


def _asset(**more):
    return dg.asset(group_name=GROUP, partitions_def=PARTITIONS, owners=[OWNERS[GROUP]], kinds={"excel"}, **more)


@_asset(
    deps=["exceptions", "principal_balances", "principal_account_balances", "order_balances", "tax_refunds",
          "freight_receivables", "credit_positions", "bl_releases", "rule_coverage", "scoreboard", "decision_outcomes",
          "changes"],
    description="工作簿：委托方对账单、异常清单、月结汇总（先写入暂存目录，发布时才放到 statements/<月份>）",
    code_version=code_version(write_workbooks),
)  # fmt: skip
def workbooks(context, run: SettlementRun) -> dg.MaterializeResult:
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
        progress=told(context.log.info),
    )
    return dg.MaterializeResult(
        metadata={
            "workbooks": len(list(run.staging.glob("*.xlsx"))),
            "written": len(written.written),
            "unchanged": len(written.unchanged),
            "differences": dg.MetadataValue.md(_as_table(written.differences)),
        }
    )


def told(say: Callable[[str], None]) -> Callable[[int, int], None]:
    """A listener to (done, total) that says so every twentieth of the way: in the run's log, and at a terminal."""
    said = 0

    def listen(done: int, total: int) -> None:
        nonlocal said
        if done < total and (done - said) * STEPS < total:
            return
        said = done
        say(f"工作簿 {done}/{total}")
        if sys.stderr.isatty():
            print(f"\r  工作簿 {done}/{total}", end="\n" if done == total else "", file=sys.stderr, flush=True)

    return listen


def _as_table(differences: list[Difference]) -> str:
    rows = [f"| {each.workbook} | {each.change} | {each.detail} |" for each in differences[:LISTED]]
    return "\n".join(["| workbook | change | detail |", "|---|---|---|", *rows])


ASSETS = [workbooks]
