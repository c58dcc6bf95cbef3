"""What trade documents say (单据核对), held against each other, the order and the application.

EXP-RCV-01, EXP-DOC-01, EXP-REF-01, EXP-INV-03, C-26, C-09. Each function returns rows
of ``FOUND`` and of rule_coverage; what only one side states is neither pass nor breach. ``documents``: facts.documents
``normalised``, one row a fact; the newest row of an order, kind and field speaks.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from settlement.rules import balances, money
from settlement.rules.books.counted import counted
from settlement.rules.exceptions import found, sentence, subject_of
from settlement.rules.names import name_key
from settlement.rules.registry import rule

PROOFS = ("国外付汇凭证", "付汇凭证", "国外水单")
PREENTRIES = ("预录单", "报关预录单")
DECLARATIONS = ("报关单", "出口报关单")
REFUND_COPIES = ("退税联", "报关单退税联", "退税单证", "报关单电子信息")
CONTRACTS, INVOICES = ("贸易合同", "合同"), ("形式发票", "PI")
OUR_PAPERS = ("我方合同", "代理合同", "预付合同", "我方形式发票", "预付形式发票")
CERTIFICATES = ("外汇登记证",)
STATEMENTS = ("货款对账单", "开票通知", "开票通知单")
BALANCE_SHEETS = ("余款对账单", "余额对账单")
FREE_TRADE_ZONES = "自贸区|自由贸易"
YES = ("是", "Y", "YES")

# The same fact under other words; what stands on the left is compared as what stands on the right.
_FIELDS = {
    "境内收发货人": "抬头", "收发货人": "抬头", "经营单位": "抬头", "品名": "货物名称", "商品名称": "货物名称",
    "商品编号": "商品编码", "HS编码": "商品编码", "单位": "法定第一计量单位", "计量单位": "法定第一计量单位",
    "总价": "金额", "报关金额": "金额", "合同金额": "金额", "发票金额": "金额", "发票号": "形式发票号", "PI号": "形式发票号",
    "合同协议号": "合同号", "收款人": "收款方名称", "收款单位": "收款方名称", "收款人名称": "收款方名称", "受益人": "收款方名称",
    "收款银行账号": "收款账号", "收款人账号": "收款账号", "账号": "收款账号",
}  # fmt: skip
_NAMES = ("抬头", "收款方名称", "收款方", "买方", "卖方")
_FIGURES = ("数量", "毛重", "净重", "件数", "体积", "金额", "离岸价")
_AMOUNT = "decimal(18, 4)"


def normalised(documents: ir.Table) -> ir.Table:
    """facts.documents with one word for each kind and field: what every function here and in the paper findings takes."""
    return documents.mutate(
        doc_kind=documents.doc_kind.upper(), field=documents.field.cases(*_FIELDS.items(), else_=documents.field)
    )


def facts_of(documents: ir.Table, *kinds: str) -> ir.Table:
    """The facts of those kinds of document; ``documents``: of ``normalised``."""
    return documents.filter(documents.doc_kind.isin([kind.upper() for kind in kinds]))


def newest(facts: ir.Table, *key: str) -> ir.Table:
    order = ibis.window(
        group_by=list(key),
        order_by=[
            facts.month.desc(), facts.dated_on.desc(nulls_first=False), facts.source_file.desc(), facts.source_row.desc(),
        ],
    )  # fmt: skip
    return facts.mutate(_rank=ibis.row_number().over(order)).filter(lambda t: t._rank == 0).drop("_rank")


def plain(value: ir.StringValue, field: ir.StringValue) -> ir.StringValue:
    """A value as it is compared: figures as numbers, names by their key, texts without case, blanks and punctuation."""
    number = value.re_replace(r"[^0-9.\-]", "").try_cast(_AMOUNT).cast("string")
    text = value.upper().re_replace(r"[\s,.;:，。；：、()（）\-]+", "")
    text = field.isin(_NAMES).ifelse(name_key(value), text)
    return ibis.coalesce(field.isin(_FIGURES).ifelse(number, ibis.null("string")), text)


def figure_of(value: ir.StringValue) -> ir.DecimalValue:
    """A figure of a document: ``EUR79975,00`` (FX-10), ``79,975.00`` and ``-1,234.5`` alike; NULL where there is none."""
    bare = value.re_replace(r"[^0-9.,\-]", "")
    swift = bare.re_search(r"^-?[0-9]+,[0-9]{0,2}$") & ~bare.contains(".")
    return swift.ifelse(bare.replace(",", "."), bare.replace(",", "")).re_replace(r"\.$", "").try_cast(money.MONEY)


def _pairs(first: ir.Table, second: ir.Table) -> ir.Table:
    """``first`` (facts of a document) beside what ``second`` (order_no, field, value, said_by) says of the same field."""
    other = second.select("order_no", "field", _other="value", _by="said_by")
    joined = first.join(other, ["order_no", "field"])
    same = plain(joined.value, joined.field) == plain(joined._other, joined.field)
    return joined.mutate(_same=ibis.coalesce(same, False))


def _documented(facts: ir.Table) -> ir.Table:
    return newest(facts, "order_no", "field").select("order_no", "field", "value", said_by="doc_kind")


def owned(rows: ir.Table, orders: ir.Table) -> ir.Table:
    owner = orders.select("order_no", "principal_id").distinct(on="order_no")
    return rows.join(owner, "order_no")


def _mismatch(rows: ir.Table, code: str, rule_id: str, *more) -> ir.Table:
    return found(
        rows.filter(~rows._same),
        code=code,
        subject=lambda t: subject_of(t.order_no, t.field),
        message=lambda t: sentence(
            "订单 ", t.order_no, " 的", t.field, "：", t.doc_kind, "为“", t.value, "”，", t._by, "为“", t._other, "”",
            *[part(t) if callable(part) else part for part in more], "。",
        ),
        found=lambda t: t.value,
        arisen_on=lambda t: t.dated_on,
        rule_id=rule_id,
    )  # fmt: skip


def _counted(rule_id: str, said: ir.Table, pairs: ir.Table) -> ir.Table:
    """rule_coverage by order: checked where any field could be compared, else not checkable."""
    by_order = (
        said.select("order_no")
        .distinct()
        .left_join(
            pairs.group_by("order_no").agg(_checked=ibis.literal(True), _failed=(~pairs._same).any()), "order_no"
        )
    )
    return counted(rule_id, by_order, checked="_checked", failed="_failed")


@rule("EXP-RCV-01", inputs=("documents", "own_company", "own_accounts"), codes=("RCV_PAYEE_MISMATCH",))
def payees_of_proofs(
    documents: ir.Table, orders: ir.Table, company: ir.Table, accounts: ir.Table
) -> tuple[ir.Table, ir.Table]:
    """RCV_PAYEE_MISMATCH: the foreign payment proof (国外付汇凭证) names a payee or an account that is not ours.

    Formula: payee ∈ {name, name_en} of own_company, account ∈ own_accounts, compared without case, blanks and
    punctuation. Units: CNY at the order's contract value are not converted: no amount. Rounding: none.
    Errors: none; a field the proof does not state is not checked. Source: S0 l.883.
    """
    said = newest(facts_of(documents, *PROOFS), "order_no", "field")
    said = owned(said.filter(said.field.isin(["收款方名称", "收款账号"])), orders)
    names = company.select(field=ibis.literal("收款方名称"), _ours="name").union(
        company.filter(company.name_en.notnull()).select(field=ibis.literal("收款方名称"), _ours="name_en")
    )
    ours = names.union(accounts.select(field=ibis.literal("收款账号"), _ours="account_no"))
    ours = ours.mutate(_key=plain(ours._ours, ours.field)).select(_of="field", _key="_key").distinct()
    keyed = said.mutate(_plain=plain(said.value, said.field))
    joined = keyed.left_join(ours, [keyed.field == ours._of, keyed._plain == ours._key])
    marked = joined.mutate(
        _same=joined._key.notnull(), _by=ibis.literal("本公司"), _other=ibis.literal("登记的名称与账户之外")
    )
    rows = found(
        marked.filter(~marked._same),
        code="RCV_PAYEE_MISMATCH",
        subject=lambda t: subject_of(t.order_no, t.field),
        message=lambda t: sentence(
            "订单 ", t.order_no, " 的", t.doc_kind, "：", t.field, "“", t.value, "”不是本公司登记的名称或账户。"
        ),
        found=lambda t: t.value,
        arisen_on=lambda t: t.dated_on,
        rule_id="EXP-RCV-01",
    )
    return rows, _counted("EXP-RCV-01", said, marked)


def _order_facts(orders: ir.Table, goods: ir.Table, company: ir.Table) -> ir.Table:
    """What the order and its only goods line say of a declaration: order_no, field, value, said_by."""
    lines = goods.group_by("order_no").agg(
        _lines=goods.count(),
        **{name: goods[name].min() for name in ("hs_code", "goods_name", "quantity", "legal_unit")},
    )
    single = lines.filter(lines._lines == 1)
    declared = orders.filter(orders.is_export & ~orders.is_cancelled)
    parts = [
        (declared, "报关单号", declared.declaration_no),
        (declared, "币种", declared.currency),
        (declared, "金额", declared.declared_fx.cast("string")),
        (single, "商品编码", single.hs_code),
        (single, "货物名称", single.goods_name),
        (single, "数量", single.quantity.cast("string")),
        (single, "法定第一计量单位", single.legal_unit),
    ]
    said = [
        table.filter(value.notnull()).select(
            "order_no", field=ibis.literal(field), value=value, said_by=ibis.literal("订单")
        )
        for table, field, value in parts
    ]
    ours = declared.filter(declared.is_own_export).cross_join(company.select(_our_name="name").limit(1))
    return ibis.union(
        *said, ours.select("order_no", field=ibis.literal("抬头"), value="_our_name", said_by=ibis.literal("本公司"))
    )


def declared(documents: ir.Table, orders: ir.Table, goods: ir.Table, company: ir.Table) -> ir.Table:
    """The declaration's facts: what 报关单 says; where it is silent, what the order says."""
    papers = _documented(facts_of(documents, *DECLARATIONS))
    others = _order_facts(orders, goods, company).anti_join(papers, ["order_no", "field"])
    return papers.union(others)


@rule(
    "EXP-DOC-01", "EXP-REF-01",
    inputs=("documents", "orders.declaration_no", "orders.declared_fx", "goods", "own_company"),
    codes=("PREENTRY_MISMATCH", "REFUND_DOC_MISMATCH"),
)  # fmt: skip
def declarations_differ(documents: ir.Table, orders: ir.Table, declared: ir.Table) -> tuple[ir.Table, ir.Table]:
    """PREENTRY_MISMATCH and REFUND_DOC_MISMATCH, one a field: a pre-entry (预录单) or the refund copy (退税联) differs

    from the declaration: ``declared``, what 报关单 states, else the order. Formula: equal as ``plain``.
    Units: as written. Rounding: none. Errors: none; a field only one of them states is not checked. Source: S0 l.815.
    """
    found_rows, coverage = [], []
    for kinds, code, rule_id in (
        (PREENTRIES, "PREENTRY_MISMATCH", "EXP-DOC-01"), (REFUND_COPIES, "REFUND_DOC_MISMATCH", "EXP-REF-01"),
    ):  # fmt: skip
        said = owned(newest(facts_of(documents, *kinds), "order_no", "field"), orders)
        pairs = _pairs(said, declared)
        found_rows.append(_mismatch(pairs, code, rule_id))
        coverage.append(_counted(rule_id, said, pairs))
    return ibis.union(*found_rows), ibis.union(*coverage)


@rule(
    "EXP-INV-03", "C-26", inputs=("documents", "goods.legal_unit", "unit_alias"), codes=("STMT_UNIT_NOT_LEGAL_FIRST",)
)
def statement_units(
    documents: ir.Table, orders: ir.Table, goods: ir.Table, aliases: ir.Table
) -> tuple[ir.Table, ir.Table]:
    """STMT_UNIT_NOT_LEGAL_FIRST: the goods statement (货款对账单, 开票通知) counts in another unit than the first legal one.

    ``aliases``: alias, unit (C-26). The unit must be that of one of the order's lines. Formula: equal through the
    alias table. Units: none. Rounding: none. Errors: none. Source: S0 l.815.
    """
    said = owned(newest(facts_of(documents, *STATEMENTS), "order_no", "field"), orders)
    said = said.filter(said.field == "法定第一计量单位")

    def named(table: ir.Table, column: str) -> ir.Table:
        joined = table.left_join(
            aliases.select(_alias="alias", _unit="unit"), table[column].upper() == aliases["alias"].upper()
        )
        return joined.mutate(_named=ibis.coalesce(joined._unit, joined[column].upper())).drop("_alias", "_unit")

    legal = (
        named(goods, "legal_unit")
        .group_by("order_no")
        .agg(_units=lambda t: t._named.collect(), _legal=lambda t: t.legal_unit.min())
    )
    joined = named(said, "value").join(legal, "order_no")
    pairs = joined.mutate(_same=joined._units.contains(joined._named))
    rows = found(
        pairs.filter(~pairs._same),
        code="STMT_UNIT_NOT_LEGAL_FIRST",
        subject=lambda t: subject_of(t.order_no),
        message=lambda t: sentence(
            "订单 ", t.order_no, "：", t.doc_kind, "按“", t.value, "”计，报关单法定第一计量单位为“", t._legal, "”。"
        ),
        found=lambda t: t.value,
        field="legal_unit",
        arisen_on=lambda t: t.dated_on,
        rule_id="EXP-INV-03",
    )
    return rows, _counted("EXP-INV-03", said, pairs)


@rule("C-09", "IMP-BAL-01", "EXP-BAL-01", inputs=("documents", "order_balances"), codes=("BAL_SIGN_INCONSISTENT",))
def balance_signs(documents: ir.Table, order_balances: ir.Table) -> tuple[ir.Table, ir.Table]:
    """BAL_SIGN_INCONSISTENT: a balance sheet to the client (余款对账单, field 余款) has the other sign than the books.

    The sheet bears the seed's sign, as ``balances.displayed_balance``: import + = the client pays, export + = we return.
    Formula: sign(余款) = −sign(displayed). Units: CNY. Rounding: none. Errors: none; zero has no sign and passes.
    Source: decision C-09; S0 l.815, 883.
    """
    facts = facts_of(documents, *BALANCE_SHEETS)
    said = newest(facts.filter(facts.field.isin(["余款", "余额", "账款余款"])), "order_no")
    said = said.mutate(_said=figure_of(said.value))
    trade = order_balances.filter(order_balances.kind.isin(["export", "import"]))
    joined = said.join(trade.select("order_no", "principal_id", "kind", "balance_cny"), "order_no")
    shown = balances.displayed_balance(joined.kind, joined.balance_cny)
    judged = joined.mutate(_shown=shown, _checked=joined._said.notnull())
    judged = judged.mutate(
        _off=ibis.coalesce(
            ((judged._said > 0) & (judged._shown < 0)) | ((judged._said < 0) & (judged._shown > 0)), False
        )
    )
    rows = found(
        judged.filter(judged._off),
        code="BAL_SIGN_INCONSISTENT",
        subject=lambda t: subject_of(t.order_no),
        message=lambda t: sentence(
            "订单 ", t.order_no, "：", t.doc_kind, "写余款 ", t._said, " 元，账上余款 ", t._shown, " 元，收付方向相反。"
        ),
        found=lambda t: t.value,
        amount_at_risk_cny=lambda t: t._shown.abs(),
        arisen_on=lambda t: t.dated_on,
        rule_id="C-09",
    )
    return rows, counted("C-09", judged, checked="_checked", failed="_off")
