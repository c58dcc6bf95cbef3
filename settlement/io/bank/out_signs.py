"""How an export writes money out: with a minus that is no reversal (红字, BNK-04), or without any sign.

What belongs here: those questions, over the lines of a sheet. What does not: turning signs (``export_lines``).
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from settlement.io.bank.export_proofs import in_fen
from settlement.io.bank.model import MONEY

_HABIT = 2  # where no balance tells: so many figures of one side, all with a minus, are no reversals


def writes_out_negative(lines: pa.Table, reversals: tuple[str, ...]) -> bool:
    """Whether the minus in ``debit_out`` only says that money went out. ``lines``: a sheet's, read as BNK-04 has it.

    The running balance decides: under which reading do more balances follow from the one before. Where it is silent
    or both readings fit, a statement whose every figure on the outward side has a minus means money out, unless one
    of them is called a reversal (``reversals``: the bank's words for it).
    """
    debit = in_fen(lines.column("debit_out"))
    negative = debit < 0
    if not negative.any():
        return False
    as_reversal = in_fen(lines.column("amount"))
    as_out = as_reversal + 2 * np.where(negative, debit, 0)
    fits = _links(lines, as_out) - _links(lines, as_reversal)
    if fits:
        return fits > 0
    called = pc.match_substring_regex(lines.column("summary").filter(pa.array(negative)), "|".join(reversals))
    is_called = bool(pc.any(called).as_py())
    return not is_called and not (debit > 0).any() and int(negative.sum()) >= _HABIT


def writes_no_signs(lines: pa.Table) -> bool:
    """Whether one column of amounts has no sign at all, so that only payer and payee say who paid.

    So it is where no line goes out, and we ourselves are the counterparty of money that came in.
    """
    if (in_fen(lines.column("debit_out")) != 0).any():
        return False
    bare = pc.replace_substring(lines.column("counterparty_account"), " ", "")
    is_ours = pc.equal(bare, lines.column("account_no"))
    return bool(pc.any(pc.fill_null(is_ours, False)).as_py())


def _links(lines: pa.Table, amounts: np.ndarray) -> int:
    """How many balances follow from their neighbour of the same account, in the order of the days."""
    keys = [lines.column(name).combine_chunks().dictionary_encode().indices for name in ("account_no", "currency")]
    account, currency = (pc.fill_null(key, -1).to_numpy(zero_copy_only=False) for key in keys)
    order = np.lexsort((np.arange(len(amounts)), currency, account))
    same = (account[order][1:] == account[order][:-1]) & (currency[order][1:] == currency[order][:-1])
    balance = lines.column("balance")
    known = ~pc.is_null(balance).to_numpy()
    fen = in_fen(pc.fill_null(balance, pa.scalar(0, MONEY)))[order]
    usable = same & known[order][1:] & known[order][:-1]
    days = pc.cast(lines.column("booked_on"), pa.int32()).to_numpy()
    step = np.diff(fen)
    forward = int((usable & (step == amounts[order][1:])).sum())
    backward = int((usable & (-step == amounts[order][:-1])).sum())
    if days[0] != days[-1]:
        return forward if days[0] < days[-1] else backward
    return max(forward, backward)
