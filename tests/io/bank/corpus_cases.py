"""The corpus: at least three files for each bank, each with quirks its exports are known for."""

from __future__ import annotations

from decimal import Decimal

from tests.io.bank.corpus_layouts import (
    ACCOUNT,
    BANK,
    CREDIT,
    DEBIT,
    NAME,
    PURPOSE,
    REF,
    REMARK,
    SUMMARY,
    Case,
    balance,
    constant,
    mark,
    moment,
    money,
    plain,
    side,
    side_counts,
    side_totals,
    size,
    totals,
    value,
    words,
)
from tests.io.bank.corpus_truth import HOLDER, Account, Line, cny, cut, jpy, usd, wallet

# fmt: off


def full_width(text: str) -> str:
    return text.translate(str.maketrans("0123456789,.-", "０１２３４５６７８９，．－"))


def brackets(amount: Decimal) -> str:
    return f"({abs(amount):,.2f})" if amount < 0 else f"{amount:,.2f}"


def trailing(amount: Decimal) -> str:
    return f"{abs(amount):,.2f}-" if amount < 0 else f"{amount:,.2f}"


def signed(form):
    return lambda line: form(line.amount)


def number(amount: Decimal) -> Decimal:
    return amount


def cases() -> list[Case]:
    return [*icbc(), *boc(), *ccb(), *cmb(), *abc(), *bocom(), *spdb(), *citic(), *alipay(), *wechat(), *others()]


def icbc() -> list[Case]:
    first, dollars, later = cny("1202020119900123456"), usd("1202020129014567890"), cut(cny("1202020119900654321"), 0, 8)
    out, into = side_totals(later)
    return [
        Case("icbc_history.csv", "icbc", first,
             [("凭证号", None, constant("0")), ("本方账号", "account_no", constant(first.number)), ("对方账号", *ACCOUNT), ("交易时间", "booked_at", moment("%Y-%m-%d %H:%M:%S")),
              ("借/贷", None, mark("贷", "借")), ("借方发生额", None, side(DEBIT)), ("贷方发生额", None, side(CREDIT)), ("对方行号", *BANK), ("摘要", *SUMMARY),
              ("用途", *PURPOSE), ("对方单位名称", *NAME), ("余额", *balance()), ("(回单)个性化信息", *REMARK)],
             before=[["[HISTORYDETAIL]"]], encoding="gb18030", is_reversed=True, is_anchored=False),
        Case("icbc_really_excel.ole.csv", "icbc", later,
             [("凭证号", *REF), ("本方账号", "account_no", constant(later.number)), ("对方账号", *ACCOUNT), ("交易时间", "booked_at", moment("%Y-%m-%d %H:%M:%S")), ("借/贷", None, mark("贷", "借")),
              ("转入金额", None, side(CREDIT)), ("转出金额", None, side(DEBIT)), ("对方行号", *BANK), ("摘要", *SUMMARY), ("用途", *PURPOSE), ("对方单位", *NAME),
              ("余额", *balance()), ("个性化信息", *REMARK)],
             before=[[f"户名：{HOLDER}", "", f"账号：{later.number}"]], after=[["合计", "", "", "", "", into, out]]),
        Case("icbc_dollars.xlsx", "icbc", dollars,
             [("交易时间", "booked_at", lambda line: line.at), ("借贷标志", None, mark("贷", "借")), ("发生额", None, size(number)), ("币种", "currency", constant("美元")),
              ("余额", *balance(number)), ("对方账号", *ACCOUNT), ("对方户名", *NAME), ("摘要", *SUMMARY), ("用途", *PURPOSE)],
             before=[["账号", dollars.number], ["期初余额", dollars.opening, "", "期末余额", dollars.closing]]),
        Case("icbc_full_width.csv", "icbc", first,
             [("日期", None, lambda line: f"{line.at:%Y}年{line.at.month}月{line.at.day}日"), ("对方户名", *NAME), ("对方账号", "counterparty_account", lambda line: f"'{line.account}" if line.account else "-"),
              ("摘要", *SUMMARY), ("借方发生额", None, side(DEBIT, lambda a: full_width(trailing(a)), "-----")), ("贷方发生额", None, side(CREDIT, lambda a: full_width(money(a)), "-----")), ("余额", *balance(lambda a: "￥" + money(a)))],
             before=[[f"账 号：{first.number}　户 名：{HOLDER}"], ["币种：人民币", "起始日期：2023-09-01", "终止日期：2023-09-30"]],
             after=[["期初余额", "", "", "", "", "", money(first.opening)], ["期末余额", "", "", "", "", "", money(first.closing)]], encoding="utf-8-sig"),
    ]


def _boc_columns(account: Account, form) -> list:
    own = constant(account.number)
    def paid(line: Line) -> bool:
        return line.amount < 0
    return [
        ("交易类型[ Transaction Type ]", None, lambda line: "往账" if paid(line) else "来账"), ("业务类型[ Business type ]", None, constant("")),
        ("付款人开户行名[ Payer account bank ]", "counterparty_bank", lambda line: "中国银行宁波市分行" if paid(line) else line.bank or ""),
        ("付款人账号[ Debit Account No. ]", "counterparty_account", lambda line: account.number if paid(line) else line.account or ""),
        ("付款人名称[ Payer's Name ]", "counterparty_name", lambda line: HOLDER if paid(line) else line.name or ""),
        ("收款人开户行名[ Beneficiary account bank ]", None, lambda line: line.bank or "" if paid(line) else "中国银行宁波市分行"),
        ("收款人账号[ Payee's Account Number ]", None, lambda line: line.account or "" if paid(line) else own(line)),
        ("收款人名称[ Payee's Name ]", None, lambda line: line.name or "" if paid(line) else HOLDER),
        ("交易日期[ Transaction Date ]", None, moment("%Y%m%d")), ("交易时间[ Transaction time ]", "booked_at", moment("%H:%M:%S")),
        ("交易货币[ Trade Currency ]", "currency", constant(account.currency)), ("交易金额[ Trade Amount ]", None, signed(form)),
        ("交易后余额[ After-transaction balance ]", *balance(form)), ("起息日期[ Value Date ]", "value_on", value("%Y%m%d")),
        ("汇率[ Exchange rate ]", "fx_rate", lambda line: line.fx_rate or ""), ("交易流水号[ Transaction reference number ]", *REF),
        ("摘要[ Reference ]", *SUMMARY), ("用途[ Purpose ]", *PURPOSE), ("交易附言[ Remark ]", *REMARK),
    ]


def _boc_head(account: Account) -> list[list[str]]:
    stated = totals(account)
    return [
        ["查询账号[ Inquirer account number ]", account.number], ["账号名称[ Inquirer account name ]", HOLDER],
        ["总笔数[ Total number of payments ]", stated["#"]],
        ["借方总笔数[ Total number of debited payments ]", stated["out#"], "借方总额[ Total debit amount of payments ]", stated["out"]],
        ["贷方总笔数[ Total number of credited payments ]", stated["in#"], "贷方总额[ Total credit amount of payments ]", stated["in"]],
        ["查询时间范围[ Time Range ]", "20230901-20230930"], [],
    ]


def boc() -> list[Case]:
    dollars, yen, yuan = usd("398765432109"), jpy("401234567890"), cny("377766554433")
    return [
        Case("boc_dollars.csv", "boc", dollars, _boc_columns(dollars, plain), before=_boc_head(dollars), encoding="utf-8-sig"),
        Case("boc_yen_pipes.txt", "boc", yen, _boc_columns(yen, lambda a: f"{a:.0f}"), before=[[f"查询账号[ Inquirer account number ]:{yen.number}"], [f"总笔数:{len(yen.lines)}"]],
             delimiter="|", encoding="utf-8", is_anchored=False),
        Case("boc_yuan.xlsx", "boc", yuan, _boc_columns(yuan, number), before=_boc_head(yuan), is_reversed=True),
        Case("boc_utf16.txt", "boc", cut(dollars, 3, 8), _boc_columns(dollars, plain), before=_boc_head(cut(dollars, 3, 8)), encoding="utf-16", delimiter="\t"),
    ]


def ccb() -> list[Case]:
    first, second, third = cny("33050161712700009876"), cut(cny("33050161712700001111"), 2, 12), usd("33014161712700002222")
    corporate = [
        ("账号", "account_no", constant(first.number)), ("账户名称", None, constant(HOLDER)), ("交易时间", "booked_at", moment("%Y%m%d %H:%M:%S")), ("借方发生额（支取）", None, side(DEBIT, plain, "0.00")),
        ("贷方发生额（收入）", None, side(CREDIT, plain, "0.00")), ("余额", *balance(plain)), ("币种", "currency", constant("人民币元")), ("对方户名", *NAME), ("对方账号", *ACCOUNT),
        ("对方开户机构", *BANK), ("记账日期", None, moment("%Y%m%d")), ("摘要", *SUMMARY), ("备注", *REMARK), ("账户明细编号-交易流水号", *REF), ("企业流水号", None, constant("")),
        ("凭证种类", None, constant("电子转账凭证")), ("凭证号", None, constant("00000000"))]
    two_rows = [["交易日期", "摘要", "发生额/元", "", "余额/元", "对方户名", "对方账号", "凭证号"], ["", "", "借方", "贷方", "", "", "", ""]]
    out, into = side_totals(second)
    return [
        Case("ccb_corporate.xls", "ccb", first, corporate, after=[["合计", "", "", *side_totals(first)], ["以上数据仅供参考，具体内容请以柜台为准。"]]),
        Case("ccb_two_rows.csv", "ccb", second,
             [("", None, moment("%Y-%m-%d")), ("", *SUMMARY), ("", None, side(DEBIT, brackets)), ("", None, side(CREDIT)), ("", *balance()), ("", *NAME), ("", *ACCOUNT), ("", *REF)],
             before=[["中国建设银行活期存款明细账"], [f"账号：{second.number}", "", "币种：人民币"]], header_rows=two_rows, after=[["本页小计", "", out, into], ["合计", "", out, into]], encoding="gb18030"),
        Case("ccb_dollars.csv", "ccb", third,
             [("账号", "account_no", constant(third.number)), ("交易时间", "booked_at", moment("%Y%m%d %H:%M:%S")), ("借方发生额（支取）", None, side(DEBIT)), ("贷方发生额（收入）", None, side(CREDIT)), ("余额", *balance()),
              ("币种", "currency", constant("美元")), ("对方户名", *NAME), ("对方账号", *ACCOUNT), ("对方开户机构", *BANK), ("记账日期", None, moment("%Y%m%d")), ("摘要", *SUMMARY), ("备注", *REMARK), ("账户明细编号-交易流水号", *REF)],
             encoding="gb18030", is_reversed=True, is_anchored=False),
    ]


def cmb() -> list[Case]:
    first, second, third = cny("571905400810123"), usd("571905400832888"), cut(cny("571905400810999"), 0, 6)
    def columns(account: Account, form) -> list:
        return [("账号", "account_no", constant(account.number)), ("账号名称", None, constant(HOLDER)), ("币种", "currency", constant(account.currency if account.currency != "CNY" else "人民币")), ("交易日", None, moment("%Y-%m-%d")),
                ("交易时间", "booked_at", moment("%H:%M:%S")), ("起息日", "value_on", value("%Y-%m-%d")), ("交易类型", None, constant("")), ("借方金额", None, side(DEBIT, form)), ("贷方金额", None, side(CREDIT, form)),
                ("余额", *balance(form)), ("摘要", *SUMMARY), ("流水号", *REF), ("业务名称", None, constant("")), ("用途", *PURPOSE), ("业务摘要", None, words("summary")), ("其它摘要", None, constant("")),
                ("收(付)方名称", *NAME), ("收(付)方账号", *ACCOUNT), ("收(付)方开户行名", *BANK), ("备注", *REMARK)]
    def head(account: Account, rows: int) -> list[list[str]]:
        stated = totals(account)
        lead = [["招商银行账户交易查询"], ["账号：", account.number], ["户名：", HOLDER], ["借方笔数", stated["out#"], "借方合计", side_totals(account)[0]], ["贷方笔数", stated["in#"], "贷方合计", side_totals(account)[1]]]
        return [*lead, *[[] for _ in range(rows - len(lead))]]
    return [
        Case("cmb_row13.xlsx", "cmb", first, columns(first, number), before=head(first, 12)),
        Case("cmb_row5.csv", "cmb", second, [(header, name, lambda line, show=show: f"{show(line)}\t") for header, name, show in columns(second, money)], before=head(second, 4)[:4], encoding="gb18030", is_anchored=False),
        Case("cmb_page.page.xls", "cmb", third, columns(third, money), before=head(third, 5)),
    ]


def abc() -> list[Case]:
    first, second, third = cny("39301001040012345"), cut(cny("39301001040054321"), 0, 9), usd("39301014040000077")
    base = [("交易时间", "booked_at", moment("%Y-%m-%d %H:%M:%S")), ("收入金额", None, side(CREDIT)), ("支出金额", None, side(DEBIT)), ("账户余额", *balance()), ("交易行名", None, constant("宁波鄞州支行")), ("对方省市", None, constant("")),
            ("对方账号", *ACCOUNT), ("对方户名", *NAME), ("交易用途", *PURPOSE)]
    full = [*base[:4], ("对方账号", *ACCOUNT), ("对方户名", *NAME), ("对方开户行", *BANK), ("摘要", *SUMMARY), ("附言", *REMARK), ("流水号", *REF)]
    header = [name for name, _, _ in full]
    into, out = money(sum((line.amount for line in first.lines if (line.amount > 0) != line.is_reversal), Decimal(0))), side_totals(first)[0]
    return [
        Case("abc_detail.xls", "abc", first, base, before=[["账户明细"], [f"账号：{first.number} 户名：{HOLDER} 币种：人民币"]],
             after=[["汇总收入金额", "", "", ""], [f"{side_counts(first)[1]} 收", "", "", ""], [f"收入合计：{into}", f"支出合计：{out}"]]),
        Case("abc_pages.csv", "abc", second, full, before=[["账户明细"], [f"账号：{second.number}", f"户名：{HOLDER}"]],
             between={5: [["本页小计", "", "", ""], [], ["账户明细"], [f"账号：{second.number}"], header]},
             after=[["合计", side_totals(second)[1], side_totals(second)[0], ""]], encoding="gb18030"),
        Case("abc_dollars.xlsx", "abc", third, full, before=[["账户明细"], ["账号", third.number, "币种", "USD"], ["期初余额", money(third.opening), "期末余额", money(third.closing)]]),
    ]


def bocom() -> list[Case]:
    first, second, third = cny("332006271018000012345"), usd("332006271018000099999"), cut(cny("332006271018000054321"), 4, 12)
    return [
        Case("bocom_vouchers.csv", "bocom", first,
             [("交易时间", "booked_at", moment("%Y/%m/%d %H:%M:%S")), ("摘要", *SUMMARY), ("凭证种类", None, constant("")), ("凭证号码", None, constant("")), ("借方发生额", None, side(DEBIT)), ("贷方发生额", None, side(CREDIT)), ("余额", *balance()),
              ("对方账号", "counterparty_account", lambda line: f'="{line.account}"' if line.account else ""), ("对方户名", *NAME), ("对方行名", *BANK), ("附言", *REMARK), ("交易流水号", *REF)],
             before=[["交通银行对公账户明细", "", ""], ["账号", first.number, "币种", "人民币"]], after=[["合计", "", "", "", *side_totals(first)]], encoding="gb18030"),
        Case("bocom_marks.xlsx", "bocom", second,
             [("交易日期", None, moment("%Y%m%d")), ("摘要", *SUMMARY), ("借贷标志", None, mark("贷", "借")), ("发生额", None, size()), ("余额", *balance()), ("对方账号", *ACCOUNT), ("对方户名", *NAME), ("对方行名", *BANK),
              ("核心流水号", *REF), ("附言", *REMARK)],
             before=[["交通银行对公账户明细"], [f"账号：{second.number}", "币种：美元", "期初余额：" + money(second.opening), "期末余额：" + money(second.closing)]]),
        Case("bocom_semicolons.csv", "bocom", third,
             [("记账日期", None, moment("%Y.%m.%d")), ("币种", "currency", constant("CNY")), ("借方金额", None, side(DEBIT, plain)), ("贷方金额", None, side(CREDIT, plain)), ("账户余额", *balance(plain)), ("对方户名", *NAME), ("对方账号", *ACCOUNT),
              ("用途", *PURPOSE), ("会计流水号", *REF)],
             before=[[f"账号:{third.number}"]], delimiter=";", is_reversed=True, is_anchored=False, encoding="utf-8"),
    ]


def spdb() -> list[Case]:
    first, second, third = cny("94010078801200001234"), cut(cny("94010078801200005678"), 0, 7), usd("94010014801200000099")
    return [
        Case("spdb_row5.xls", "spdb", first,
             [("交易日期", None, moment("%Y%m%d")), ("交易流水号", *REF), ("借方金额", None, side(DEBIT, number)), ("贷方金额", None, side(CREDIT, number)), ("余额", *balance(number)), ("摘要", *SUMMARY), ("对方账号", *ACCOUNT),
              ("对方户名", *NAME), ("对方行名", *BANK), ("附言", *REMARK)],
             before=[["上海浦东发展银行账户明细"], ["账号：", first.number, "户名：", HOLDER], ["起始日期：20230901", "", "截止日期：20230930"], []], after=[["总计", "", *side_totals(first)]]),
        Case("spdb_marks.csv", "spdb", second,
             [("交易日期", None, moment("%Y-%m-%d")), ("凭证号", *REF), ("借贷标志", None, mark("C", "D")), ("交易金额", None, size()), ("账户余额", *balance()), ("摘要代码", *SUMMARY), ("对方账号", *ACCOUNT), ("对方户名", *NAME), ("备注", *REMARK)],
             before=[["浦发银行"], [f"账号：{second.number}  币种：人民币  期初余额：{money(second.opening)}  期末余额：{money(second.closing)}"]], encoding="gb18030", line_end="\n"),
        Case("spdb_dollars.csv", "spdb", third,
             [("记账日期", None, moment("%Y%m%d")), ("交易时间", "booked_at", moment("%H%M%S")), ("柜员流水号", *REF), ("支出金额", None, side(DEBIT)), ("收入金额", None, side(CREDIT)), ("账户余额", *balance()), ("对手账号", *ACCOUNT),
              ("对手户名", *NAME), ("用途", *PURPOSE), ("附言", *REMARK)],
             before=[["浦发银行"], ["账号", third.number], ["币种", "美元"]], is_reversed=True, is_anchored=False, encoding="gb18030"),
    ]


def citic() -> list[Case]:
    first, second, third = cny("8110801012901234567"), usd("8110814012900000088"), cut(cny("8110801012907654321"), 1, 11)
    def head(account: Account) -> list[list[str]]:
        stated = totals(account)
        return [["中信银行账户明细查询"], ["账号", account.number], ["户名", HOLDER], ["开户行", "中信银行宁波分行"], ["币种", "人民币" if account.currency == "CNY" else account.currency], ["起始日期", "2023-09-01"], ["终止日期", "2023-09-30"],
                ["期初余额", stated["opening"]], ["期末余额", stated["closing"]], ["借方笔数", side_counts(account)[0]], ["借方合计", side_totals(account)[0]],
                ["贷方笔数", side_counts(account)[1]], ["贷方合计", side_totals(account)[1]], ["打印时间", "2023-10-07 09:00:00"], []]
    return [
        Case("citic_row16.xlsx", "citic", first,
             [("交易日期", None, moment("%Y-%m-%d")), ("借方发生额", None, side(DEBIT)), ("贷方发生额", None, side(CREDIT)), ("账户余额", *balance()), ("对方账号", *ACCOUNT), ("对方账户名称", *NAME), ("对方开户行名", *BANK), ("摘要", *SUMMARY),
              ("附言", *REMARK), ("柜员交易号", *REF)], before=head(first)),
        Case("citic_dollars.csv", "citic", second,
             [("交易日期", None, moment("%Y-%m-%d")), ("交易时间", "booked_at", moment("%H:%M:%S")), ("交易流水号", *REF), ("借贷标志", None, mark("贷", "借")), ("交易金额", None, size()), ("账户余额", *balance()), ("对方账号", *ACCOUNT),
              ("对方账户名称", *NAME), ("摘要", *SUMMARY), ("用途", *PURPOSE)], before=head(second), encoding="gb18030"),
        Case("citic_transfers.csv", "citic", third,
             [("记账日期", None, moment("%Y%m%d")), ("转出金额", None, side(DEBIT, plain)), ("转入金额", None, side(CREDIT, plain)), ("账户余额", *balance(plain)), ("对方账户", *ACCOUNT), ("对方名称", *NAME), ("摘要", *SUMMARY), ("核心流水号", *REF)],
             before=[[f"账户：{third.number}"]], encoding="utf-8-sig", is_reversed=True, is_anchored=False),
    ]


def alipay() -> list[Case]:
    first, second, third = wallet("20882310123456780156"), wallet("20882310123456780199"), cut(wallet("20882310123456780200"), 1, 5)
    def tail(account: Account) -> list[list[str]]:
        return [["#-----------------------------------------账务明细列表结束------------------------------------"], [f"#支出合计：{account.count(-1)}笔，共-{plain(account.total(-1))}元"],
                [f"#收入合计：{account.count(1)}笔，共{plain(account.total(1))}元"], ["#导出时间：[2023年10月07日 09:00:00]"]]
    def head(account: Account) -> list[list[str]]:
        return [["#支付宝账务明细查询"], [f"#账号：[{account.number}]"], ["#起始日期：[2023年09月13日 00:00:00]   终止日期：[2023年09月14日 00:00:00]"], ["#-----------------------------------------账务明细列表----------------------------------------"]]
    def columns(into, out) -> list:
        return [("账务流水号", *REF), ("业务流水号", None, constant("")), ("商户订单号", *REMARK), ("商品名称", *PURPOSE), ("发生时间", "booked_at", moment("%Y-%m-%d %H:%M:%S")), ("对方账号", *ACCOUNT), ("收入金额（+元）", None, into),
                ("支出金额（-元）", None, out), ("账户余额（元）", *balance(plain)), ("交易渠道", None, constant("")), ("业务类型", *SUMMARY), ("备注", None, constant(""))]
    def earned(line: Line) -> str:
        return plain(line.amount) if line.amount > 0 else ""
    def spent(line: Line) -> str:
        return plain(line.amount) if line.amount < 0 else ""
    newer = [("序号", None, constant("1")), ("入账时间", "booked_at", moment("%Y-%m-%d %H:%M:%S")), ("支付宝交易号", None, constant("")), ("支付宝流水号", *REF), ("商户订单号", *REMARK), ("账务类型", *SUMMARY), ("收入（+元）", None, earned),
             ("支出（-元）", None, spent), ("账户余额（元）", *balance(plain)), ("服务费（元）", None, constant("0.00")), ("支付渠道", None, constant("")), ("签约产品", None, constant("")), ("对方账户", *ACCOUNT), ("对方名称", *NAME), ("商品名称", *PURPOSE)]
    return [
        Case("alipay_detail.csv", "alipay", first, columns(earned, spent), before=head(first), after=tail(first), encoding="gb18030"),
        Case("alipay_newer.xlsx", "alipay", second, newer, before=head(second), after=tail(second)),
        Case("alipay_padded.csv", "alipay", third, [(header, name, lambda line, show=show: f"{show(line)}\t ") for header, name, show in columns(earned, spent)], before=head(third), after=tail(third), encoding="gb18030", is_reversed=True),
    ]


def wechat() -> list[Case]:
    first, second, third = wallet("1230000109"), cut(wallet("1230000110"), 0, 4), wallet("1230000111")
    columns = [("记账时间", "booked_at", moment("%Y-%m-%d %H:%M:%S")), ("微信支付业务单号", None, constant("")), ("资金流水单号", *REF), ("业务名称", *SUMMARY), ("业务类型", None, words("summary")), ("收支类型", None, mark("收入", "支出")),
               ("收支金额(元)", None, size(plain)), ("账户结余(元)", *balance(plain)), ("资金变更提交申请人", None, constant("system")), ("备注", *REMARK), ("业务凭证号", None, constant(""))]
    accented = [(header, name, lambda line, show=show: f"`{show(line)}") for header, name, show in columns]
    def tail(account: Account, sign: str) -> list[list[str]]:
        return [["资金流水总笔数", "收入笔数", "收入金额", "支出笔数", "支出金额"], [sign + f"{len(account.lines)}.0", sign + f"{account.count(1)}.0", sign + plain(account.total(1)), sign + f"{account.count(-1)}.0", sign + plain(account.total(-1))]]
    return [
        Case("wechat_funds.csv", "wechat", first, accented, after=tail(first, "`"), encoding="utf-8-sig", states_account=False),
        Case("wechat_titled.csv", "wechat", second, accented, before=[["微信支付商户号：" + second.number]], after=tail(second, "`"), encoding="utf-8"),
        Case("wechat_book.xlsx", "wechat", third, columns, before=[["商户号", third.number]], after=tail(third, ""), is_reversed=True),
    ]


def others() -> list[Case]:
    plain_cny, english, post = cny("9988776655443322"), usd("5566778899001122"), cut(cny("933001010000123456"), 0, 5)
    return [
        Case("plain_chinese.xlsx", "plain", plain_cny,
             [("账号", "account_no", constant(plain_cny.number)), ("币种", "currency", constant("CNY")), ("交易日期", None, moment("%Y-%m-%d")), ("借方发生额", None, side(DEBIT, number)), ("贷方发生额", None, side(CREDIT, number)), ("余额", *balance(number)),
              ("对方户名", *NAME), ("对方账号", *ACCOUNT), ("摘要", *SUMMARY), ("用途", *PURPOSE), ("附言", *REMARK), ("流水号", *REF)], after=[["合计", "", "", *side_totals(plain_cny)]]),
        Case("plain_english.csv", "plain", english,
             [("bank_ref", *REF), ("remark", *REMARK), ("account_no", "account_no", constant(english.number)), ("currency", "currency", constant("USD")), ("booked_on", None, moment("%Y-%m-%d")), ("value_on", "value_on", value("%Y-%m-%d")),
              ("credit_in", None, side(CREDIT, plain)), ("debit_out", None, side(DEBIT, plain)), ("balance", *balance(plain)), ("counterparty_name", *NAME), ("counterparty_account", *ACCOUNT), ("fx_rate", "fx_rate", lambda line: line.fx_rate or ""),
              ("summary", *SUMMARY), ("purpose", *PURPOSE)], is_anchored=False),
        Case("psbc_corporate.csv", "psbc", post,
             [("序号", None, constant("1")), ("交易时间", "booked_at", moment("%Y-%m-%d %H:%M:%S")), ("记账日期", None, moment("%Y-%m-%d")), ("支出金额", None, side(DEBIT)), ("收入金额", None, side(CREDIT)), ("余额", *balance()), ("对方账号", *ACCOUNT), ("对方户名", *NAME),
              ("对方行名", *BANK), ("用途", *PURPOSE), ("附言", *REMARK), ("摘要", *SUMMARY), ("交易流水号", *REF), ("全局路由号", None, constant(""))],
             before=[[f"户名：{HOLDER}", f"账号：{post.number}"], ["收入总金额", money(post.total(1)), "支出总金额", money(post.total(-1))]]),
    ]
