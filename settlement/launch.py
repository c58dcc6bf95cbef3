"""Launching ``settle_month`` from the command line: the same job the UI launches, in this process.

What belongs here: the Dagster instance of a home, the refusals told before anything starts, the run
and its exit status. What the run did is told by ``settlement.io.report``.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

from settlement.io.home import HOME_VARIABLE, Home
from settlement.io.published import month_states
from settlement.io.report import month_report
from settlement.io.run_record import refusal

TEMPLATE = Path(__file__).resolve().parent.parent / "dagster.yaml"


def prepared_instance(home: Home) -> Path:
    """The home's DAGSTER_HOME with its ``dagster.yaml``; sets the environment this process and its children need."""
    folder = home.root / "dagster"
    folder.mkdir(parents=True, exist_ok=True)
    settings = folder / "dagster.yaml"
    if not settings.exists() or settings.read_bytes() != TEMPLATE.read_bytes():
        shutil.copyfile(TEMPLATE, settings)
    os.environ["DAGSTER_HOME"] = str(folder)
    os.environ[HOME_VARIABLE] = str(home.root)
    return folder


def settle(
    home: Home,
    month: str,
    *,
    as_of: date | None,
    workbooks: bool,
    lang: str,
    out: Callable[[str], None],
    recorded: bool = True,
) -> int:
    """Settle a month; 0 = settled, 1 = not, with the reason told and nothing published.

    ``recorded``: keep the run in the home's Dagster instance, so that the UI shows it.
    """
    why_not = refusal(month_states(home), home.months(), month)
    if why_not:
        out(f"{month} 未结算：{why_not}")
        return 1
    prepared_instance(home)
    # Imported here: Dagster takes seconds, and a refusal needs none of it.
    import dagster as dg

    from settlement.definitions import defs

    settings = {"home": str(home.root), "workbooks": workbooks, "lang": lang}
    if as_of:
        settings["as_of"] = as_of.isoformat()
    with dg.DagsterInstance.get() if recorded else dg.DagsterInstance.ephemeral() as instance:
        result = defs.resolve_job_def("settle_month").execute_in_process(
            partition_key=month,
            instance=instance,
            run_config={
                "resources": {"run": {"config": settings}},
                # The terminal gets the report in plain words; every event is in the UI.
                "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
            },
            raise_on_error=False,
        )
    if not result.success:
        out(f"{month} 未结算，未发布任何内容：")
        for event in result.all_events:
            if event.is_failure and event.event_specific_data is not None:
                error = getattr(event.event_specific_data, "error", None)
                out(f"  {event.step_key or 'run'}: {_innermost(error)}")
        return 1
    for line in month_report(home, month):
        out(line)
    return 0


def _innermost(error) -> str:
    while error is not None and error.cause is not None:
        error = error.cause
    return error.message.strip() if error is not None else "failed"
