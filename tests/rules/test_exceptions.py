"""Exceptions: identity, states over months, approvals, severity of deadlines, due days, the whole catalogue."""

from __future__ import annotations

import hashlib
from datetime import date
from decimal import Decimal

import ibis
import pytest

from settlement.rules import exceptions
from settlement.rules.exceptions import FOUND, PUBLISHED, exceptions_of, found, sentence, subject_of
from settlement.rules.parameters import ParameterError
from settlement.rules.rows import table_of

# Part D of the rulebook, as it stands there: B block, R review, W warn, D a deadline (W when due today, R when past).
PART_D = """
FX: FX_ADVICE_ARITHMETIC R, RATE_PROVISIONAL R, FX_RATE_MISSING B, FX_RATE_STALE R, FX_UNIT_SUSPECT B, SHORT_PAYMENT R,
    CHARGES W, SMALL_DIFF W, MT103_EQUATION R, MT103_71A_RULE W
Input: INPUT_MISSING B, FILE_UNREADABLE B, ROW_REJECTED R, ROW_DUPLICATE W, DECISION_OVER B, DECISION_ORPHAN R,
    DECISION_CONFLICT B, OPENING_MISMATCH B, QUOTE_AMBIGUOUS B
Receipt: RCV_UNIDENTIFIED R, RCV_PAYER_MISMATCH R, RCV_PAYEE_MISMATCH B, RCV_THIRD_PARTY R, RCV_NOT_POSTED W,
    RCV_DUPLICATE B, RCV_CURRENCY_MISMATCH R
Payment: PAY_ROUTE_NO_LETTER B, PAY_OFFSHORE_NO_AGREEMENT B, PAY_REFUND_OFFSHORE B, PAY_REQUEST_MISMATCH B,
    PAY_SLIP_MISMATCH B, FXP_DOC_MISMATCH B, FXP_PREPAY_DOC_MISMATCH B, FXP_POSTPAY_DOC_MISSING B,
    FXP_FTZ_CERT_MISSING B, FXP_SLIP_PAYEE_MISMATCH B, FXP_RATE_OR_FEE_MISSING R, PAY_UNMATCHED R, PAY_OVER_BALANCE B,
    PAY_DUPLICATE B, BANK_FEE_DIFF R
Export invoice: INV_INPUT_MISSING B, INV_RATE_INVALID B, EXP_RATIO_HIGH B, EXP_RATIO_LOW R, DECL_RCV_DIFF R,
    NET_NEGATIVE B, REFUND_RATE_AMBIGUOUS R, REFUND_RATE_MISSING B, ZERO_REFUND_TAXED R, STMT_UNIT_NOT_LEGAL_FIRST B,
    VATINV_MISMATCH R, VATINV_DUPLICATE B, VATINV_SELLER R, VATINV_RED_OR_VOID B, VATINV_ARITHMETIC R,
    VATINV_NON_GOODS B, FEE_DOUBLE_COUNT B
Declaration/refund: PREENTRY_MISMATCH R, DECL_NO_FORMAT B, DECL_DIRECTION B, REFUND_DOC_MISMATCH R,
    REFUND_NOT_SUBMITTED W, REFUND_NOTICE_NO_CASH R, REFUND_AMOUNT_DIFF R, REFUND_DENIED R, REFUND_CLAWBACK R,
    REFUND_WINDOW_CLOSING W, FX_COLLECTION_WINDOW W, RETDOC_ROUTE_MISSING W
Import: TAX_BILL_PARTY_MISMATCH B, TAX_BILL_AMOUNT_MISMATCH R, TAX_PAID_BEFORE_RECEIPT B, TAXBILL_DOUBLE_USE B,
    INV_CONDITION_NOT_MET B, INV_AMOUNT_MISMATCH B, INV_NOT_CONFIRMED B, INV_FIELD_MISMATCH B, INV_FIELD_MISSING B,
    INV_COURIER_MISSING W, VAT_GAP R, TAX_DUE_SOON W
Balance: BAL_COMPONENT_MISSING B, BAL_CLIENT_OVERDUE R, BAL_SIGN_INCONSISTENT B
Logistics: BKG_MISMATCH R, BL_MISMATCH R, VSL_STATUS_INVALID W, AP_OVER_QUOTE R, AP_NO_VOUCHER B, AR_NOT_EQUAL_QUOTE B,
    AR_NOT_EQUAL_COST B, AR_DISPUTE_ESCALATED R, AR_NOT_WRITTEN_OFF W, BL_RELEASE_UNPAID B, CR_NO_AGREEMENT B,
    CR_LIMIT_EXCEEDED B, CR_MONTH_OVERDUE R, CR_NOT_RELEASED W, BL_COURIER_MISSING W, CNT_OVERWEIGHT R, CNT_HEAVY_20 R,
    FRT_DUPLICATE B, FRT_NO_ORDER R, CR_EXPOSURE_UNKNOWN R, FRT_RATE_DIFF R, FRT_BASIS R
Deadline: DL_CUTOFF_MISSED D, DL_FOLLOWUP_MISSED D, DL_RCV_CONFIRM_LATE D, DL_PAY_STATUS_LATE D, DL_PREENTRY_LATE D,
    DL_REFUND_DOC_LATE D, DL_REFUND_CLAIM_LATE D, DL_REFUND_PAY_LATE D, DL_AR_STATEMENT_LATE D, CALENDAR_NOT_COVERED B
Bank file: BNK_ACCOUNT_UNKNOWN R, BNK_CONTINUITY R, BNK_HEADER_NOT_FOUND B, BNK_ENCODING B, BNK_BOTH_SIDES R,
    BNK_BALANCE_CHAIN R, BNK_CONTROL_TOTAL R, BNK_DUPLICATE W, BNK_ACCOUNT_SCI_NOTATION R, BNK_REVERSAL W
Master data: USCC_CHECK W, HS_FORMAT B, CAP_WORDS_MISMATCH R
"""
WORDS = {"B": "block", "R": "review", "W": "warn", "D": "deadline"}


def part_d() -> dict[str, str]:
    entries = [
        entry.split() for line in PART_D.split("\n") for entry in line.split(": ")[-1].split(",") if entry.strip()
    ]
    return {code: WORDS[severity] for code, severity in entries}


def test_every_code_of_part_d_is_in_the_catalogue_with_its_severity(catalogue):
    wanted = part_d()
    assert len(wanted) == 130
    assert {code: catalogue.codes[code].severity for code in wanted if code in catalogue.codes} == wanted


def test_a_clerk_is_told_what_to_do_with_figures(catalogue):
    for code in catalogue.codes.values():
        assert code.owner in exceptions.OWNERS and code.due_days >= 1, code.code
        assert len(code.what_to_do) >= 8 and len(code.example) >= 5, code.code


def test_a_wrong_catalogue_is_refused_by_name():
    good = {
        "severity": "warn",
        "owner": "核算部",
        "due_days": "1",
        "rule_ids": "A",
        "zh": "中",
        "en": "e",
        "what_to_do": "做",
        "example": "例",
    }
    assert exceptions.catalogue_of({"X": good})["X"].due_days == 1
    for change in ({"severity": "loud"}, {"owner": "老板"}, {"due_days": "soon"}, {"zh": ""}, {"extra": "1"}):
        with pytest.raises(ParameterError, match="X:"):
            exceptions.catalogue_of({"X": good | change})


# --- states -----------------------------------------------------------------------------------------------------

PAST = ibis.schema(
    {
        "month": "string", "exception_id": "string", "code": "string", "severity": "string", "state": "string",
        "opened_month": "string", "source_file": "string", "source_row": "int64", "field": "string", "found": "string",
        "txn_id": "string", "order_no": "string", "principal_id": "string", "amount_at_risk_cny": "decimal(18, 2)",
        "message": "string", "what_to_do": "string", "owner": "string", "due_on": "date", "rule_id": "string",
    }
)  # fmt: skip
APPROVALS = ibis.schema({"exception_id": "string", "action": "string", "valid_to": "date", "decided_at": "timestamp"})


def identity(code: str, subject: str) -> str:
    return hashlib.sha256(f"{code}|{subject}".encode()).hexdigest()[:16]


def row(code: str, subject: str, **more) -> dict:
    return {"code": code, "subject": subject, "message": f"{code} {subject}"} | more


@pytest.fixture
def judge(con, catalogue, working_days):
    """found rows, past rows, approvals -> {(code, message's subject): published row} of September 2023."""

    def run(rows, past=(), approvals=(), month="2023-09", as_of=date(2023, 9, 30)):
        result = exceptions_of(
            table_of(rows, FOUND),
            table_of(past, PAST),
            table_of(approvals, APPROVALS),
            catalogue.table(),
            working_days,
            month,
            as_of,
        )
        got = con.to_pyarrow(result).to_pylist()
        assert all(tuple(one) == PUBLISHED for one in got)
        assert len({one["exception_id"] for one in got}) == len(got)
        return {one["exception_id"]: one for one in got}

    return run


def one(rows: dict) -> dict:
    assert len(rows) == 1, rows
    return next(iter(rows.values()))


def test_a_new_problem(judge):
    got = one(
        judge([row("EXP_RATIO_HIGH", "SO1|1", order_no="SO1", amount_at_risk_cny="506952.35", arisen_on="2023-09-28")])
    )
    assert got["exception_id"] == identity("EXP_RATIO_HIGH", "SO1|1")
    assert (got["state"], got["severity"], got["opened_month"], got["owner"]) == ("new", "block", "2023-09", "税务部")
    assert got["due_on"] == date(2023, 10, 7)  # one working day after Thursday 09-28, over the National Day
    assert got["amount_at_risk_cny"] == Decimal("506952.35")
    assert got["rule_id"] and got["what_to_do"]


def test_without_a_day_of_its_own_it_is_due_from_the_months_end(judge):
    assert one(judge([row("FX_RATE_STALE", "USD")]))["due_on"] == date(2023, 10, 7)


def test_a_problem_found_twice_is_one_with_most_at_risk(judge):
    rows = [
        row("PAY_UNMATCHED", "T1", amount_at_risk_cny=amount, source_row=n) for n, amount in enumerate(("5.00", "7.00"))
    ]
    assert one(judge(rows))["amount_at_risk_cny"] == Decimal("7.00")


def test_open_over_months_keeps_month_and_due_date(judge, con):
    first = judge([row("EXP_RATIO_LOW", "SO1")])
    second = judge([row("EXP_RATIO_LOW", "SO1")], past=first.values(), month="2023-10", as_of=date(2023, 10, 31))
    got = one(second)
    assert (got["month"], got["state"], got["opened_month"]) == ("2023-10", "open", "2023-09")
    assert got["due_on"] == one(first)["due_on"]


def test_resolved_once_and_then_gone_and_back_again(judge):
    september = judge([row("EXP_RATIO_LOW", "SO1")])
    october = judge([], past=september.values(), month="2023-10", as_of=date(2023, 10, 31))
    assert (one(october)["state"], one(october)["month"], one(october)["opened_month"]) == (
        "resolved",
        "2023-10",
        "2023-09",
    )
    assert one(october)["message"] == one(september)["message"]
    past = [*september.values(), *october.values()]
    assert judge([], past=past, month="2023-11", as_of=date(2023, 11, 30)) == {}
    back = one(judge([row("EXP_RATIO_LOW", "SO1")], past=past, month="2023-11", as_of=date(2023, 11, 30)))
    assert (back["state"], back["opened_month"]) == ("open", "2023-09")
    assert back["due_on"] > date(2023, 11, 30)


def test_a_re_run_of_a_month_does_not_look_at_itself_or_later(judge):
    first = judge([row("EXP_RATIO_LOW", "SO1")])
    later = judge([row("EXP_RATIO_LOW", "SO1")], past=first.values(), month="2023-10", as_of=date(2023, 10, 31))
    again = judge([row("EXP_RATIO_LOW", "SO1")], past=[*first.values(), *later.values()])
    assert again == first


def approval(of: str, action="批准", valid_to=None, at="2023-09-20 10:00:00") -> dict:
    return {"exception_id": of, "action": action, "valid_to": valid_to, "decided_at": at}


SO1 = identity("EXP_RATIO_LOW", "SO1")


@pytest.mark.parametrize(
    ("approvals", "state"),
    [
        ([approval(SO1)], "approved"),
        ([approval(f" {SO1.upper()} ")], "approved"),
        ([approval(SO1, valid_to="2023-09-30")], "approved"),
        ([approval(SO1, valid_to="2023-09-29")], "new"),
        ([approval(SO1, "驳回")], "new"),
        ([approval(SO1), approval(SO1, "驳回", at="2023-09-21 10:00:00")], "new"),
        ([approval(SO1, "驳回"), approval(SO1, at="2023-09-21 10:00:00")], "approved"),
        ([approval(SO1), approval(SO1, "驳回")], "new"),
    ],
)
def test_approvals(judge, approvals, state):
    assert one(judge([row("EXP_RATIO_LOW", "SO1")], approvals=approvals))["state"] == state


def test_an_approved_problem_that_is_gone_is_resolved(judge):
    september = judge([row("EXP_RATIO_LOW", "SO1")], approvals=[approval(SO1)])
    october = judge([], past=september.values(), approvals=[approval(SO1)], month="2023-10", as_of=date(2023, 10, 31))
    assert one(october)["state"] == "resolved"


def test_an_approval_of_nothing_is_an_orphan(judge):
    got = one(judge([], approvals=[approval("feedfeedfeedfeed")]))
    assert (got["code"], got["found"]) == ("DECISION_ORPHAN", "feedfeedfeedfeed")
    # The orphan itself may be approved: that is no further orphan.
    both = judge([], approvals=[approval("feedfeedfeedfeed"), approval(got["exception_id"])])
    assert one(both)["state"] == "approved"


def test_a_deadline_warns_on_its_day_and_needs_review_afterwards(judge):
    for day, severity in (("2023-09-30", "warn"), ("2023-09-29", "review")):
        assert one(judge([row("DL_PREENTRY_LATE", "SO1", arisen_on=day)]))["severity"] == severity
    undated = judge([row("DL_PREENTRY_LATE", "SO1")])
    later = judge([row("DL_PREENTRY_LATE", "SO1")], past=undated.values(), month="2023-10", as_of=date(2023, 10, 31))
    assert (one(undated)["severity"], one(later)["severity"]) == ("warn", "review")


def test_beyond_the_calendar_the_due_date_is_unknown_and_said_so_once(judge):
    rows = [row("EXP_RATIO_LOW", "SO1"), row("EXP_RATIO_LOW", "SO2")]
    got = judge(rows, month="2026-12", as_of=date(2026, 12, 31))
    codes = sorted(one["code"] for one in got.values())
    assert codes == ["CALENDAR_NOT_COVERED", "EXP_RATIO_LOW", "EXP_RATIO_LOW"]
    assert {one["due_on"] for one in got.values()} == {None}
    said = next(one for one in got.values() if one["code"] == "CALENDAR_NOT_COVERED")
    assert "2026-12-31" in said["message"] and " 2 " in said["message"]


def test_an_unknown_code_blocks_and_is_not_lost(judge):
    got = one(judge([row("NOT_IN_THE_CATALOGUE", "x")]))
    assert (got["severity"], got["state"]) == ("block", "new") and got["message"]


# --- building rows ----------------------------------------------------------------------------------------------


def test_found_takes_columns_by_name_and_fills_the_rest_with_null(con):
    table = table_of(
        [{"order_no": "SO1", "txn_id": "T1", "amount": "12.30", "due": None}],
        ibis.schema({"order_no": "string", "txn_id": "string", "amount": "decimal(18, 2)", "due": "date"}),
    )
    rows = found(
        table,
        code="PAY_UNMATCHED",
        subject=lambda t: subject_of(t.order_no, t.due),
        message=lambda t: sentence("订单 ", t.order_no, " 付出 ", t.amount, " 元，期限 ", t.due),
        amount_at_risk_cny=table.amount,
        rule_id="EXP-PAY-02",
        source_row=7,
    )
    assert rows.schema() == FOUND
    got = con.to_pyarrow(rows).to_pylist()[0]
    assert got["message"] == "订单 SO1 付出 12.30 元，期限 未知" and got["subject"] == "SO1|"
    assert (got["txn_id"], got["source_row"], got["amount_at_risk_cny"]) == ("T1", 7, Decimal("12.30"))
    assert got["arisen_on"] is None and got["principal_id"] is None
    with pytest.raises(KeyError, match="amont"):
        found(table, code="X", subject="s", message="m", amont="1")


def test_no_findings_is_empty_and_unions(con):
    assert con.to_pyarrow(exceptions.no_findings()).num_rows == 0
    assert exceptions.no_findings().schema() == FOUND
