"""Transactions of a bank export as our columns, a whole column at a time; what cannot be read is rejected with its reason.

What belongs here: cells to values, sides and signs (BNK-03, BNK-04). What does not: which rows are transactions, proofs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from settlement.io import cells
from settlement.io.bank.export_rows import NOTHING, Rows
from settlement.io.bank.limits import bank_limits
from settlement.io.bank.model import LINES, MONEY, RATE, REJECTED, TEXTS
from settlement.io.bank.profiles import Profile
from settlement.io.currencies import currencies, currency_of

ZERO = pa.scalar(Decimal("0.00"), MONEY)
_NAME_WIDTH = 35
_TEXT = pa.string()


@dataclass
class Columns:
    """Lines while they are made: our columns over the transaction rows, and the first reason why a row is refused."""

    length: int
    values: dict[str, pa.Array] = field(default_factory=dict)
    code: np.ndarray | None = None
    reasons: list[tuple[str, str, str, pa.Array]] = field(default_factory=list)  # code, field, reason, what was found
    why: np.ndarray | None = None

    def __post_init__(self) -> None:
        self.why = np.full(self.length, -1, np.int16)

    def refuse(self, mask: pa.Array | np.ndarray, code: str, name: str, reason: str, found: pa.Array) -> None:
        """Refuse the rows of ``mask`` unless an earlier reason already did."""
        hit = mask if isinstance(mask, np.ndarray) else as_mask(mask)
        self.reasons.append((code, name, reason, found))
        self.why[hit & (self.why < 0)] = len(self.reasons) - 1


def as_mask(values: pa.Array) -> np.ndarray:
    """A boolean array with NULL as False."""
    return pc.fill_null(values, False).to_numpy(zero_copy_only=False)


@dataclass(frozen=True)
class Where:
    """Account and currency that hold for the rows which do not state their own."""

    account_no: pa.Array
    currency: pa.Array
    own_accounts: dict[str, str]
    default_currency: str | None


class _Source:
    """The columns of a field, only the transaction rows."""

    def __init__(self, rows: Rows, at: np.ndarray):
        self.rows, self.at, self.length = rows, pa.array(at), len(at)
        self.is_run = bool(len(at)) and int(at[-1]) - int(at[0]) + 1 == len(at)
        self.start = int(at[0]) if len(at) else 0

    def take(self, column: pa.Array) -> pa.Array:
        """The transaction rows of a column; without a copy where they stand in one run."""
        return column.slice(self.start, self.length) if self.is_run else column.take(self.at)

    def each(self, name: str) -> list[pa.Array]:
        return [_meaningful(self.take(column)) for column in self.rows.fields.get(name, ())]

    def first(self, name: str) -> pa.Array:
        """The first column that says something, row by row."""
        columns = self.each(name)
        return pc.coalesce(*columns) if columns else pa.nulls(self.length, _TEXT)

    def joined(self, name: str) -> pa.Array:
        """All columns of a field, what is said twice only once."""
        columns = self.each(name)
        for number in range(1, len(columns)):
            for earlier in columns[:number]:
                same = pc.fill_null(pc.equal(columns[number], earlier), False)
                columns[number] = pc.if_else(same, pa.scalar(None, _TEXT), columns[number])
        return _join(columns, self.length)

    def written(self, name: str, *, is_joined: bool) -> pa.Array:
        columns = [pc.utf8_trim_whitespace(self.take(column)) for column in self.rows.raw.get(name, ())]
        return _join(columns, self.length) if is_joined else (columns[0] if columns else pa.nulls(self.length, _TEXT))

    def has(self, name: str) -> bool:
        return bool(self.rows.fields.get(name))


def _meaningful(column: pa.Array) -> pa.Array:
    """Dashes and slashes alone say nothing."""
    nothing = pc.fill_null(pc.match_substring_regex(column, NOTHING), False)
    return pc.if_else(nothing, pa.scalar(None, _TEXT), column)


def _join(columns: Sequence[pa.Array], length: int) -> pa.Array:
    if not columns:
        return pa.nulls(length, _TEXT)
    whole = columns[0]
    for column in columns[1:]:
        # Not null_handling="skip": Arrow 26 returns an array of another length where every part of a row is NULL.
        both = pc.binary_join_element_wise(whole, column, " ")
        whole = pc.coalesce(both, whole, column)
    return whole


def lines_of(rows: Rows, profile: Profile, where: Where, at: np.ndarray) -> tuple[pa.Table, pa.Table]:
    """The rows ``at`` (indices) as accepted lines and rejected rows; together exactly those rows."""
    source = _Source(rows, at)
    columns = Columns(len(at))
    columns.values["source_row"] = source.take(rows.source_row)
    _days(columns, source, rows)
    _account(columns, source, where)
    _currency(columns, source, where, profile)
    _amounts(columns, source, profile)
    _texts(columns, source)
    _foreign(columns, source, profile)
    return _split(columns)


def _days(columns: Columns, source: _Source, rows: Rows) -> None:
    moment, value_on = source.take(rows.booked_at), source.take(rows.value_on)
    columns.values["booked_on"] = pc.coalesce(pc.cast(moment, pa.date32(), safe=False), value_on)
    columns.values["booked_at"] = pc.if_else(source.take(rows.has_clock), moment, pa.scalar(None, moment.type))
    columns.values["value_on"] = value_on
    bad = pc.or_(source.take(rows.is_date_bad), pc.is_null(columns.values["booked_on"]))
    columns.refuse(
        bad,
        "ROW_REJECTED",
        "booked_on",
        "有金额，但没有可读的交易日期",
        pc.coalesce(source.first("booked_on"), source.first("booked_at")),
    )
    columns.refuse(
        source.take(rows.is_value_bad), "ROW_REJECTED", "value_on", "起息日不是日期", source.first("value_on")
    )


def _account(columns: Columns, source: _Source, where: Where) -> None:
    written = source.first("account_no")
    account, _ = cells.code(pc.replace_substring_regex(written, r"\s+", ""))
    lost = cells.is_scientific(written)
    columns.refuse(
        lost, "BNK_ACCOUNT_SCI_NOTATION", "account_no", "本方账号被 Excel 写成科学记数法，位数已丢失", written
    )
    columns.values["account_no"] = pc.coalesce(account, source.take(where.account_no))


def _currency(columns: Columns, source: _Source, where: Where, profile: Profile) -> None:
    written = source.first("currency").dictionary_encode()
    codes = pa.array([currency_of(name) for name in written.dictionary.to_pylist()], _TEXT)
    stated = codes.take(written.indices)
    unknown = pc.and_(pc.is_valid(written.indices), pc.is_null(stated))
    columns.refuse(unknown, "ROW_REJECTED", "currency", "币种不认识", source.first("currency"))
    accounts = columns.values["account_no"].dictionary_encode()
    own = pa.array([where.own_accounts.get(name) for name in accounts.dictionary.to_pylist()], _TEXT).take(
        accounts.indices
    )
    fallback = pa.scalar(profile.default_currency or where.default_currency, _TEXT)
    currency = pc.coalesce(stated, source.take(where.currency), own, fallback)
    columns.refuse(pc.is_null(currency), "ROW_REJECTED", "currency", "文件没有写明币种", source.first("currency"))
    columns.values["currency"] = currency


def _money(columns: Columns, source: _Source, name: str) -> pa.Array:
    written = source.first(name)
    values, bad = cells.money(written)
    columns.refuse(bad, "ROW_REJECTED", name, "金额读不出，或超过两位小数", written)
    return values


def _amounts(columns: Columns, source: _Source, profile: Profile) -> None:
    if source.has("debit_out") or source.has("credit_in"):
        debit, credit = _money(columns, source, "debit_out"), _money(columns, source, "credit_in")
        if profile.signed_sides:
            debit = pc.abs(debit)
        elif profile.out_is_negative:
            debit = pc.negate(debit)
    else:
        debit, credit = _by_direction(columns, source, profile)
    debit, credit = pc.coalesce(debit, ZERO), pc.coalesce(credit, ZERO)
    out, into = as_mask(pc.not_equal(debit, ZERO)), as_mask(pc.not_equal(credit, ZERO))
    shown = _join([pc.cast(debit, _TEXT), pc.cast(credit, _TEXT)], source.length)
    columns.refuse(out & into, "BNK_BOTH_SIDES", "debit_out", "借方和贷方都有金额，不知道是收是付", shown)
    columns.refuse(~out & ~into, "BNK_BOTH_SIDES", "debit_out", "借方和贷方都没有金额", shown)
    amount = pc.cast(pc.subtract(credit, debit), MONEY, safe=False)
    limit = pa.scalar(Decimal(bank_limits().largest_amount), MONEY)
    huge = pc.greater_equal(pc.max_element_wise(pc.abs(debit), pc.abs(credit)), limit)
    columns.refuse(huge, "ROW_REJECTED", "amount", "金额超出可记录的范围", shown)
    whole = pa.array([code for code, decimals in currencies().items() if decimals == 0])
    odd = pc.and_(
        pc.is_in(columns.values["currency"], whole), pc.not_equal(pc.cast(pc.floor(amount), MONEY, safe=False), amount)
    )
    columns.refuse(odd, "ROW_REJECTED", "amount", "该币种没有小数，金额却有小数", shown)
    balance, bad = cells.money(source.first("balance"))
    columns.values.update(debit_out=debit, credit_in=credit, amount=amount, balance=balance, _bad_balance=bad)
    text = source.joined("summary")
    said = pc.fill_null(pc.match_substring_regex(text, "|".join(profile.reversals)), False)
    negative = pc.or_(pc.less(debit, ZERO), pc.less(credit, ZERO))
    columns.values["is_reversal"] = pc.or_(said, negative)


def _by_direction(columns: Columns, source: _Source, profile: Profile) -> tuple[pa.Array, pa.Array]:
    """A signed amount, or an amount with a mark of direction, as debit and credit. Bank's side: 贷 is in."""
    amount = _money(columns, source, "amount")
    columns.values["_figure"] = amount
    if not source.has("direction"):
        if profile.negative_is_in:
            amount = pc.negate(amount)
        if profile.out_by_payer:
            payer, _ = cells.account(source.first("payer_account"))
            is_ours = pc.fill_null(pc.equal(payer, columns.values["account_no"]), False)
            amount = pc.if_else(is_ours, pc.negate(amount), amount)
        into = pc.fill_null(pc.greater_equal(amount, ZERO), True)
        return pc.if_else(into, ZERO, pc.negate(amount)), pc.if_else(into, amount, ZERO)
    direction = pc.utf8_upper(cells.tidy(pa.concat_arrays([source.take(source.rows.fields["direction"][0])])))
    into = pc.fill_null(pc.is_in(direction, pa.array(sorted(profile.inward))), False)
    out = pc.fill_null(pc.is_in(direction, pa.array(sorted(profile.outward))), False)
    neutral = pc.fill_null(pc.is_in(direction, pa.array(sorted(profile.neutral) or [""])), False)
    into = pc.or_(into, pc.and_(neutral, _says(source, profile.neutral_in)))
    out = pc.or_(out, pc.and_(neutral, _says(source, profile.neutral_out)))
    dropped = pc.and_(neutral, _says(source, profile.dropped))
    columns.refuse(dropped, "ROW_REJECTED", "status", "交易已关闭，没有资金变动", source.first("status"))
    columns.refuse(pc.invert(pc.or_(into, out)), "ROW_REJECTED", "direction", "收付方向不明，不知道是收是付", direction)
    nothing = pa.scalar(Decimal("0.00"), MONEY)
    went_out = pc.negate(amount) if profile.out_is_negative else amount
    return pc.if_else(out, went_out, nothing), pc.if_else(into, amount, nothing)


def _says(source: _Source, wanted: dict[str, tuple[str, ...]]) -> pa.Array:
    found = pa.array(np.zeros(source.length, bool))
    for name, values in wanted.items():
        found = pc.or_(found, pc.fill_null(pc.is_in(source.joined(name), pa.array(values)), False))
    return found


def _texts(columns: Columns, source: _Source) -> None:
    into = pc.greater(columns.values["amount"], ZERO)
    for name in TEXTS:
        is_joined = name in ("summary", "purpose", "remark")
        text = source.joined(name) if is_joined else source.first(name)
        written = source.written(name, is_joined=is_joined)
        part = name.removeprefix("counterparty_")
        if part != name and (source.has(f"payer_{part}") or source.has(f"payee_{part}")):
            # A bank that names payer and payee: the counterparty is whoever is not we.
            text = pc.coalesce(text, pc.if_else(into, source.first(f"payer_{part}"), source.first(f"payee_{part}")))
            written = pc.coalesce(
                pc.if_else(pc.equal(pc.coalesce(written, pa.scalar("")), ""), pa.scalar(None, _TEXT), written),
                pc.if_else(
                    into,
                    source.written(f"payer_{part}", is_joined=False),
                    source.written(f"payee_{part}", is_joined=False),
                ),
            )
        columns.values[name] = text
        differs = pc.and_(pc.is_valid(text), pc.not_equal(text, written))
        columns.values[f"{name}_original"] = pc.if_else(pc.fill_null(differs, False), written, pa.scalar(None, _TEXT))
    account = columns.values["counterparty_account"]
    lost = cells.is_scientific(account)
    columns.values["_lost_account"] = lost
    code, _ = cells.code(account)
    columns.values["counterparty_account"] = code
    written = pc.coalesce(columns.values["counterparty_account_original"], account)
    differs = pc.or_(pc.is_null(code), pc.not_equal(code, written))
    columns.values["counterparty_account_original"] = pc.if_else(
        pc.fill_null(differs, True), written, pa.scalar(None, _TEXT)
    )
    columns.values["is_name_cut"] = pc.fill_null(
        pc.equal(pc.utf8_length(columns.values["counterparty_name"]), _NAME_WIDTH), False
    )
    reference, _ = cells.code(source.first("bank_ref"))
    zeros = pc.fill_null(pc.match_substring_regex(reference, "^0+$"), False)
    columns.values["bank_ref"] = pc.if_else(zeros, pa.scalar(None, _TEXT), reference)


def _foreign(columns: Columns, source: _Source, profile: Profile) -> None:
    """Rate as CNY per 1 unit; a rate of 1, or of a CNY line, says nothing."""
    is_foreign = pc.fill_null(pc.not_equal(columns.values["currency"], "CNY"), False)
    written = source.first("fx_rate")
    quoted, bad = cells.quote(written)
    columns.refuse(pc.and_(bad, is_foreign), "ROW_REJECTED", "fx_rate", "汇率读不出", written)
    one = pa.scalar(Decimal(1), RATE)
    is_rate = pc.and_(is_foreign, pc.and_(pc.greater(quoted, pa.scalar(Decimal(0), RATE)), pc.not_equal(quoted, one)))
    quoted = pc.if_else(pc.fill_null(is_rate, False), quoted, pa.scalar(None, RATE))
    columns.values["fx_rate"], lossy = (
        _hundredth(quoted) if profile.rate_per == 100 else (quoted, pa.array(np.zeros(source.length, bool)))
    )
    columns.refuse(lossy, "ROW_REJECTED", "fx_rate", "汇率小数过多，不能精确记录", written)
    for name in ("cny_amount", "bank_fee"):
        amount, bad = cells.money(source.first(name))
        columns.refuse(bad, "ROW_REJECTED", name, "金额读不出，或超过两位小数", source.first(name))
        columns.values[name] = amount
    columns.values["cny_amount"] = pc.if_else(is_foreign, columns.values["cny_amount"], pa.scalar(None, MONEY))


def _hundredth(quoted: pa.Array) -> tuple[pa.Array, pa.Array]:
    """A quote per 100 units as per 1, exactly; and where eight decimals cannot hold it."""
    wide = pc.multiply(quoted, pa.scalar(Decimal("0.01"), pa.decimal128(3, 2)))
    kept = pc.cast(wide, RATE, safe=False)
    return kept, pc.fill_null(pc.not_equal(pc.cast(kept, wide.type), wide), False)


def _split(columns: Columns) -> tuple[pa.Table, pa.Table]:
    accepted = pa.array(columns.why < 0)
    arrays = {}
    for column in [*LINES, pa.field("_bad_balance", pa.bool_()), pa.field("_lost_account", pa.bool_())]:
        values = columns.values.get(column.name)
        arrays[column.name] = pa.nulls(columns.length, column.type) if values is None else pc.cast(values, column.type)
    lines = pa.table(arrays)
    return lines if (columns.why < 0).all() else lines.filter(accepted), _rejected(columns)


def _rejected(columns: Columns) -> pa.Table:
    parts = []
    for number, (code, name, reason, found) in enumerate(columns.reasons):
        mask = pa.array(columns.why == number)
        count = int((columns.why == number).sum())
        if not count:
            continue
        # Where the direction is not known the figure still is: it is what is at risk.
        figure = columns.values.get("_figure", columns.values["amount"])
        amount = pc.coalesce(
            pc.if_else(pc.equal(columns.values["amount"], ZERO), figure, columns.values["amount"]), ZERO
        )
        parts.append(
            pa.table(
                {
                    "source_row": columns.values["source_row"].filter(mask),
                    "code": pa.array([code] * count),
                    "field": pa.array([name] * count),
                    "found": pc.utf8_slice_codeunits(found, 0, 200).filter(mask),
                    "reason": pa.array([reason] * count),
                    "account_no": columns.values["account_no"].filter(mask),
                    "currency": columns.values["currency"].filter(mask),
                    "amount": amount.filter(mask),
                },
                schema=REJECTED,
            )
        )
    return pa.concat_tables(parts) if parts else REJECTED.empty_table()
