"""When months run: on the first working day of the next month, and on sight of new files.

What belongs here: deciding that a month should run, and saying why. What does not: running it.
"""

from __future__ import annotations

import json

import dagster as dg

from settlement import month as months
from settlement.assets.job import settle_month
from settlement.io.home import find_home
from settlement.io.parameters import load_calendar
from settlement.io.published import month_states, run_digests
from settlement.io.run_record import INCOMPLETE, SETTLED, STALE, input_digest
from settlement.rules.deadlines import roll


@dg.schedule(
    job=settle_month,
    cron_schedule="0 8 1-10 * *",
    execution_timezone="Asia/Shanghai",
    description="每月第一个工作日 08:00 结算上月（按国务院工作日历，含调休）",
)
def first_working_day(context: dg.ScheduleEvaluationContext):
    today = context.scheduled_execution_time.date()
    # Beyond the calendar this raises CalendarNotCovered: the tick fails, and says which file is needed.
    day = roll(today.replace(day=1), load_calendar(find_home().reference))
    if today != day:
        return dg.SkipReason(f"{today} is not the first working day of the month ({day} is)")
    month = months.shifted(today.strftime("%Y-%m"), -1)
    return dg.RunRequest(run_key=f"scheduled-{month}", partition_key=month)


@dg.sensor(
    job=settle_month,
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.STOPPED,
    description="看到某月文件夹有新文件、或某月已过期（stale），即请求按顺序重新结算",
)
def new_files(context: dg.SensorEvaluationContext):
    home = find_home()
    states, digests = month_states(home), run_digests(home)
    seen = json.loads(context.cursor or "{}")
    stale = "、".join(month for month, state in sorted(states.items()) if state == STALE)
    for month in home.months():
        state = states.get(month)
        if state == "closed":
            continue
        digest = input_digest(home, month)
        changed = digest != digests.get(month)
        if state in (SETTLED, INCOMPLETE) and not changed:
            continue
        why = "stale" if state == STALE else ("new files" if state else "not settled yet")
        if seen.get(month) == [digest, why]:
            return dg.SkipReason(
                f"{month} was already requested ({why}); later months wait for it; stale: {stale or 'none'}"
            )
        seen[month] = [digest, why]
        # Months are settled in order: the first that needs it is asked for, the later ones after it.
        return dg.SensorResult(
            run_requests=[
                dg.RunRequest(
                    run_key=f"{month}-{why}-{digest[:16]}",
                    partition_key=month,
                    tags={"why": why, "stale": stale or "none"},
                )
            ],
            cursor=json.dumps(seen),
        )
    return dg.SkipReason("every month with a folder is settled, none is stale")
