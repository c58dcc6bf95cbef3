"""What really happened on the accounts of the corpus: written by hand, before any file and any reader.

The corpus' files are this truth in the layouts of banks (``corpus_layouts``); their golden results are this truth again,
never what the reader said.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal


@dataclass(frozen=True)
class Line:
    """One transaction: amount with + in, - out; ``fx_rate`` as the bank prints it (per 100)."""

    at: datetime
    amount: Decimal
    name: str | None = None
    account: str | None = None
    bank: str | None = None
    summary: str | None = None
    purpose: str | None = None
    remark: str | None = None
    ref: str | None = None
    value_on: date | None = None
    fx_rate: str | None = None
    is_reversal: bool = False
    balance: Decimal = field(default=Decimal(0), compare=False)

    @property
    def on(self) -> date:
        return self.at.date()


@dataclass(frozen=True)
class Account:
    """An account in a period, with its opening balance."""

    number: str
    currency: str
    holder: str
    opening: Decimal
    lines: tuple[Line, ...]

    @property
    def closing(self) -> Decimal:
        return self.opening + sum((line.amount for line in self.lines), Decimal(0))

    def total(self, sign: int) -> Decimal:
        return sum((abs(line.amount) for line in self.lines if line.amount * sign > 0), Decimal("0.00"))

    def count(self, sign: int) -> int:
        return sum(line.amount * sign > 0 for line in self.lines)


def account(number: str, currency: str, holder: str, opening: str, *lines: Line) -> Account:
    """An account whose lines carry their running balance."""
    running, carried = Decimal(opening), []
    for line in lines:
        running += line.amount
        carried.append(replace(line, balance=running))
    return Account(number, currency, holder, Decimal(opening), tuple(carried))


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2023-{text}")


def _line(moment: str, amount: str, **words: object) -> Line:
    return Line(at(moment), Decimal(amount), **words)


HOLDER = "宁波海桥外贸综合服务有限公司"


_SUPPLIER = {"name": "义乌市宏发五金制品厂", "account": "3301040160001234567", "bank": "杭州银行义乌支行"}
_CNY_LINES = (
    _line(
        "09-01 09:12:33",
        "200000.00",
        name="浙江东方进出口有限公司",
        account="33050161712700000123",
        bank="建设银行杭州之江支行",
        summary="转账",
        purpose="货款",
        remark="IM202309-001 预付货款",
        ref="2309010000117",
    ),
    _line(
        "09-04 10:05:01",
        "-35640.50",
        **_SUPPLIER,
        summary="转账",
        purpose="采购款",
        remark="EX202308-044",
        ref="2309040000231",
    ),
    _line("09-04 10:05:02", "-10.50", summary="手续费", purpose="汇划费", ref="2309040000231"),
    _line(
        "09-05 14:30:00",
        "6500.00",
        name="宁波海联电器股份有限公司",
        account="571900012310602",
        bank="招商银行宁波分行",
        summary="汇款",
        purpose="海运费",
        remark="提单COSU6301234560",
        ref="2309050000350",
    ),
    _line(
        "09-05 14:31:07",
        "6500.00",
        name="宁波海联电器股份有限公司",
        account="571900012310602",
        bank="招商银行宁波分行",
        summary="汇款",
        purpose="海运费",
        remark="提单COSU6301234561",
        ref="2309050000352",
    ),
    _line(
        "09-06 08:59:59",
        "712850.00",
        summary="结汇",
        purpose="结汇入账",
        remark="USD100000.00 汇率7.1285",
        ref="2309060000401",
    ),
    _line(
        "09-11 16:20:45",
        "-3000.00",
        name="上海中远海运集装箱运输有限公司",
        account="1001234509014567890",
        bank="工商银行上海外滩支行",
        summary="转账",
        purpose="海运费合计",
        remark="FRT2309-17",
        ref="2309110000518",
    ),
    _line(
        "09-12 09:00:10",
        "3000.00",
        name="上海中远海运集装箱运输有限公司",
        account="1001234509014567890",
        bank="工商银行上海外滩支行",
        summary="冲正",
        purpose="账号户名不符退回",
        remark="原流水2309110000518",
        ref="2309120000009",
        is_reversal=True,
    ),
    _line(
        "09-15 11:11:11",
        "-68312.99",
        name="中华人民共和国金库宁波市中心支库",
        account="270000000003271001",
        bank="国家金库宁波市中心支库",
        summary="缴税",
        purpose="进口增值税",
        remark="税单号310420231042000123-L02",
        ref="2309150000666",
    ),
    _line(
        "09-20 15:45:30",
        "102680.00",
        name="国家税务总局宁波市税务局",
        account="270000000012345678",
        bank="国家金库宁波市中心支库",
        summary="出口退税",
        purpose="202308批次01",
        ref="2309200000712",
    ),
    _line("09-21 00:05:00", "1043.38", summary="结息", ref="2309210000001"),
    _line(
        "09-28 17:29:59",
        "-590000.00",
        name="浙江东方进出口有限公司",
        account="33050161712700000123",
        bank="建设银行杭州之江支行",
        summary="转账",
        purpose="余款退还",
        remark="EX202308-031",
        ref="2309280000833",
    ),
)


def cny(number: str) -> Account:
    """A CNY account of an agency in September 2023: receipts, taxes, freight, two equal payments, a reversal, interest."""
    return account(number, "CNY", HOLDER, "1250300.45", *_CNY_LINES)


_USD_LINES = (
    _line(
        "09-05 10:01:00",
        "29990.00",
        name="GLOBAL HOME FURNISHINGS TRADING CO.",
        account="US0123456789",
        bank="CITIUS33XXX",
        summary="REFED-NO:IR23090500012 BUSIN-NO:BP2309050012",
        remark="INV EX202308-031 BALANCE",
        ref="IR23090500012",
        value_on=date(2023, 9, 4),
    ),
    _line(
        "09-05 10:01:01",
        "-15.00",
        summary="手续费",
        purpose="汇入手续费",
        ref="IR23090500012",
        value_on=date(2023, 9, 5),
        fx_rate="1.000000",
    ),
    _line(
        "09-06 08:58:00",
        "-100000.00",
        summary="结汇",
        purpose="结汇",
        ref="FX23090600007",
        value_on=date(2023, 9, 6),
        fx_rate="712.850000",
    ),
    _line(
        "09-08 09:40:00",
        "79962.50",
        name="NORDWIND HANDELS GMBH",
        account="DE44500105175407324931",
        bank="COBADEFFXXX",
        summary="REFED-NO:IR23090800044 BUSIN-NO:BP2309080044",
        remark="PO 4711 / EX202309-002",
        ref="IR23090800044",
        value_on=date(2023, 9, 8),
    ),
    _line(
        "09-14 15:12:09",
        "-12000.00",
        name="KITA SEIKO CO LTD",
        account="1234567",
        bank="BOTKJPJT",
        summary="汇出汇款",
        purpose="货款",
        remark="IM202309-001 DEPOSIT",
        ref="OR23091400031",
        value_on=date(2023, 9, 14),
        fx_rate="718.320000",
    ),
    _line(
        "09-14 15:12:10",
        "-12.00",
        summary="电汇费",
        purpose="电汇费",
        ref="OR23091400031",
        value_on=date(2023, 9, 14),
        fx_rate="1.000000",
    ),
    _line(
        "09-14 15:12:11",
        "-20.90",
        summary="电讯费",
        purpose="电讯费",
        ref="OR23091400031",
        value_on=date(2023, 9, 14),
        fx_rate="1.000000",
    ),
    _line(
        "09-21 11:30:00",
        "100000.00",
        name="BRIGHTWATER IMPORTS LLC",
        account="US9876543210",
        bank="CHASUS33XXX",
        summary="REFED-NO:IR23092100077",
        remark="EX202308-044",
        ref="IR23092100077",
        value_on=date(2023, 9, 21),
    ),
)


def usd(number: str) -> Account:
    """A USD account: three inbound remittances (one name cut at 35 characters), a fee, an outbound with its fees, a sale."""
    return account(number, "USD", HOLDER, "15230.00", *_USD_LINES)


def jpy(number: str) -> Account:
    """A JPY account: whole yen only."""
    return account(
        number,
        "JPY",
        HOLDER,
        "300000",
        _line(
            "09-07 09:30:00",
            "5000000",
            name="OSAKA KOGYO KK",
            account="0098765",
            bank="MHCBJPJT",
            summary="汇入汇款",
            remark="EX202309-010",
            ref="IR23090700003",
        ),
        _line("09-07 09:30:01", "-1500", summary="手续费", ref="IR23090700003"),
        _line("09-22 13:00:00", "-4800000", summary="结汇", purpose="结汇", ref="FX23092200011"),
    )


def wallet(number: str) -> Account:
    """A payment company's merchant account in one day."""
    return account(
        number,
        "CNY",
        HOLDER,
        "8000.00",
        _line(
            "09-13 08:00:01",
            "1299.00",
            account="buyer01@example.cn",
            summary="在线支付",
            purpose="样品费",
            remark="EX202309-021",
            ref="2023091322001401",
        ),
        _line(
            "09-13 08:00:02", "-7.79", summary="收费", purpose="服务费", remark="EX202309-021", ref="2023091322001402"
        ),
        _line(
            "09-13 12:30:00",
            "560.00",
            account="buyer02@example.cn",
            summary="在线支付",
            purpose="快递费",
            remark="EX202309-022",
            ref="2023091322001403",
        ),
        _line(
            "09-13 18:45:09",
            "-560.00",
            account="buyer02@example.cn",
            summary="退款",
            purpose="快递费退回",
            remark="EX202309-022",
            ref="2023091322001404",
        ),
        _line(
            "09-13 23:59:59",
            "-9000.00",
            name=HOLDER,
            account="1202020119900123456",
            summary="提现",
            purpose="提现到银行卡",
            ref="2023091322001405",
        ),
    )


def cut(whole: Account, first: int, last: int) -> Account:
    """The lines ``first`` to ``last`` (0-based, last not included) with the opening balance before them."""
    lines = whole.lines[first:last]
    return replace(whole, opening=lines[0].balance - lines[0].amount, lines=lines)
