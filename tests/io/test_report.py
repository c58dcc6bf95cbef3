"""What is said at the end of a run: what is left for a person, by code."""

from decimal import Decimal

from settlement.io.report import _left


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
