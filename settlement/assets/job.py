"""The job ``settle_month`` (月结): every asset and check of one month, in one process.

One process because DuckDB uses all cores inside one anyhow, and a process a step costs more than the step.
"""

from __future__ import annotations

import dagster as dg

from settlement.assets.table_asset import PARTITIONS

settle_month = dg.define_asset_job(
    "settle_month",
    selection=dg.AssetSelection.all(),
    partitions_def=PARTITIONS,
    executor_def=dg.in_process_executor,
    description="结算一个月：读入、认领、结算、对账单、发布。分区即月份，如 2023-09。",
    tags={"settlement/kind": "month"},
)
