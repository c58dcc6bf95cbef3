"""What is said at the end of a run: how much was settled, and what is left for a person, by code."""

from decimal import Decimal

import pytest

from settlement.io.engine import connect
from settlement.io.home import Home
from settlement.io.report import _left, month_report

PUBLISHED = """
CREATE SCHEMA mart; CREATE SCHEMA input;
CREATE TABLE input.orders AS SELECT * FROM (VALUES ('2023-10', 'SO1'), ('2023-09', 'SO0')) t(month, order_no);
CREATE TABLE mart.months AS SELECT '2023-10' AS month, 'settled' AS state;
CREATE TABLE mart.freight_charges AS SELECT '2023-10' AS month;
CREATE TABLE mart.bank_transactions AS SELECT '2023-10' AS month, * FROM (VALUES
    ('whole', 10.00), ('in part', 8.00), ('open', 5.00), ('paid out', -3.00)) t(txn_id, amount);
CREATE TABLE mart.unmatched_receipts AS SELECT '2023-10' AS month, unnest(['in part', 'open', 'of September']) AS txn_id;
CREATE TABLE mart.exceptions AS SELECT '2023-10' AS month, 'new' AS state, * FROM (VALUES
    ('review', 'SHORT_PAYMENT', CAST(1234.50 AS DECIMAL(18, 2))), ('block', 'BNK_ENCODING', NULL)) t(severity, code, amount_at_risk_cny);
"""


@pytest.fixture
def told(tmp_path) -> str:
    home = Home(tmp_path)
    home.published.parent.mkdir(parents=True)
    con = connect(home.published)
    for statement in PUBLISHED.split(";"):
        if statement.strip():
            con.raw_sql(statement)
    con.disconnect()
    return "\n".join(month_report(home, "2023-10"))


def test_receipts_of_the_month_add_up_and_those_of_earlier_months_stand_apart(told):
    assert "银行流水 4 笔（收款 3 笔：1 笔已认领，2 笔待认领；以前月份尚有 1 笔待认领）" in told
    assert "本月订单 1 张" in told and "物流费用 1 行" in told


def test_what_is_left_names_its_code_in_words_the_known_amounts_first(told):
    assert told.index("SHORT_PAYMENT") < told.index("BNK_ENCODING")
    assert "短款" in told and "1,234.50 元" in told and "金额未知" in told


def test_an_amount_that_nobody_knows_is_said_and_not_counted_as_nothing():
    by_code = [
        {"severity": "review", "code": "SHORT_PAYMENT", "items": 2, "at_risk": Decimal("1234.50")},
        {"severity": "review", "code": "BL_MISMATCH", "items": 1, "at_risk": Decimal("0.00")},
        {"severity": "block", "code": "BNK_ENCODING", "items": 1, "at_risk": None},
    ]
    told = _left(by_code, {"SHORT_PAYMENT": "短款"})
    assert told[0] == "  需要人工处理：4 条，涉及人民币 1,234.50 元"
    assert "1,234.50 元" in told[1] and told[1].endswith("短款")
    assert "0.00 元" in told[2] and "金额未知" in told[3] and "元" not in told[3]
