"""Closing and reopening months (关账、反关账): the state of a month, changed by a person, with who, when and why.

The published file is replaced as a run replaces it: copied, changed, renamed, under the home's lock.
"""

from __future__ import annotations

from collections.abc import Callable

import ibis

from settlement.checks.mart_schemas import mart_table
from settlement.io import run_record
from settlement.io.home import Home
from settlement.io.lock import holding
from settlement.io.published import month_states
from settlement.io.warehouse import Warehouse
from settlement.month import last_day


def close(home: Home, month: str, by: str) -> str | None:
    """Freeze a settled month. Returns why not (English), or None when it is done.

    A month is closed in order and only when settled: an incomplete or stale one cannot be closed.
    """
    states = month_states(home)
    state = states.get(month)
    if state != run_record.SETTLED:
        return f"{month} is {state or 'not settled'}; only a settled month can be closed"
    earlier = [each for each, is_now in sorted(states.items()) if each < month and is_now != run_record.CLOSED]
    if earlier:
        return f"{earlier[0]} is not closed yet; months are closed in order"

    def closed(row: dict) -> None:
        history = run_record.reopenings(row)
        row.update(state=run_record.CLOSED, by=by, reason=f"关账{run_record.BEFORE}{history}" if history else "关账")

    _change(home, month, closed)
    return None


def reopen(home: Home, month: str, by: str, reason: str) -> str | None:
    """Open a closed month again: it is settled, later ones stay as they are until it is run. None when done.

    Who and why stay in ``months.reason`` when the month is run and closed again.
    """
    states = month_states(home)
    if states.get(month) != run_record.CLOSED:
        return f"{month} is {states.get(month) or 'not settled'}; only a closed month can be reopened"
    later = [each for each, is_now in sorted(states.items()) if each > month and is_now == run_record.CLOSED]
    if later:
        return f"{later[-1]} is closed too; reopen the latest month first"
    if not reason.strip():
        return "a reason is needed"

    def opened(row: dict) -> None:
        history = run_record.reopenings(row)
        told = f"{run_record.REOPENED}{reason}"
        row.update(
            state=run_record.SETTLED, by=by, reason=f"{told}（{by}）{run_record.BEFORE}{history}" if history else told
        )

    _change(home, month, opened)
    return None


def _change(home: Home, month: str, change: Callable[[dict], None]) -> None:
    with holding(home.workshop / "lock", who=f"month state of {month}", wait_seconds=600, tell=print):
        warehouse = Warehouse(home, month, last_day(month))
        warehouse.open()
        try:
            rows = warehouse.con.to_pyarrow(warehouse.books("mart", "months")).to_pylist()
            for row in rows:
                if row["month"] == month:
                    change(row)
                    row["at"] = run_record.now()
            warehouse.replace_month({}, {("mart", "months"): ibis.memtable(rows, schema=mart_table("months"))})
            warehouse.publish()
        finally:
            warehouse.close()
