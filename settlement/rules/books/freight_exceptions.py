"""What is wrong with freight lines (物流费用异常): quotes, costs, vouchers, duplicates, bases, rates, orders.

LOG-AP-01, LOG-AP-02, LOG-AR-02, LOG-AR-03, FRT-03, FRT-04, S2-CST-04, S2-CST-08, C-24. Rows of ``FOUND``. ``charges``
is always what ``freight_charges.price`` returned: every line of every month so far.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from settlement.rules import money
from settlement.rules.books.freight_orders import BY_DECISION, split_targets
from settlement.rules.books.freight_quotes import BY_BOX, BY_TON
from settlement.rules.exceptions import found, sentence, subject_of
from settlement.rules.money import MONEY
from settlement.rules.registry import rule


def line_in_words(table: ir.Table) -> ir.StringValue:
    """Vendor, invoice and charge of a line, in a clerk's words."""
    order = ibis.coalesce("订单 " + table.order_no + " ", "")
    return sentence(order, "供应商 ", table.vendor, " 账单 ", table.vendor_invoice_no, " 的 ", table.charge_code, " ")


def _in_cny(table: ir.Table, amount: ir.DecimalValue) -> ir.DecimalValue:
    """``amount`` of the line's currency at the line's own mid rate: as amount is to cost, so is it to cost_cny."""
    return money.divide_half_up(money.wide(amount) * money.wide(table.cost_cny), table.cost)


@rule("LOG-AP-01", "C-23", inputs=("freight_charges.vendor_quote",), codes=("AP_OVER_QUOTE",))
def over_quote(charges: ir.Table) -> ir.Table:
    """AP_OVER_QUOTE: a line that takes its order's charge over the carrier's quote; the excess is not payable.

    Formula: payable_excess > 0. Units: the line's currency; at risk in CNY. Rounding: none. Errors: none.
    Source: S0 l.738; C-23.
    """
    return found(
        charges.filter(charges.payable_excess > 0),
        code="AP_OVER_QUOTE",
        subject=lambda t: subject_of(t.line_key),
        message=lambda t: sentence(
            line_in_words(t), t.currency, " ", t.cost, "，累计 ", t.cost_so_far, " 超过供应商报价 ", t.quote_so_far, "，超 ",
            t.payable_excess, "；批准前超出部分不付，应收不变。",
        ),
        field="amount",
        found=lambda t: t.cost.cast("string"),
        amount_at_risk_cny=lambda t: _in_cny(t, t.payable_excess),
        arisen_on=lambda t: t.rate_on,
        rule_id="LOG-AP-01",
    )  # fmt: skip


@rule("LOG-AP-02", inputs=("freight.voucher_no",), codes=("AP_NO_VOUCHER",))
def without_voucher(charges: ir.Table) -> ir.Table:
    """AP_NO_VOUCHER: a pass-through line (no carrier's quote) without 代收代付发票凭证; it is not payable yet.

    Formula: no quote, cost > 0, voucher_no empty. Units: CNY. Rounding: none. Errors: none. Source: S0 l.738.
    """
    bare = charges.filter(
        charges.is_pass_through
        & ~charges.is_duplicate
        & ~charges.is_completed
        & charges.voucher_no.isnull()
        & (charges.cost > 0)
    )
    return found(
        bare,
        code="AP_NO_VOUCHER",
        subject=lambda t: subject_of(t.line_key),
        message=lambda t: sentence(
            line_in_words(t),
            t.currency,
            " ",
            t.cost,
            " 没有供应商报价，属实报实销，缺代收代付发票凭证，暂不支付；应收照收。",
        ),
        field="voucher_no",
        amount_at_risk_cny=lambda t: t.cost_cny,
        arisen_on=lambda t: t.rate_on,
        rule_id="LOG-AP-02",
    )


@rule("FRT-04", inputs=("freight",), codes=("FRT_DUPLICATE",))
def billed_twice(charges: ir.Table) -> ir.Table:
    """FRT_DUPLICATE: a line that repeats an earlier one, also where finance approved it (then it stays on record).

    One row a source line, a split one included. Formula: is_repeated. Units: CNY. Rounding: none. Errors: none.
    Source: FRT-04.
    """
    twice = charges.filter(charges.is_repeated)
    lines = twice.group_by("parent_key").agg(
        cost=twice.cost.sum().cast(MONEY),
        cost_cny=twice.cost_cny.sum().cast(MONEY),
        **{
            name: twice[name].min()
            for name in (
                "order_no", "principal_id", "vendor", "vendor_invoice_no", "charge_code", "currency", "bill_no",
                "duplicate_of", "rate_on", "source_file", "source_row",
            )
        },
    )  # fmt: skip
    return found(
        lines,
        code="FRT_DUPLICATE",
        subject=lambda t: subject_of(t.parent_key),
        message=lambda t: sentence(
            line_in_words(t), t.currency, " ", t.cost, "（提单 ", t.bill_no, "）已在账单 ", t.duplicate_of, " 出现过，疑为重复；确认前应付应收均为 0。"
        ),
        amount_at_risk_cny=lambda t: t.cost_cny.abs(),
        arisen_on=lambda t: t.rate_on,
        rule_id="FRT-04",
    )  # fmt: skip


@rule("FRT-04", inputs=("freight.order_no", "freight.bl_no", "freight.container_no"), codes=("FRT_NO_ORDER",))
def without_order(charges: ir.Table) -> ir.Table:
    """FRT_NO_ORDER: a line that fits no order, or several equally; nothing is payable or receivable for it yet.

    Formula: order_no is NULL. Units: CNY. Rounding: none. Errors: none. Source: the contract, section 2.
    """
    loose = charges.filter(charges.order_no.isnull())
    why = ibis.cases(
        (loose.given_order_no.notnull(), sentence("订单号 ", loose.given_order_no, " 不在订单表中")),
        (loose.candidates.notnull(), sentence("符合多个订单：", loose.candidates)),
        else_=ibis.literal("提单号、柜号都找不到订单"),
    )
    loose = loose.mutate(_why=why)
    return found(
        loose,
        code="FRT_NO_ORDER",
        subject=lambda t: subject_of(t.line_key),
        message=lambda t: sentence(
            line_in_words(t), t.currency, " ", t.cost, "（提单 ", ibis.coalesce(t.bl_no, "无"), "，柜号 ", ibis.coalesce(t.container_no, "无"),
            "）", t._why, "。请在“调整”表用“分摊”指定订单与金额，关联号填 ", t.line_key, "。",
        ),
        amount_at_risk_cny=lambda t: t.cost_cny.abs(),
        arisen_on=lambda t: t.rate_on,
        rule_id="FRT-04",
    )  # fmt: skip


@rule("FRT-04", "S2-CST-08", inputs=("freight_charges.vendor_quote",), codes=("FRT_RATE_DIFF",))
def rate_differs(charges: ir.Table) -> ir.Table:
    """FRT_RATE_DIFF: the bill is in another currency than quoted, or all of a charge comes to less than quoted.

    (More than quoted is AP_OVER_QUOTE.) The sum of an order's charge is held against the quote of what was billed.
    Formula: Σ cost < Σ quote, at the last line. Units: the line's currency. Rounding: none. Errors: none.
    Source: S2 l.514; FRT-04.
    """
    quoted = charges.filter(
        charges.has_quote & charges.order_no.notnull() & ~charges.is_duplicate & charges.vendor.notnull()
    )
    other = quoted.filter(
        quoted.quote_currency.notnull() & (quoted.quote_currency != quoted.currency) & ~quoted.quote_tied
    )
    in_other = found(
        other,
        code="FRT_RATE_DIFF",
        subject=lambda t: subject_of(t.line_key),
        message=lambda t: sentence(
            line_in_words(t),
            "账单币种 ",
            t.currency,
            " ",
            t.cost,
            "，报价币种 ",
            t.quote_currency,
            "（",
            t.options,
            "），不能比较，应付未定。",
        ),
        field="currency",
        found=lambda t: t.currency,
        amount_at_risk_cny=lambda t: t.cost_cny.abs(),
        arisen_on=lambda t: t.rate_on,
        rule_id="FRT-04",
    )
    same = quoted.filter(~quoted.quote_conflict)
    last = ibis.window(group_by=["order_no", "charge_code", "vendor", "currency"], order_by=same.seq.desc())
    newest = same.mutate(_rank=ibis.row_number().over(last)).filter(lambda t: t._rank == 0)
    below = newest.filter((newest.cost_so_far < newest.quote_so_far) & (newest.cost_so_far > 0))
    less = found(
        below,
        code="FRT_RATE_DIFF",
        subject=lambda t: subject_of(t.order_no, t.charge_code, t.vendor, t.currency),
        message=lambda t: sentence(
            line_in_words(t), "累计 ", t.currency, " ", t.cost_so_far, "，供应商报价 ", t.quote_so_far, "，低于报价 ",
            (t.quote_so_far - t.cost_so_far).cast(MONEY), "。",
        ),
        amount_at_risk_cny=lambda t: _in_cny(t, (t.quote_so_far - t.cost_so_far).cast(MONEY)),
        arisen_on=lambda t: t.rate_on,
        rule_id="S2-CST-08",
    )  # fmt: skip
    return in_other.union(less)


@rule("FRT-03", inputs=("freight.unit_basis", "freight.quantity", "charge_basis"), codes=("FRT_BASIS",))
def wrong_basis(charges: ir.Table, charge_basis: ir.Table) -> ir.Table:
    """FRT_BASIS: counted by another unit than quoted (without a quote: than usual), or more boxes than the order has,

    or a quantity that the order does not tell. ``charge_basis``: charge_code, unit_basis, valid_from, valid_to.
    Formula: unit_basis ≠ quote's, quantity > boxes of the order. Units: 票, 柜, RT. Rounding: none. Errors: none.
    Source: FRT-03; S2-CNT-01.
    """
    usual = charge_basis.select(
        usual_code="charge_code", usual_basis="unit_basis", usual_from="valid_from", usual_to="valid_to"
    )
    lines = charges.filter(charges.order_no.notnull() & ~charges.is_duplicate)
    joined = lines.left_join(
        usual,
        [
            lines.charge_code == usual.usual_code,
            usual.usual_from <= lines.rate_on,
            usual.usual_to.isnull() | (lines.rate_on <= usual.usual_to),
        ],
    )
    wanted = ibis.coalesce(joined.carrier_basis, joined.usual_basis)
    is_bill = joined.vendor.notnull() & (joined.cost > 0)
    # Loose cargo goes by the ton whatever is usual for boxes; only a quote says otherwise.
    by_ton = (joined.unit_basis == BY_TON) & joined.carrier_basis.isnull()
    off = ibis.coalesce(is_bill & (joined.unit_basis != wanted) & ~by_ton, False)
    counted = ibis.coalesce(joined.unit_basis, joined.carrier_basis) == BY_BOX
    many = ibis.coalesce(
        is_bill & counted & (joined.carrier_basis == BY_BOX) & (joined.quantity > joined.order_quantity), False
    )
    untold = ibis.coalesce(joined.client_conflict & ~joined.client_tied, False)
    guessed = ibis.coalesce(joined.is_billed_quantity, False)
    partly = joined.missing_types.notnull()
    why = ibis.cases(
        (off, sentence("按", joined.unit_basis, "计 ", joined.quantity.cast("decimal(18, 2)"), "，应按", wanted, "计")),
        (
            many,
            sentence(
                "账单 ",
                joined.quantity.cast("decimal(18, 2)"),
                " 柜，订单只有 ",
                joined.order_quantity.cast("decimal(18, 2)"),
                " 柜，多出的不付",
            ),
        ),
        (
            untold,
            sentence(
                "客户报价按", ibis.coalesce(joined.client_basis, "柜"), "计，订单和账单都没有写明数量，应收无法计算"
            ),
        ),
        (
            guessed,
            sentence(
                "客户报价按",
                joined.client_basis,
                "计，订单未写明数量，应收按账单数量 ",
                joined.client_quantity.cast("decimal(18, 2)"),
                " 计",
            ),
        ),
        (partly, sentence("客户报价没有箱型 ", joined.missing_types, "，该箱型未计应收")),
        else_=ibis.null("string"),
    )
    named = joined.mutate(_why=why)
    return found(
        named.filter(named._why.notnull()),
        code="FRT_BASIS",
        subject=lambda t: subject_of(t.line_key),
        message=lambda t: sentence(line_in_words(t), t.currency, " ", t.cost, "：", t._why, "。"),
        field="unit_basis",
        found=lambda t: t.unit_basis,
        amount_at_risk_cny=lambda t: ibis.coalesce(t.cost_cny.abs(), t.receivable_cny),
        arisen_on=lambda t: t.rate_on,
        rule_id="FRT-03",
    )


@rule("S2-CST-04", inputs=("freight.charge_code", "freight.charge_name", "documents"), codes=("FRT_BASIS",))
def all_in_without_breakdown(charges: ir.Table, documents: ir.Table) -> ir.Table:
    """FRT_BASIS (S2-CST-04): an ALL IN charge that does not say which charges it includes.

    It says so in its name (含…, 包括…, INCL…) or by a document (文件类型 ALL IN 明细) of its order. Formula: none.
    Units: lines. Rounding: none. Errors: none. Source: S2 l.214.
    """
    kinds = documents.doc_kind.upper().re_search(r"ALL[\s\-]?IN|包干")
    broken_down = documents.filter(kinds).select("order_no").distinct()
    words = charges.charge_code.upper() + " " + ibis.coalesce(charges.charge_name.upper(), "")
    whole = charges.filter(words.re_search(r"ALL[\s\-]?IN|包干") & (charges.cost > 0) & ~charges.is_duplicate)
    silent = whole.filter(~ibis.coalesce(whole.charge_name.upper().re_search("含|包括|INCL"), False))
    return found(
        silent.anti_join(broken_down, "order_no"),
        code="FRT_BASIS",
        subject=lambda t: subject_of(t.line_key, "ALL-IN"),
        message=lambda t: sentence(
            line_in_words(t), t.currency, " ", t.cost, " 为包干价（ALL IN），未列明包含哪些费用。"
        ),
        field="charge_name",
        found=lambda t: t.charge_name,
        amount_at_risk_cny=lambda t: t.cost_cny.abs(),
        arisen_on=lambda t: t.rate_on,
        rule_id="S2-CST-04",
    )


@rule("LOG-AP-01", inputs=("adjustments",), codes=("DECISION_ORPHAN", "DECISION_OVER"))
def splits_found(assigned: ir.Table, splits: ir.Table) -> ir.Table:
    """分摊 decisions that moved nothing: DECISION_OVER (more than the lines they name), else DECISION_ORPHAN.

    ``assigned``: of ``assign_orders``; ``splits``: of ``split_decisions``. Formula: the decision's sum is neither a
    line's amount nor that of all lines its reference fits. Units: the line's currency. Rounding: none. Errors: none.
    Source: the contract, section 2.
    """
    fixed = assigned.order_no.min(where=assigned.order_source != BY_DECISION)
    whole = (
        assigned.group_by("parent_key")
        .agg(
            **{
                name: assigned[name].min()
                for name in ("vendor_invoice_no", "bl_no", "container_no", "currency", "seq", "occurrence")
            },
            amount=assigned.whole_amount.min().cast(MONEY),
            order_no=fixed,
        )
        .rename(line_key="parent_key")
    )
    unplaced = whole.filter(whole.order_no.isnull() & (whole.occurrence == 1))
    used = split_targets(whole, splits).select("ref_no", "currency").distinct()
    sets = splits.group_by("ref_no", "currency").agg(
        decided=splits.decided.max(),
        is_usable=splits.is_usable.all(),
        orders=splits.to_order.group_concat(sep="、", order_by=splits.to_order.asc()),
    )
    idle = sets.anti_join(used, ["ref_no", "currency"])
    names = ibis.union(
        *[
            table.select(ref=table[name].upper(), currency="currency", amount="amount", key="line_key")
            for table, name in (
                (whole, "line_key"),
                (unplaced, "vendor_invoice_no"),
                (unplaced, "bl_no"),
                (unplaced, "container_no"),
            )
        ],
        distinct=True,
    )
    sums = names.group_by("ref", "currency").agg(lines_sum=names.amount.sum().cast(MONEY))
    keyed = idle.mutate(_ref=idle.ref_no.upper())
    joined = keyed.left_join(sums, [keyed._ref == sums.ref, keyed.currency == sums.currency], rname="s_{name}")
    is_over = ibis.coalesce(joined.is_usable & (joined.decided.abs() > joined.lines_sum.abs()), False)
    named = joined.mutate(_code=is_over.ifelse("DECISION_OVER", "DECISION_ORPHAN"))
    return found(
        named,
        code=lambda t: t._code,
        subject=lambda t: subject_of("分摊", t.ref_no, t.currency),
        message=lambda t: sentence(
            "分摊决定（关联号 ", t.ref_no, "，订单 ", t.orders, "）合计 ", t.currency, " ", t.decided, "，所指未归属账单",
            ibis.coalesce("合计 " + t.lines_sum.cast("string"), "没有"), "，两者须相等且订单须存在，该决定未生效。",
        ),
        amount_at_risk_cny=lambda t: (t.currency == "CNY").ifelse(t.decided.abs(), ibis.null(MONEY)),
        rule_id="contract-2",
    )  # fmt: skip
