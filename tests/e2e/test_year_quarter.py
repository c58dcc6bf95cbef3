"""What a quarter of hand-written files must come to: each figure here was worked out on paper from the contract and Part G."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal as D

import pytest

from settlement.io.home import Home
from tests.e2e.conftest import rows, run_month
from tests.e2e.year_quarter import MONTHS, quarter

pytestmark = [pytest.mark.slow]

SEP, OCT, NOV = MONTHS


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Home:
    made = quarter(tmp_path_factory.mktemp("quarter")).write()
    for month in MONTHS:
        status, said = run_month(made, month)
        assert status == 0, said
    return made


@pytest.fixture(scope="module")
def told(home) -> Callable[..., list[tuple]]:
    """``told(table, month, "columns", key=value)``: rows as tuples; amounts as text, so that a case reads like a ledger."""
    read: dict[str, list[dict]] = {}

    def of(table: str, month: str, columns: str, **where: str) -> list[tuple]:
        if table not in read:
            read[table] = rows(home, table)
        chosen = [
            row
            for row in read[table]
            if row["month"] == month and all(row[name] == value for name, value in where.items())
        ]
        return sorted((tuple(_text(row[name]) for name in columns.split()) for row in chosen), key=str)

    return of


def _text(value):
    return (
        format(value, "f")
        if isinstance(value, D)
        else value
        if value is None or isinstance(value, bool)
        else str(value)
    )


def test_several_refund_rates_share_the_net_by_declared_fob(told):
    figures = "line_no gross_cny fees_cny net_cny invoice_amount ex_vat_amount tax_amount refund_amount status"
    assert told("export_invoices", SEP, figures, order_no="X0101") == [
        ("1", "302500.00", "2500.00", "149996.25", "169495.76", "149996.25", "19499.51", "19499.51", "可开票"),
        ("2", "302500.00", "2500.00", "112497.19", "122232.52", "108170.37", "14062.15", "9735.33", "可开票"),
        ("3", "302500.00", "2500.00", "37506.56", "37506.56", "33191.65", "4314.91", "0.00", "可开票"),
    ]
    assert told("export_invoices", SEP, "line_no swap_ratio", order_no="X0101") == [
        ("1", "7.49981250"), ("2", "7.21135800"), ("3", "6.63700260"),
    ]  # fmt: skip
    assert told("tax_refunds", SEP, "expected received balance", order_no="X0101") == [("29234.84", None, "0.00")]


@pytest.mark.parametrize("order", ["X0201", "X0202"])
def test_other_modes_have_money_and_fees_but_no_invoice_and_no_refund(told, order):
    assert told("export_invoices", SEP, "gross_cny invoice_amount refund_amount status", order_no=order) == [
        (None, None, None, "不适用")
    ]
    assert told("tax_refunds", SEP, "expected", order_no=order) == []
    assert told("order_balances", SEP, "received_cny charged_cny balance_cny", order_no=order) == [
        ("71000.00", "100.00", "70900.00")
    ]


def test_netted_freight_is_in_the_formula_and_later_freight_is_billed(told):
    # P = 1,000.00 + 3,150.00 x 7.1036 = 23,376.34; N 331,623.66; I = N x 1.13.
    for month in (SEP, OCT):
        assert told("export_invoices", month, "fees_cny net_cny invoice_amount status", order_no="X0301") == [
            ("23376.34", "331623.66", "374734.74", "已通知")
        ]
    freight = "account kind amount_cny posted_on"
    assert told("principal_ledger", SEP, freight, order_no="X0301", kind="物流费") == [
        ("货款", "物流费", "-22376.34", "2023-09-08")
    ]
    assert told("principal_ledger", OCT, freight, order_no="X0301", kind="物流费") == [
        ("物流费", "物流费", "-450.00", "2023-10-12")
    ]
    # Goods money covered the netted line; the billed one is open.
    assert told("freight_receivables", OCT, "charge_code receivable_cny settled_cny open_cny", order_no="X0301") == [
        ("DOC", "450.00", "0.00", "450.00")
    ]
    assert told("freight_charges", SEP, "receivable_cny settled_cny", order_no="X0301") == [("22376.34", "22376.34")]


def test_a_currency_not_converted_is_estimated_and_the_conversion_posts_the_difference(told):
    sources = "amount_cny settlement_rate rate_source"
    assert told("receipt_allocations", SEP, sources, order_no="X0401") == [("242500.00", "0.04850000", "暂估")]
    assert told("export_invoices", SEP, "gross_cny net_cny invoice_amount status", order_no="X0401") == [
        ("242500.00", "242000.00", "273460.00", "暂估")
    ]
    assert told("principal_ledger", OCT, "kind currency amount_fx amount_cny adjusts_month", order_no="X0401") == [
        ("汇率差", "JPY", "0.00", "650.00", None)
    ]
    assert told("export_invoices", OCT, "gross_cny settlement_rate net_cny status", order_no="X0401") == [
        ("243150.00", "0.04863000", "242650.00", "可开票")
    ]


def test_the_pieces_of_one_receipt_share_its_conversion_by_largest_remainder(told):
    # 649,583.37 over 50,000 : 30,000 = 405,989.60625 and 243,593.76375: the fen goes to the larger remainder.
    assert told("export_invoices", OCT, "order_no gross_cny status", principal_id="P05") == [
        ("X0501", "405989.61", "可开票"), ("X0502", "243593.76", "可开票"),
    ]  # fmt: skip
    assert told("principal_ledger", OCT, "order_no kind amount_cny", principal_id="P05") == [
        ("X0501", "汇率差", "20989.61"), ("X0502", "汇率差", "12593.76"),
    ]  # fmt: skip
    assert told("principal_balances", OCT, "opening movement closing", principal_id="P05") == [
        ("616000.00", "33583.37", "649583.37")
    ]
    assert told("conversions", OCT, "amount_fx amount_cny found_by") == [
        ("5000000.00", "243150.00", "唯一等额"), ("80000.00", "649583.37", "唯一等额"),
    ]  # fmt: skip


def test_the_life_of_a_refund(told):
    life = "expected notified received advanced paid_out kept balance status"
    # Put off first, granted later in the month: granted. The advance is out, nothing has come.
    assert told("tax_refunds", SEP, life, order_no="X0601") == [
        ("78520.00", "78520.00", None, "30000.00", None, None, "0.00", "已核准")
    ]
    # The cash clears the advance first (C-47); 40,000.00 is paid out; 8,520.00 is still the principal's.
    assert told("tax_refunds", OCT, life, order_no="X0601") == [
        ("78520.00", "78520.00", "78520.00", "30000.00", "40000.00", None, "8520.00", "已到账")
    ]
    assert told("principal_ledger", OCT, "account kind amount_cny", order_no="X0601") == [
        ("垫付退税", "抵账", "30000.00"), ("退税", "抵账", "-30000.00"), ("退税", "退税付出", "-40000.00"), ("退税", "退税到账", "78520.00"),
    ]  # fmt: skip
    assert told("tax_refunds", NOV, life, order_no="X0601") == [
        ("78520.00", "77000.00", "78520.00", "30000.00", "40000.00", None, "8520.00", "追缴")
    ]
    assert told("principal_account_balances", OCT, "account closing", principal_id="P06") == [
        ("垫付退税", "0.00"), ("货款", "604000.00"), ("退税", "8520.00"),
    ]  # fmt: skip


def test_a_refund_left_with_us_is_kept_and_posts_nothing_more(told):
    life = "expected notified received paid_out kept balance status"
    assert told("tax_refunds", SEP, life, order_no="X1901") == [
        ("8060.00", "8060.00", "8060.00", None, None, "8060.00", "已到账")
    ]
    assert told("tax_refunds", OCT, life, order_no="X1901") == [
        ("8060.00", "8060.00", "8060.00", None, "8060.00", "0.00", "已付清")
    ]
    assert told("principal_ledger", OCT, "kind", principal_id="P19") == []
    assert told("principal_account_balances", OCT, "account closing", principal_id="P19") == [
        ("货款", "62000.00"),
        ("退税", "8060.00"),
    ]


def test_an_import_settles_at_the_banks_rate_and_fee(told):
    figures = (
        "estimate_cny goods_cny bank_fee duty consumption_tax vat invoice_amount vat_gap neutral_amount eligible status"
    )
    assert told("import_invoices", SEP, figures, order_no="M0701") == [
        (
            "852432.00",
            "855420.00",
            "1005.42",
            "67990.08",
            "0.00",
            "119322.59",
            "1043738.09",
            "753.47",
            "1044589.52",
            True,
            "可开票",
        )
    ]
    # W11: 1,060,000.00 received for 1,052,292.29 payable; shown with the seed's sign.
    assert told(
        "order_balances", SEP, "kind received_cny charged_cny paid_cny balance_cny displayed_balance", order_no="M0701"
    ) == [("import", "1060000.00", "196872.29", "855420.00", "7707.71", "-7707.71")]


def test_a_slip_whose_rate_comes_a_month_late_is_posted_then_for_the_month_it_belongs_to(told):
    assert told("import_invoices", SEP, "goods_cny invoice_amount status", order_no="M0801") == [(None, None, "待付汇")]
    assert told("principal_ledger", SEP, "kind", order_no="M0801") == [
        ("代理费",),
        ("收款",),
        ("收款",),
        ("收款",),
        ("税金",),
    ]
    # With consumption tax: 855,420.00 + 1,005.42 + 67,990.08 + 161,976.37 + 140,379.52.
    assert told(
        "import_invoices", OCT, "goods_cny bank_fee consumption_tax invoice_amount status", order_no="M0801"
    ) == [("855420.00", "1005.42", "161976.37", "1226771.39", "可开票")]
    assert told("principal_ledger", OCT, "kind amount_fx amount_cny posted_on adjusts_month", order_no="M0801") == [
        ("手续费", None, "-1005.42", "2023-09-08", "2023-09"), ("购汇付款", "-120000.00", "-855420.00", "2023-09-08", "2023-09"),
    ]  # fmt: skip


def test_releases_are_tested_in_order_of_date_and_number_against_the_limit(told):
    test = "order_no due_cny exposure_before exposure_after allowed"
    assert told("bl_releases", SEP, test, principal_id="P09") == [
        ("L0901", "150000.00", "0.00", "150000.00", True),
        ("L0902", "25186.34", "150000.00", "175186.34", True),
        ("L0903", "40000.00", "175186.34", "215186.34", False),
        # 50,000.00 was written off on the 20th; the 7,777.00 on account frees nothing.
        ("L0904", "20000.00", "165186.34", "185186.34", True),
    ]
    assert told("credit_positions", SEP, "credit_limit exposure available overdue_cny blocked", principal_id="P09") == [
        ("200000.00", "185186.34", "14813.66", "0.00", False)
    ]
    # After 10 October what is open of September is overdue: the next release is held (C-21).
    assert told("bl_releases", OCT, test, order_no="L0905") == [("L0905", "1000.00", "185186.34", "186186.34", False)]
    assert told("credit_positions", OCT, "exposure overdue_cny blocked", principal_id="P09") == [
        ("186186.34", "185186.34", True)
    ]
    codes = {code for (code,) in told("exceptions", OCT, "code", principal_id="P09")}
    assert {"CR_LIMIT_EXCEEDED", "CR_MONTH_OVERDUE"} <= codes


def test_opening_items_age_use_credit_and_are_written_off(told):
    ages = "order_no receivable_cny open_cny due_on days_overdue age_bucket"
    assert told("freight_receivables", SEP, ages, principal_id="P10") == [
        ("OLD01", "1000.00", "1000.00", "2023-09-11", "19", "0-30天"),
        ("OLD02", "2000.00", "2000.00", "2023-08-10", "51", "31-60天"),
        ("OLD03", "3000.00", "3000.00", "2023-07-10", "82", "61-90天"),
        ("OLD04", "4000.00", "4000.00", "2023-06-12", "110", "90天以上"),
    ]
    assert told("credit_positions", SEP, "exposure overdue_cny blocked", principal_id="P10") == [
        ("10000.00", "10000.00", True)
    ]
    # 期初 is the opening of the first month, no movement.
    assert told("principal_balances", SEP, "opening movement closing", principal_id="P10") == [
        ("33209.60", "0.00", "33209.60")
    ]
    assert told("principal_balances", OCT, "opening movement closing", principal_id="P10") == [
        ("33209.60", "2000.00", "35209.60")
    ]
    # One paid by its reference, one set off against money on account by decision.
    assert told("principal_ledger", OCT, "order_no account kind amount_cny", principal_id="P10") == [
        ("OLD02", "物流费", "收款", "2000.00"), ("OLD03", "物流费", "抵账", "3000.00"), (None, "预收", "抵账", "-3000.00"),
    ]  # fmt: skip
    assert told("credit_positions", OCT, "exposure overdue_cny", principal_id="P10") == [("5000.00", "5000.00")]
    assert told("freight_receivables", OCT, "order_no settled_cny open_cny", principal_id="P10") == [
        ("OLD01", "0.00", "1000.00"), ("OLD02", "2000.00", "0.00"), ("OLD03", "3000.00", "0.00"), ("OLD04", "0.00", "4000.00"),
    ]  # fmt: skip
    assert told("principal_balances", NOV, "opening movement closing", principal_id="P10") == [
        ("35209.60", "0.00", "35209.60")
    ]


@pytest.mark.parametrize(
    ("order", "fees_back", "left"),
    [("X1101", "1200.00", "0.00"), ("X1102", "1200.00", "0.00"), ("X1103", "600.00", "-600.00")],
)
def test_a_cancelled_or_withdrawn_order_gives_back_money_and_fees_but_those_kept(told, order, fees_back, left):
    assert told("export_invoices", SEP, "invoice_amount status", order_no=order) == [("80004.00", "可开票")]
    assert told("export_invoices", OCT, "gross_cny invoice_amount refund_amount status", order_no=order) == [
        (None, None, None, "取消")
    ]
    assert told("order_balances", OCT, "received_cny balance_cny", order_no=order) == [("0.00", left)]
    postings = told("principal_ledger", OCT, "kind amount_cny adjusts_month", order_no=order)
    assert ("收款", "-72000.00", "2023-09") in postings
    assert sum(D(amount) for kind, amount, _ in postings if kind in ("代理费", "其他费用")) == D(fees_back)
    assert told("receipt_allocations", OCT, "amount amount_cny", order_no=order) == [("-10000.00", "-72000.00")]


def test_the_money_of_dropped_orders_is_on_account(told):
    assert told("principal_account_balances", OCT, "account closing", principal_id="P11") == [
        ("货款", "-600.00"),
        ("预收", "216000.00"),
    ]


def test_facts_that_come_late_are_differences_that_name_their_month(told):
    assert told("principal_ledger", OCT, "kind account amount_cny posted_on adjusts_month", principal_id="P12") == [
        ("代理费", "货款", "-100.00", "2023-09-05", "2023-09"),
        ("收款", "物流费", "333.33", "2023-09-28", "2023-09"),
        ("物流费", "物流费", "-450.00", "2023-09-27", "2023-09"),
    ]
    # A line of September in October's folder belongs to October.
    assert told("bank_transactions", OCT, "booked_on amount", remark="X1201 货款尾款") == [("2023-09-28", "333.33")]
    assert told("export_invoices", OCT, "fees_cny net_cny", order_no="X1201") == [("1100.00", "70900.00")]
    # Fee month September, statement month October: due on the 10th after the later.
    assert told("freight_charges", OCT, "fee_month due_on settled_cny", order_no="X1201") == [
        ("2023-09", "2023-11-10", "333.33")
    ]


def test_freight_by_quote_and_by_cost(told):
    lines = "charge_code cost vendor_quote payable client_quote receivable receivable_cny status"
    assert told("freight_charges", SEP, lines, order_no="L1301") == [
        ("DOC", "450.00", "450.00", "450.00", "450.00", "450.00", "450.00", "正常"),
        ("INSP", "860.00", None, "0.00", None, "860.00", "860.00", "待凭证"),
        ("O/F", "2900.00", "2900.00", "2900.00", "3150.00", "3150.00", "22376.34", "正常"),
        ("SEAL", "55.00", "50.00", "50.00", "50.00", "50.00", "50.00", "超报价"),
        ("THC", "1225.00", "1225.00", "1225.00", "1350.00", "1350.00", "1350.00", "正常"),
        ("VGM", "80.00", "80.00", "80.00", "100.00", "100.00", "100.00", "正常"),
    ]
    assert told("bl_releases", SEP, "due_cny exposure_after allowed", order_no="L1301") == [
        ("25186.34", "25186.34", True)
    ]
    # 2 x 1,350.00 + 1 x 900.00 once, however many lines the carrier bills; TLX is quoted for the order and billed without one.
    assert told("freight_charges", SEP, "charge_code cost client_quote receivable_cny", order_no="L1302") == [
        ("LSS", "100.00", None, "710.36"), ("STO", "-120.00", None, "-120.00"),
        ("THC", "1000.00", "3600.00", "3600.00"), ("THC", "1000.00", None, "0.00"), ("THC", "1000.00", None, "0.00"),
        ("TLX", "0.00", "300.00", "300.00"),
    ]  # fmt: skip
    assert told("principal_balances", SEP, "closing", principal_id="P13") == [("-29676.70",)]


def test_when_an_export_is_received_in_full(told):
    states = "order_no received_fx gross_cny fees_cny invoice_amount status"
    assert told("export_invoices", SEP, states, principal_id="P14") == [
        ("X1401", "30000.00", "213000.00", "1000.00", "239560.00", "待收齐"),
        ("X1402", "99500.00", "706450.00", "1000.00", "797158.50", "可开票"),
        ("X1403", "99499.99", "706449.93", "1000.00", "797158.42", "待收齐"),
        ("X1404", "99000.00", "702900.00", "1000.00", "793147.00", "待收齐"),
        ("X1405", "9650.00", "9650.00", "1000.00", "9774.50", "可开票"),
    ]
    # 213,000.00 + 500,500.00; the rate shown is what both came to.
    assert told("export_invoices", OCT, states, principal_id="P14") == [
        ("X1401", "100000.00", "713500.00", "1000.00", "805125.00", "可开票"),
        ("X1402", "99500.00", "706450.00", "1000.00", "797158.50", "可开票"),
        ("X1403", "99499.99", "706449.93", "1000.00", "797158.42", "待收齐"),
        ("X1404", "99000.00", "702900.00", "1000.00", "793147.00", "可开票"),
        ("X1405", "9650.00", "9650.00", "1000.00", "9774.50", "可开票"),
    ]
    assert told("export_invoices", OCT, "settlement_rate", order_no="X1401") == [("7.13500000",)]


@pytest.mark.parametrize(
    ("order", "refund_rate", "invoice_amount", "refund_amount"),
    [
        ("X1501", "0.17", "950980.47", "138176.65"),  # exported 2018-07-20, invoice 17 %: the old rate
        ("X1502", "0.16", "942852.43", "130048.61"),  # invoice 16 %: the new one
        ("X1503", "0.16", "941564.82", "128761.00"),  # from 2018-08-01 the new one even with 17 %
        ("X1504", "0.16", "942852.43", "130048.61"),  # W05a: until 2019-06-30
        ("X1505", "0.13", "918468.32", "105664.50"),  # W05c
        ("X1506", "0.13", "915390.71", "102586.89"),  # W05b: from 2019-07-01
        ("X1507", "0.13", "915390.71", "102586.89"),  # goods whose rate never was the levy rate keep the table's
        ("X1508", "0.03", "837187.93", "24384.11"),  # VAT-REF-05: a 3 % invoice gets 3 %
        ("X1509", "0.13", "918468.32", "105664.50"),  # exported before the change, invoiced after it
    ],
)
def test_the_refund_rate_is_that_of_the_export_date_and_the_invoice(
    told, order, refund_rate, invoice_amount, refund_amount
):
    assert told(
        "export_invoices", SEP, "gross_cny net_cny refund_rate invoice_amount refund_amount", order_no=order
    ) == [("826998.82", "812803.82", f"{refund_rate}000000", invoice_amount, refund_amount)]


def test_what_has_no_figure_stays_null_and_says_why(told):
    figures = "order_no net_cny invoice_amount ex_vat_amount refund_amount status"
    assert told("export_invoices", SEP, figures, principal_id="P16") == [
        ("X1601", "-8000.00", None, None, None, "差异"),
        ("X1602", "72000.00", None, None, None, "差异"),
        ("X1603", None, None, None, None, "差异"),
        ("X1604", None, None, None, None, "差异"),
        ("X1604", None, None, None, None, "差异"),
    ]
    codes = {(order, code) for order, code in told("exceptions", SEP, "order_no code", principal_id="P16")}
    assert {
        ("X1601", "NET_NEGATIVE"),
        ("X1602", "INV_RATE_INVALID"),
        ("X1603", "INV_INPUT_MISSING"),
        ("X1604", "INV_INPUT_MISSING"),
    } <= codes


def test_an_export_paid_out_and_the_cut_off_over_the_october_holiday(told):
    assert told(
        "order_balances", OCT, "received_cny charged_cny paid_cny balance_cny displayed_balance", order_no="X1701"
    ) == [("620000.00", "16000.00", "590000.00", "14000.00", "14000.00")]
    late = [message for (message,) in told("exceptions", OCT, "message", order_no="X1701", code="DL_CUTOFF_MISSED")]
    assert len(late) == 1 and "Q1703" in late[0] and "2023-10-07 16:30" in late[0]


def test_a_payment_that_came_back_is_taken_back_once_in_the_month_it_came(told):
    assert told("principal_balances", SEP, "movement closing", principal_id="P18") == [("63000.00", "63000.00")]
    assert told("principal_ledger", OCT, "kind amount_cny adjusts_month", principal_id="P18") == [
        ("付款", "8000.00", "2023-09")
    ]
    assert told("payment_allocations", OCT, "request_no amount amount_cny", order_no="X1801") == [
        ("Q1801", "-8000.00", "-8000.00")
    ]
    for month, closing in ((OCT, "71000.00"), (NOV, "71000.00")):
        assert told("principal_balances", month, "closing", principal_id="P18") == [(closing,)]


def test_every_balance_chains_over_the_quarter(told):
    for before, after in ((SEP, OCT), (OCT, NOV)):
        closing = dict(told("principal_balances", before, "principal_id closing"))
        opening = dict(told("principal_balances", after, "principal_id opening"))
        assert {who: amount for who, amount in closing.items() if D(amount)} == {
            who: amount for who, amount in opening.items() if D(amount)
        }
