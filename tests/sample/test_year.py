"""Twelve months: what begins in one month ends in a later one, and everything still holds together."""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest

from settlement.sample import write_home
from tests.sample.reading import good, months_of, truth
from tests.sample.test_statements import test_balances_chain_over_lines_and_months, test_every_line_is_in_the_truth_once

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def year(tmp_path_factory):
    home = tmp_path_factory.mktemp("year")
    write_home(home, month="2023-01", months=12, orders=60, seed=5)
    return home


def test_statements_hold_over_the_year(year):
    test_balances_chain_over_lines_and_months(year)
    test_every_line_is_in_the_truth_once(year)


def test_orders_live_across_months(year):
    months = months_of(year)
    assert months == [f"2023-{number:02d}" for number in range(1, 13)]
    seen = defaultdict(set)
    for month in months:
        for table in ("orders", "vat_invoices", "refund_notices", "payments"):
            for row in good(year, table, [month]):
                if row["order_no"]:
                    seen[row["order_no"]].add(month)
    spans = Counter(
        max(months.index(month) for month in known) - min(months.index(month) for month in known)
        for known in seen.values()
    )
    assert max(spans) >= 3 and spans[1] > 50 and spans[2] > 20, spans


def test_every_kind_of_business_happens(year):
    months = months_of(year)
    kinds = Counter(row["kind"] for row in good(year, "payments", months))
    assert set(kinds) == {"货款", "余款退还", "退税款", "购汇付款", "税金", "物流成本", "垫付退税"}, kinds
    purposes = Counter(row["purpose"] for row in truth(year, "receipts.csv"))
    expected = {
        "货款",
        "税金",
        "余款",
        "物流费",
        "退税款",
        "预收",
        "结汇",
        "内部划转",
        "利息",
        "冲正",
        "供应商退款",
        "其他",
    }
    assert expected <= set(purposes), purposes
    assert {row["order_status"] for row in good(year, "orders", months)} == {"正常", "取消"}
    assert {row["result"] for row in good(year, "refund_notices", months)} >= {"核准", "暂缓"}


def test_refunds_come_after_their_invoice_and_declaration(year):
    months = months_of(year)
    invoiced = {row["note"]: row["issued_on"] for row in good(year, "vat_invoices", months)}
    declared = {row["order_no"]: row["declared_on"] for row in good(year, "orders", months) if row["declared_on"]}
    for row in good(year, "refund_notices", months):
        if row["order_no"]:
            assert invoiced[row["order_no"]] < row["notified_on"]
            assert declared.get(row["order_no"], "") < row["notified_on"]
