"""Bank statements: lines in the bank's order with running balances, and the layouts banks really export.

The balance of each account chains over all months; every file has title rows, and control totals that hold.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from settlement.sample import texts
from settlement.sample.bank_lines import A_FEE, REVERSED, Lines, own_name
from settlement.sample.catalog import catalog
from settlement.sample.files import Sheet
from settlement.sample.texts import NONE
from settlement.sample.world import World

_CHINESE = {"CNY": "人民币", "USD": "美元", "EUR": "欧元"}
_BUFFER = 50_000_000  # what an account holds at the start beyond what it needs, minor units


@dataclass(frozen=True)
class Booked:
    """All lines in order of account and booking, with balances."""

    lines: Lines
    month: np.ndarray
    balance: np.ndarray
    minute: np.ndarray
    occurrence: np.ndarray


def booked(world: World, lines: Lines) -> Booked:
    """Lines of the months, sorted, with balance and occurrence (BNK-07)."""
    kept = np.flatnonzero(world.within(lines.booked_on) & (lines.amount != 0))
    order = kept[
        np.lexsort(
            tuple(values[kept] for values in (lines.row, lines.what, lines.side, lines.booked_on, lines.account))
        )
    ]
    sorted_lines = Lines(
        **{
            name: texts.take(values, order) if isinstance(values, pa.Array) else values[order]
            for name, values in vars(lines).items()
        }
    )
    balance = np.zeros(len(order), np.int64)
    for account in np.unique(sorted_lines.account):
        mine = np.flatnonzero(sorted_lines.account == account)
        running = np.cumsum(sorted_lines.amount[mine])
        balance[mine] = running + max(0, -int(running.min())) + _BUFFER + account * 1_234_567
    first = np.r_[True, (np.diff(sorted_lines.booked_on) != 0) | (np.diff(sorted_lines.account) != 0)][: len(order)]
    place = np.arange(len(order)) - np.maximum.accumulate(np.where(first, np.arange(len(order)), 0))
    return Booked(
        sorted_lines, world.months.of(sorted_lines.booked_on), balance, 540 + place % 480, _occurrence(sorted_lines)
    )


def _occurrence(lines: Lines) -> np.ndarray:
    """The how-many-eth line of its identity within its file; only lines without a serial can have twins."""
    occurrence = np.ones(lines.count, np.int64)
    silent = np.flatnonzero(pc.equal(pc.utf8_length(lines.ref), 0).to_numpy(zero_copy_only=False))
    seen: dict[tuple, int] = {}
    for row in silent.tolist():
        key = (
            lines.account[row],
            lines.booked_on[row],
            lines.amount[row],
            lines.name[row].as_py(),
            lines.account_text[row].as_py(),
        )
        seen[key] = seen.get(key, 0) + 1
        occurrence[row] = seen[key]
    return occurrence


def statement(world: World, book: Booked, account: int, month: int, *, until: int | None = None) -> Sheet | None:
    """One account's statement of a month, or of its days up to ``until``; None where nothing was booked."""
    chosen = (book.lines.account == account) & (book.month == month)
    if until is not None:
        chosen &= book.lines.booked_on <= until
    rows = np.flatnonzero(chosen)
    if not len(rows):
        return None
    lines = Lines(
        **{
            name: texts.take(values, rows) if isinstance(values, pa.Array) else values[rows]
            for name, values in vars(book.lines).items()
        }
    )
    own = catalog()["own_accounts"][account]
    layout = {"icbc": _icbc, "cmb": _cmb, "boc": _boc, "boc_xlsx": _boc}[own["layout"]]
    return layout(world, own, lines, book.balance[rows], book.minute[rows], month)


def _sides(lines: Lines) -> tuple[np.ndarray, np.ndarray]:
    """Debit and credit; a reversal stands in red on the side of what it takes back."""
    red = lines.what == REVERSED
    debit = np.where(red, -lines.amount, np.where(lines.amount < 0, -lines.amount, NONE))
    return debit, np.where(~red & (lines.amount > 0), lines.amount, NONE)


def _total(side: np.ndarray) -> str:
    return texts.money(np.array([side[side != NONE].sum()]))[0].as_py()


def _icbc(world: World, own: dict, lines: Lines, balance: np.ndarray, minute: np.ndarray, month: int) -> Sheet:
    debit, credit = _sides(lines)
    count = lines.count
    columns = {
        "凭证号": lines.ref,
        "本方账号": texts.repeat(own["account_no"], count),
        "对方账号": lines.account_text,
        "交易时间": texts.moment(lines.booked_on, minute),
        "借/贷": texts.pick(["贷", "借"], (debit != NONE).astype(np.int64)),
        "借方发生额": texts.money(debit),
        "贷方发生额": texts.money(credit),
        "对方行号": texts.repeat(None, count),
        "摘要": lines.summary,
        "用途": lines.purpose,
        "对方单位名称": lines.name,
        "余额": texts.money(balance),
        "(回单)个性化信息": lines.remark,
    }
    above = [
        ["[HISTORYDETAIL]"],
        [f"账号：{own['account_no']}", f"户名：{own_name()}", f"币种：{_CHINESE[own['currency']]}"],
    ]
    below = [["合计", "", "", "", "", _total(debit), _total(credit), "", "", "", "", "", ""]]
    return Sheet(columns, above=above, below=below, encoding="gb18030")


def _cmb(world: World, own: dict, lines: Lines, balance: np.ndarray, minute: np.ndarray, month: int) -> Sheet:
    debit, credit = _sides(lines)
    count = lines.count
    columns = {
        "账号": texts.repeat(own["account_no"], count),
        "账号名称": texts.repeat(own_name(), count),
        "币种": texts.repeat(_CHINESE[own["currency"]], count),
        "交易日": texts.compact_day(lines.booked_on),
        "交易时间": texts.join(texts.number(minute // 60, 2), ":", texts.number(minute % 60, 2), ":30"),
        "起息日": texts.compact_day(lines.booked_on),
        "交易类型": lines.summary,
        "借方金额": texts.money(debit),
        "贷方金额": texts.money(credit),
        "余额": texts.money(balance),
        "摘要": lines.remark,
        "流水号": lines.ref,
        "用途": lines.purpose,
        "收(付)方名称": lines.name,
        "收(付)方账号": lines.account_text,
    }
    first, last = (texts.day(np.array([days[month]]))[0].as_py() for days in (world.months.first, world.months.last))
    above = [
        ["招商银行企业银行账务查询"],
        [f"账号：{own['account_no']}"],
        [f"户名：{own_name()}"],
        [f"币种：{_CHINESE[own['currency']]}"],
        [f"查询区间：{first}至{last}"],
        [],
    ]
    below = [["总计", "", "", "", "", "", "", _total(debit), _total(credit), "", "", "", "", "", ""]]
    return Sheet(columns, above=above, below=below, encoding="gb18030")


def _boc(world: World, own: dict, lines: Lines, balance: np.ndarray, minute: np.ndarray, month: int) -> Sheet:
    came = lines.amount > 0
    ours, us = own["account_no"], own_name()
    rate = texts.decimal(
        np.where(lines.rate == NONE, NONE, np.where(lines.what == A_FEE, lines.rate, lines.rate * 100)), 6
    )
    columns = {
        "交易类型[ Transaction Type ]": texts.pick(["往账", "来账"], came.astype(np.int64)),
        "业务类型[ Business type ]": lines.summary,
        "付款人账号[ Debit Account No. ]": texts.choose(came, lines.account_text, ours),
        "付款人名称[ Payer's Name ]": texts.choose(came, lines.name, us),
        "收款人账号[ Payee's Account Number ]": texts.choose(came, ours, lines.account_text),
        "收款人名称[ Payee's Name ]": texts.choose(came, us, lines.name),
        "交易日期[ Transaction Date ]": texts.compact_day(lines.booked_on),
        "交易时间[ Transaction time ]": texts.join(
            texts.number(minute // 60, 2), ":", texts.number(minute % 60, 2), ":00"
        ),
        "交易货币[ Trade Currency ]": texts.repeat(own["currency"], lines.count),
        "交易金额[ Trade Amount ]": texts.money(lines.amount),
        "交易后余额[ After-transaction balance ]": texts.money(balance),
        "起息日期[ Value Date ]": texts.compact_day(lines.booked_on),
        "汇率[ Exchange rate ]": rate,
        "折人民币金额[ CNY Amount ]": texts.money(np.where(lines.cny == NONE, NONE, np.abs(lines.cny))),
        "银行手续费[ Bank Fee ]": texts.money(lines.fee),
        "交易流水号[ Transaction reference number ]": lines.ref,
        "摘要[ Reference ]": lines.summary,
        "用途[ Purpose ]": lines.purpose,
        "交易附言[ Remark ]": lines.remark,
    }
    money_in, money_out = lines.amount[came], -lines.amount[~came]
    first, last = (
        texts.compact_day(np.array([days[month]]))[0].as_py() for days in (world.months.first, world.months.last)
    )
    above = [
        ["查询账号[ Inquirer account number ]", ours],
        ["户名[ Account name ]", us],
        ["币种[ Currency ]", own["currency"]],
        ["总笔数[ Total number ]", str(lines.count)],
        ["借方总笔数[ Debit number ]", str(len(money_out)), "借方总额[ Debit total ]", _total(money_out)],
        ["贷方总笔数[ Credit number ]", str(len(money_in)), "贷方总额[ Credit total ]", _total(money_in)],
        ["查询时间范围[ Time range ]", f"{first}-{last}"],
    ]
    return Sheet(columns, above=above, below=[], encoding="utf-8-sig", as_xlsx=own["layout"] == "boc_xlsx")
