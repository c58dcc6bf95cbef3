"""What Dagster is given: the stages, what each asset says of itself, when months run, and who is refused."""

from __future__ import annotations

import json
from datetime import datetime
from zoneinfo import ZoneInfo

import dagster as dg
import pytest

from settlement.definitions import defs
from settlement.io.home import HOME_VARIABLE, Home
from settlement.io.lock import holding

STAGES = ["ingest", "matching", "settlement", "statements", "publish"]


@pytest.fixture(scope="module")
def nodes():
    return list(defs.resolve_asset_graph().asset_nodes)


@pytest.fixture
def home(tmp_path, monkeypatch) -> Home:
    """A home with two months that nobody settled yet."""
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    for month in ("2023-09", "2023-10"):
        (tmp_path / "raw" / month / "orders").mkdir(parents=True)
        (tmp_path / "raw" / month / "orders" / "o.csv").write_text("x", encoding="utf-8")
    return Home(tmp_path)


def test_every_asset_belongs_to_a_stage_and_says_what_it_is(nodes):
    assert {node.group_name for node in nodes} == set(STAGES)
    for node in nodes:
        name = node.key.to_user_string()
        assert node.owners and node.kinds and node.description and node.code_version, name
        assert isinstance(node.partitions_def, dg.MonthlyPartitionsDefinition), name
        assert node.partitions_def.fmt == "%Y-%m" and "2012-01" in node.partitions_def.get_partition_keys(), name


def test_no_stage_reads_a_later_one(nodes):
    stage = {node.key: STAGES.index(node.group_name) for node in nodes}
    for node in nodes:
        assert all(stage[parent] <= stage[node.key] for parent in node.parent_keys), node.key


def test_checks_of_tables_and_invariants_block_and_those_of_the_audit_do_not(nodes):
    graph = defs.resolve_asset_graph()
    blocking = {key: graph.get_check_spec(key).blocking for key in graph.asset_check_keys}
    of_audit = {key for key in blocking if key.asset_key == dg.AssetKey("audit_report")}
    assert of_audit and not any(blocking[key] for key in of_audit)
    assert all(blocking[key] for key in set(blocking) - of_audit) and len(blocking) > 30


def schedule_on(day: int, month: int, year: int = 2023):
    moment = datetime(year, month, day, 8, tzinfo=ZoneInfo("Asia/Shanghai"))
    schedule = defs.resolve_schedule_def("first_working_day")
    found = schedule.evaluate_tick(
        dg.build_schedule_context(scheduled_execution_time=moment, repository_def=defs.get_repository_def())
    )
    return [request.partition_key for request in found.run_requests or []]


def test_the_schedule_settles_the_month_before_on_the_first_working_day(home):
    # 2023-10-01 to 06 is the holiday, 07 and 08 are worked; 2023-09-01 is a Friday, 2024-01-01 a holiday.
    assert [schedule_on(day, 10) for day in range(1, 11)] == [[]] * 6 + [["2023-09"]] + [[]] * 3
    assert schedule_on(1, 9) == ["2023-08"]
    assert (schedule_on(1, 1, 2024), schedule_on(2, 1, 2024)) == ([], ["2023-12"])


def looking(cursor: str | None):
    return dg.build_sensor_context(cursor=cursor, repository_def=defs.get_repository_def())


def test_the_sensor_asks_for_the_first_month_that_waits_once_and_says_why(home):
    sensor = defs.resolve_sensor_def("new_files")
    asked = sensor.evaluate_tick(looking(None))
    [request] = asked.run_requests
    assert (request.partition_key, request.tags["why"]) == ("2023-09", "not settled yet")
    again = sensor.evaluate_tick(looking(asked.cursor))
    assert not again.run_requests and "2023-09" in again.skip_message
    assert "2023-09" in json.loads(asked.cursor)
    # Another file in the folder is new to it.
    (home.inbox("2023-09") / "orders" / "more.csv").write_text("y", encoding="utf-8")
    assert [each.partition_key for each in sensor.evaluate_tick(looking(asked.cursor)).run_requests] == ["2023-09"]


def test_a_month_out_of_turn_is_refused_whoever_launches_it(home):
    """The launchpad, the schedule and the sensor start the job without the command's own check."""
    with dg.DagsterInstance.ephemeral() as instance:
        result = defs.resolve_job_def("settle_month").execute_in_process(
            partition_key="2023-10",
            instance=instance,
            run_config={"resources": {"run": {"config": {"home": str(home.root)}}}, "loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            raise_on_error=False,
        )  # fmt: skip
    assert not result.success
    told = " ".join(str(event.event_specific_data) for event in result.all_events if event.is_failure)
    assert "2023-09 is not settled yet" in told and "settle 2023-09 first" in told
    assert not home.published.exists()


def test_a_second_run_says_at_the_terminal_whom_it_waits_for(home, capsys):
    (home.root / "warehouse" / "work").mkdir(parents=True)
    settings = {"home": str(home.root), "wait_seconds": 0}
    with (
        dg.DagsterInstance.ephemeral() as instance,
        holding(home.workshop / "lock", who="settle_month 2023-09, run abc", wait_seconds=0, tell=print),
    ):
        result = defs.resolve_job_def("settle_month").execute_in_process(
            partition_key="2023-09",
            instance=instance,
            run_config={"resources": {"run": {"config": settings}}, "loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            raise_on_error=False,
        )  # fmt: skip
    assert not result.success
    assert "settle_month 2023-09, run abc" in capsys.readouterr().err
