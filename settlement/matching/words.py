"""Words in a bank line's text that say what the money is, in Chinese and English.

A word never places money by itself: it narrows which of an order's items is meant, or makes a line
worth holding against its counterpart. What does not belong here: numbers and names.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

# Longer words first: the first alternative that fits is taken, and 增值税发票 is no tax payment.
GROUPS: dict[str, tuple[str, ...]] = {
    "document": ("增值税专用发票", "增值税普通发票", "增值税发票", "VAT INVOICE"),
    "refund": ("出口退税", "退税款", "退税", "TAX REFUND", "VAT REFUND"),
    "tax": ("进口增值税", "代缴税", "进口税", "税金", "税款", "关税", "增值税", "缴税", "CUSTOMS DUTY", "IMPORT DUTY"),
    "freight": (
        "国际物流费", "物流费", "国际运费", "海运费", "空运费", "运杂费", "内陆运费", "运费", "港杂费", "港杂", "拖车费",
        "报关费", "货代费", "仓储费", "堆存费", "查验费", "滞箱费", "文件费", "OCEAN FREIGHT", "AIR FREIGHT", "FREIGHT",
        "LOGISTICS FEE", "LOGISTICS", "SHIPPING FEE", "SHIPPING COST", "TRUCKING", "DEMURRAGE",
    ),
    "agency": ("代理服务费", "代理费", "AGENCY FEE", "SERVICE FEE"),
    "goods": ("货款", "商品款", "材料款", "设备款", "PAYMENT FOR GOODS", "GOODS"),
    "rest": ("余款", "尾款", "补款", "补差", "补足", "差额", "BALANCE PAYMENT", "FINAL PAYMENT", "BALANCE"),
    "instalment": ("定金", "订金", "首付", "预付款", "预付", "部分", "分期", "DEPOSIT", "DOWN PAYMENT", "PARTIAL", "INSTALLMENT", "INSTALMENT", "ADVANCE"),
    "interest": ("结息", "利息", "INTEREST"),
    "conversion": ("结汇", "购汇", "售汇", "外汇买卖", "FX CONVERSION", "CURRENCY CONVERSION", "EXCHANGE SETTLEMENT"),
    "transfer": ("内部划转", "内部转账", "资金调拨", "资金归集", "同名划转", "同名转账", "INTERNAL TRANSFER", "OWN ACCOUNT TRANSFER"),
    "reversal": ("冲正", "冲销", "冲账", "红字", "抹账", "撤销", "REVERSAL", "REVERSED", "STORNO"),
    "return": (
        "退汇", "退票", "付款退回", "退回", "退款", "退费", "退还", "查无此户", "户名不符", "账号不符", "账户不符",
        "RETURNED", "RETURN OF", "REJECTED", "REFUND", "UNPAID",
    ),
    "subsidy": ("补贴", "扶持资金", "专项资金", "奖励资金", "财政拨款", "稳岗"),
    "fee": (
        "银行手续费", "手续费", "电汇费", "电讯费", "邮电费", "汇划费", "账户管理费", "年费", "工本费", "网银服务费",
        "BANK CHARGES", "BANK CHARGE", "BANK FEE", "WIRE FEE", "CABLE CHARGE", "COMMISSION",
    ),
}  # fmt: skip
_PATTERN = "|".join(word for words in GROUPS.values() for word in words)

# Which purpose a word narrows a receipt to; clients send our fee with the goods money and call both 货款. "rest" and
# "instalment" fit any purpose.
PURPOSE_OF_WORD = {"refund": "退税款", "tax": "税金", "freight": "物流费", "goods": "货款", "agency": "代理费"}
PRINCIPALS_PURPOSES = ("货款", "税金", "物流费", "代理费", "退税款", "余款", "预收")
NOBODYS_PURPOSES = ("结汇", "内部划转", "利息", "冲正", "付款退回", "供应商退款", "其他")


@ibis.udf.scalar.builtin(name="regexp_extract_all")
def extract_all(text: str, pattern: str) -> list[str]:
    """All matches of ``pattern`` in ``text``, left to right, not overlapping (DuckDB, Spark)."""


@ibis.udf.scalar.builtin(name="list_has_any")
def has_any(words: list[str], wanted: list[str]) -> bool:
    """Whether the lists share an element (Spark: arrays_overlap)."""


def marks_in(text: ir.StringValue) -> ir.ArrayValue:
    """The words of ``GROUPS`` in an upper-case text, in order; an empty list where there are none."""
    return extract_all(text, _PATTERN)


def says(marks: ir.ArrayValue, *groups: str) -> ir.BooleanValue:
    """Whether the marks hold a word of one of the groups."""
    return has_any(marks, ibis.array([word for group in groups for word in GROUPS[group]]))


def purposes_said(marks: ir.ArrayValue) -> dict[str, ir.BooleanValue]:
    """Purpose -> whether the text names it."""
    said = {purpose: says(marks, group) for group, purpose in PURPOSE_OF_WORD.items()}
    return said | {"代理费": said["代理费"] | said["货款"]}
