"""Export invoices (出口开票): what each goods line of a 自营 export order is invoiced, and its refund.

EXP-INV-01, EXP-INV-02, VAT-REF-01..05, FXC-01, C-03..C-07, C-41, C-44. Money in CNY and fen, rates as
fractions, rounding only by ``money``. What does not belong here: raising exceptions (export_exceptions).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import ibis
import ibis.expr.types as ir

from settlement.rules import money, vat

TAXED = "不退税"
GOODS_PURPOSES = ["货款", "预收"]


@dataclass(frozen=True)
class Tolerance:
    """How far received may lie below declared (FX-09, C-04): the greater of the two."""

    usd: Decimal
    fraction: Decimal


def order_receipts(standing: ir.Table) -> ir.Table:
    """Goods money by order: order_no, fx_currency, received_fx, gross_cny (S), rate_provisional, first_on, receipts.

    ``standing``: pieces as ``receipts.standing_pieces``. ``fx_currency`` is NULL where currencies mix:
    then received_fx is NULL too (RCV_CURRENCY_MISMATCH). gross_cny is NULL while a piece has no rate.
    """
    goods = standing.filter(standing.order_no.notnull() & standing.purpose.isin(GOODS_PURPOSES))
    summed = goods.group_by("order_no").agg(
        _currencies=goods.currency.nunique(),
        _currency=goods.currency.min(),
        _fx=goods.amount.sum().cast(money.MONEY),
        _cny=goods.amount_cny.sum().cast(money.MONEY),
        _unknown=goods.amount_cny.isnull().sum(),
        rate_provisional=goods.is_provisional.any(),
        first_on=goods.booked_on.min(),
        receipts=goods.txn_id.nunique(),
    )
    one_currency = summed._currencies == 1
    return summed.select(
        "order_no",
        "rate_provisional",
        "first_on",
        "receipts",
        fx_currency=ibis.cases((one_currency, summed._currency), else_=ibis.null("string")),
        received_fx=ibis.cases((one_currency, summed._fx), else_=ibis.null(money.MONEY)),
        gross_cny=ibis.cases((summed._unknown == 0, summed._cny), else_=ibis.null(money.MONEY)),
    )


def refund_terms(lines: ir.Table, refund_rates: ir.Table, standard_rates: ir.Table, transitions: ir.Table) -> ir.Table:
    """Levy rate v, refund rate r and flag of each goods line on its export date (VAT-REF-05, 07, 11; C-08).

    ``lines``: order_no, line_no, hs_code, exported_on (else ordered_on), levy_rate, refund_rate, refund_flag, and
    invoice_levy: the rate printed on the received invoice, which decides where the line gives none (C-01).
    ``refund_rates``: hs_code, refund_rate, levy_rate, flag, valid_from, valid_to. ``standard_rates``:
    valid_from, valid_to, standard. ``transitions``: ``Parameters.table("refund_transition")`` (E2). A rate given on the line wins. Returns order_no, line_no, v, r, flag,
    terms (how many rows of the table fit: 0 = REFUND_RATE_MISSING, >1 = REFUND_RATE_AMBIGUOUS), table_rate.
    """
    rates = refund_rates.select(
        rate_code="hs_code",
        table_rate="refund_rate",
        table_levy="levy_rate",
        table_flag="flag",
        rate_from="valid_from",
        rate_to="valid_to",
    )
    dated = lines.mutate(_on=ibis.coalesce(lines.exported_on, lines.declared_on, lines.ordered_on))
    joined = dated.left_join(
        rates,
        [
            dated.hs_code == rates.rate_code,
            dated._on >= rates.rate_from,
            dated._on <= ibis.coalesce(rates.rate_to, ibis.date(9999, 12, 31)),
        ],
    )
    counted = joined.group_by("order_no", "line_no").agg(
        levy_given=ibis.coalesce(joined.levy_rate.arbitrary(), joined.invoice_levy.arbitrary()),
        rate_given=joined.refund_rate.arbitrary(),
        flag_given=joined.refund_flag.arbitrary(),
        hs_code=joined.hs_code.arbitrary(),
        _on=joined._on.arbitrary(),
        terms=joined.rate_code.notnull().sum().cast("int64"),
        _rates=ibis.coalesce(joined.table_rate.nunique(), 0),
        table_rate=joined.table_rate.min(),
        table_levy=joined.table_levy.min(),
        table_flag=joined.table_flag.min(),
    )
    levels = standard_rates.select(_level_from="valid_from", _level_to="valid_to", standard="standard")
    forever = ibis.date(9999, 12, 31)
    standard = counted.left_join(
        levels, [counted._on >= levels._level_from, counted._on <= ibis.coalesce(levels._level_to, forever)]
    )
    levy = ibis.coalesce(standard.levy_given, standard.table_levy, standard.standard).cast(money.RATE)
    flag = ibis.coalesce(standard.flag_given, standard.table_flag)
    unique_rate = ibis.cases((standard._rates == 1, standard.table_rate), else_=ibis.null(money.RATE))
    nil = money.decimal_literal(0, 8)
    known = standard.mutate(
        levy_rate=levy,
        refund_flag=flag,
        exported_on=standard._on,
        _chosen=ibis.cases((flag.notnull(), nil), else_=unique_rate).cast(money.RATE),
    )
    moved = vat.with_transition(known, refund_rates, transitions)
    given, levied = moved.rate_given, moved.levy_rate
    by_table = vat.effective_refund_rate(moved._chosen, levied, moved.rate_before_change, moved.is_in_transition)
    given_beyond = given.notnull() & (given > levied)
    null = ibis.null(money.RATE)
    return moved.select(
        "order_no",
        "line_no",
        "terms",
        "table_rate",
        "levy_rate",
        "refund_flag",
        # A rate given above the levy rate is no input the formula may use (INV_RATE_INVALID); a table's is capped.
        refund_rate=ibis.cases((given_beyond, null), (given.notnull(), given), else_=by_table.cast(money.RATE)),
        is_rate_invalid=given_beyond,
        is_rate_ambiguous=(moved._rates > 1) & given.isnull(),
        is_rate_missing=(moved.terms == 0) & given.isnull() & moved.refund_flag.isnull(),
        is_rate_different=given.notnull() & moved.table_rate.notnull() & (given != moved.table_rate),
    )


def netted_lines(lines: ir.Table) -> ir.Table:
    """The order's net (N) shared over its lines by declared FOB, largest remainder, ties to the lower line (C-06).

    ``lines``: order_no, line_no, order_net, order_fees, fob_usd; adds net_cny and line_fees. An order of one line needs no FOB; in one of several
    lines that lacks any FOB, net_cny is NULL.
    """
    window = ibis.window(group_by="order_no")
    counted = lines.mutate(
        _lines=lines.count().over(window),
        _with_fob=(ibis.coalesce(lines.fob_usd, 0) > 0).sum().over(window),
    )
    is_single = counted._lines == 1
    complete = is_single | (counted._with_fob == counted._lines)
    nil, one = money.decimal_literal(0), money.decimal_literal(1)
    weighted = counted.mutate(
        _share_of=ibis.cases((is_single, one), (complete, counted.fob_usd), else_=nil).cast(money.MONEY)
    )
    share = {"by": ["order_no"], "weight": "_share_of", "order": ["line_no"]}
    shared = money.apportion_column(weighted, total="order_net", name="net_cny", **share)
    with_fees = money.apportion_column(shared, total="order_fees", name="line_fees", **share)
    return with_fees.drop("_lines", "_with_fob", "_share_of")


def computed(lines: ir.Table) -> ir.Table:
    """The seed's formula on each line: I, E, T, R, the swap ratio and N ÷ FOB (EXP-INV-01, EXP-INV-02).

    ``lines``: net_cny, levy_rate, refund_rate, refund_flag, fob_usd, order_gross, order_fees. NULL where an
    input is, or where N ≤ 0 (NET_NEGATIVE).
    """
    usable = (lines.net_cny > 0) & lines.refund_rate.notnull() & lines.levy_rate.notnull()
    net = ibis.cases((usable, lines.net_cny), else_=ibis.null(money.MONEY))
    with_invoice = lines.mutate(invoice_amount=vat.invoice_amount(net, lines.levy_rate, lines.refund_rate))
    with_base = with_invoice.mutate(
        ex_vat_amount=vat.ex_vat_amount(with_invoice.invoice_amount, with_invoice.levy_rate)
    )
    taxed = with_base.refund_flag == TAXED
    gross = (with_base.net_cny + with_base.line_fees).cast(money.MONEY)
    neutral = vat.neutral_taxed_amount(gross, with_base.line_fees, with_base.levy_rate)
    fob = ibis.cases((with_base.fob_usd > 0, with_base.fob_usd), else_=ibis.null(money.MONEY))
    return with_base.mutate(
        tax_amount=(with_base.invoice_amount - with_base.ex_vat_amount).cast(money.MONEY),
        refund_amount=vat.refund_amount(with_base.ex_vat_amount, with_base.refund_rate),
        neutral_amount=ibis.cases((taxed, neutral), else_=ibis.null(money.MONEY)).cast(money.MONEY),
        swap_ratio=money.divide_half_up(with_base.ex_vat_amount, fob, 8),
        net_ratio=money.divide_half_up(with_base.net_cny, fob, 8),
    )


def export_invoices(
    *,
    orders: ir.Table,
    goods: ir.Table,
    received: ir.Table,
    fees: ir.Table,
    terms: ir.Table,
    usd_rates: ir.Table,
    marks: ir.Table,
    tolerance: Tolerance,
) -> ir.Table:
    """The state of every goods line of an export order: the columns of ``export_invoices`` and what exceptions need.

    ``orders`` as ``facts.described_orders``; ``goods`` as ``facts.latest_goods``; ``received`` as
    ``order_receipts``; ``fees`` as ``deducted_fees``; ``terms`` as ``refund_terms``; ``usd_rates``: currency,
    usd_per_1 (to hold USD 50 against another currency); ``marks``: order_no, is_complete (收齐), is_notified
    (开票通知), and per line what VAT invoices say: invoice_no, invoiced_total, invoiced_quantity, is_same_goods.
    """
    lines = _lines(orders, goods, received, fees, terms)
    figured = computed(netted_lines(lines))
    judged = _judged(figured, usd_rates, marks, tolerance)
    return _with_status(judged)


def _lines(orders: ir.Table, goods: ir.Table, received: ir.Table, fees: ir.Table, terms: ir.Table) -> ir.Table:
    heads = orders.filter(orders.is_export).select(
        "order_no",
        "principal_id",
        "currency",
        "declared_fx",
        "is_own_export",
        "is_cancelled",
        "freight_treatment",
        "trade_term",
        "amount_fx",
        "agency_fee",
        "agency_fee_rate",
        _head_declaration="declaration_no",
        _head_declared_on="declared_on",
        _head_exported_on="exported_on",
    )
    of_goods = goods.select(
        "order_no",
        "line_no",
        "goods_name",
        "quantity",
        "legal_unit",
        "fob_usd",
        "hs_code",
        "source_file",
        "source_row",
        _line_declaration="declaration_no",
        _line_declared_on="declared_on",
        _line_exported_on="exported_on",
    )
    joined = heads.join(of_goods, "order_no")
    joined = joined.left_join(received, "order_no", rname="received_{name}").drop("received_order_no")
    joined = joined.left_join(fees, "order_no", rname="fees_{name}").drop("fees_order_no")
    joined = joined.left_join(terms, ["order_no", "line_no"], rname="terms_{name}").drop(
        "terms_order_no", "terms_line_no"
    )
    # C-43, C-44: a cancelled order and one that is not 自营 have no figures.
    computes = joined.is_own_export & ~joined.is_cancelled & joined.gross_cny.notnull()
    null = ibis.null(money.MONEY)
    return joined.mutate(
        declaration_no=ibis.coalesce(joined._line_declaration, joined._head_declaration),
        declared_on=ibis.coalesce(joined._line_declared_on, joined._head_declared_on),
        exported_on=ibis.coalesce(joined._line_exported_on, joined._head_exported_on),
        order_gross=ibis.cases((computes, joined.gross_cny), else_=null),
        order_fees=ibis.cases((computes, joined.fees_cny), else_=null),
        order_net=ibis.cases((computes, joined.gross_cny - joined.fees_cny), else_=null).cast(money.MONEY),
    ).drop(
        "_line_declaration",
        "_head_declaration",
        "_line_declared_on",
        "_head_declared_on",
        "_line_exported_on",
        "_head_exported_on",
    )


def _judged(figured: ir.Table, usd_rates: ir.Table, marks: ir.Table, tolerance: Tolerance) -> ir.Table:
    """How far received is from declared, and what finance, the client or the tax bureau said of the line."""
    priced = figured.left_join(
        usd_rates.select(_usd_currency="currency", usd_per_1="usd_per_1"),
        figured.currency == usd_rates.currency,
    ).drop("_usd_currency")
    marked = priced.left_join(marks, ["order_no", "line_no"], rname="marks_{name}").drop(
        "marks_order_no", "marks_line_no"
    )
    # USD 50 in the order's currency; without a cross rate only the fraction holds.
    fixed = money.divide_half_up(money.decimal_literal(tolerance.usd), marked.usd_per_1)
    share = money.multiply(marked.declared_fx, money.decimal_literal(tolerance.fraction, 8))
    allowed = ibis.greatest(ibis.coalesce(fixed, money.decimal_literal(0)), share)
    # Euros are not held against declared dollars (RCV_CURRENCY_MISMATCH): a person says 收齐.
    same_currency = ibis.coalesce(marked.fx_currency == marked.currency, False)
    gap = ibis.cases((same_currency, marked.declared_fx - marked.received_fx), else_=ibis.null(money.MONEY)).cast(
        money.MONEY
    )
    return marked.mutate(
        received_gap=gap,
        allowed_gap=allowed.cast(money.MONEY),
        invoice_state=_invoice_state(marked),
        is_received_in_full=ibis.coalesce(marked.is_complete, False) | ibis.coalesce(gap <= allowed, False),
    )


def _invoice_state(marked: ir.Table) -> ir.StringValue:
    """已收票 where the received VAT invoices equal the line (amount, quantity, name and unit, C-25), 差异 where not."""
    equal = (
        (marked.invoiced_total == marked.invoice_amount)
        & ibis.coalesce(marked.invoiced_quantity == marked.quantity, True)
        & marked.is_same_goods
    )
    return ibis.cases(
        (marked.invoiced_total.isnull() | marked.invoice_amount.isnull(), ibis.null("string")),
        (equal, "已收票"),
        else_="差异",
    )


def _with_status(judged: ir.Table) -> ir.Table:
    no_input = judged.order_gross.notnull() & judged.order_fees.isnull()
    negative = ibis.coalesce(judged.order_net <= 0, False)
    no_rate = judged.refund_rate.isnull() | judged.levy_rate.isnull()
    figures = judged.invoice_amount.notnull()
    blocked = judged.order_gross.notnull() & ~figures
    received = judged.is_received_in_full
    declared = judged.declared_on.notnull() & judged.declaration_no.notnull()
    status = ibis.cases(
        (judged.is_cancelled, "取消"),
        (~judged.is_own_export, "不适用"),
        (ibis.coalesce(judged.invoice_state, "") != "", judged.invoice_state),
        # Before the declaration FOB and rates may still be missing: nothing is wrong yet.
        (blocked & (declared | no_input | negative), "差异"),
        (~declared, "待报关"),
        (~received | judged.gross_cny.isnull(), "待收齐"),
        (ibis.coalesce(judged.rate_provisional, False), "暂估"),
        (ibis.coalesce(judged.is_notified, False), "已通知"),
        else_="可开票",
    )
    reason = ibis.cases(
        (judged.is_cancelled, "订单已取消或退载，不开票不退税（C-43）"),
        (judged.invoice_state == "差异", "收到的增值税发票与开票金额、数量或品名不符"),
        (~judged.is_own_export, "非自营出口，不适用开票公式（VAT-REF-16）"),
        (no_input, "代理费与代理费率均未填写"),
        (negative, "净额不大于零"),
        (ibis.coalesce(judged.is_rate_invalid, False), "退税率高于征税率"),
        (no_rate, "征税率或退税率未能唯一确定"),
        (judged.net_cny.isnull() & judged.order_net.notnull(), "多项货物缺美元离岸价，净额无法分摊"),
        (judged.gross_cny.isnull() & judged.received_fx.notnull(), "缺汇率，人民币金额无法计算"),
        (judged.received_fx.isnull(), "尚未收汇"),
        (~received, "实收未达报关金额"),
        else_=ibis.null("string"),
    )
    fx, cny = judged.received_fx, judged.gross_cny
    return judged.mutate(
        gross_cny=judged.order_gross,
        fees_cny=judged.order_fees,
        settlement_rate=money.divide_half_up(cny, fx, 8),
        rate_provisional=ibis.coalesce(judged.rate_provisional, False),
        status=status,
        status_reason=reason,
    )
