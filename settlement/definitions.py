"""The Dagster definitions: which assets, checks, job, schedule and sensor there are; nothing else."""

from __future__ import annotations

import dagster as dg

from settlement.assets import (
    decisions,
    exceptions,
    findings,
    freight,
    freight_findings,
    ingest,
    matching,
    publish,
    settlement,
    statements,
)
from settlement.assets.checks import CHECKS
from settlement.assets.job import settle_month
from settlement.assets.run import RUN, SettlementRun
from settlement.assets.schedule import first_working_day, new_files

ASSETS = [
    *ingest.ASSETS,
    *freight.ASSETS,
    *matching.ASSETS,
    *settlement.ASSETS,
    *findings.ASSETS,
    *freight_findings.ASSETS,
    *exceptions.ASSETS,
    *decisions.ASSETS,
    *statements.ASSETS,
    *publish.ASSETS,
]

defs = dg.Definitions(
    assets=ASSETS,
    asset_checks=CHECKS,
    jobs=[settle_month],
    schedules=[first_working_day],
    sensors=[new_files],
    resources={RUN: SettlementRun()},
    executor=dg.in_process_executor,
)
