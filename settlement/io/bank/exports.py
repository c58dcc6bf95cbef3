"""A bank's own export (CSV, XLS, XLSX, web page) as statement lines: header, blocks of accounts, lines, proofs.

What belongs here: the order of those steps. What does not: each of them (``headers``, ``titles``, ``export_*``).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from settlement.io import cells
from settlement.io.bank.export_blocks import Block, blocks_of, cells_of, stated_year, where_of
from settlement.io.bank.export_lines import Where, as_mask, lines_of
from settlement.io.bank.export_proofs import in_fen, prove, yuan
from settlement.io.bank.export_rows import MONEY_FIELDS, Rows, rows_under
from settlement.io.bank.headers import Header, find_header
from settlement.io.bank.model import LINES, MONEY, REJECTED, Finding, Proof, Statement, table_of
from settlement.io.bank.out_signs import writes_no_signs, writes_out_negative
from settlement.io.bank.profiles import Profile
from settlement.io.bank.titles import Stated, read_stated
from settlement.io.sheet_model import Sheet, UnreadableFile

_ROWS_AT_A_TIME = 100_000  # a million lines at once would hold every step of every column


ZERO_YUAN = Decimal("0.00")


@dataclass
class Export:
    """What the sheets of one file gave."""

    lines: list[pa.Table] = field(default_factory=list)
    rejected: list[pa.Table] = field(default_factory=list)
    statements: list[Statement] = field(default_factory=list)
    totals: list[dict[str, object]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    proofs: list[Proof] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    formats: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)


def read_export(
    sheets: list[Sheet], own_accounts: dict[str, str], default_account: str | None, default_currency: str | None
) -> Export:
    """Every sheet that has a header row. Raises ``UnreadableFile`` (BNK_HEADER_NOT_FOUND) where none has."""
    export = Export()
    for sheet in sheets:
        rows = _first_rows(sheet)
        header = find_header(rows, " ".join(cell for row in rows for cell in row if cell)[:4000])
        label = f"工作表“{sheet.name}”" if sheet.name else "文件"
        if header is None:
            export.notes.append(f"{label}没有可识别的表头，未读取")
            continue
        _read_sheet(export, sheet, header, own_accounts, default_account, default_currency)
    if not export.formats:
        raise UnreadableFile(
            "前 60 行内没有找到银行流水的表头（需要日期、金额等至少三个认识的列名）", "BNK_HEADER_NOT_FOUND"
        )
    return export


def _first_rows(sheet: Sheet) -> list[list[str]]:
    columns = [sheet.table.column(f"c{at}").slice(0, 80).to_pylist() for at in range(sheet.width)]
    return [list(row) for row in zip(*columns, strict=True)]


def _read_sheet(
    export: Export,
    sheet: Sheet,
    header: Header,
    own_accounts: dict[str, str],
    default_account: str | None,
    default_currency: str | None,
) -> None:
    stated = Stated()
    read_stated(cells_of(sheet, range(header.first_row)), header.profile, stated)
    rows = rows_under(sheet, header, stated_year(sheet, header, stated))
    blocks = blocks_of(sheet, header, rows, stated)
    where = where_of(rows, blocks, own_accounts, default_account, default_currency)
    at = np.flatnonzero(rows.is_transaction | rows.is_rejected)
    lines, rejected = _lines(rows, header.profile, where, at)
    if writes_out_negative(lines, header.profile.reversals):
        lines, rejected = _lines(rows, replace(header.profile, out_is_negative=True), where, at)
        export.notes.append("付出的金额写成负数：是写法，不是冲正（余额或整列为据）")
    elif "payer_account" in header.columns and writes_no_signs(lines):
        lines, rejected = _lines(rows, replace(header.profile, out_by_payer=True), where, at)
        export.notes.append("金额不带正负号：付款人是本账户的记为付出")
    rows = rows.without_cells()  # a million rows: what is read need not be held twice
    _note_scientific(export, lines, blocks)
    export.formats.append(header.profile.name)
    export.reasons.append(_why(sheet, header))
    export.rejected += [rejected, _above(sheet, header, stated)]
    _prove_blocks(export, rows, blocks, lines, rejected, header)


def _lines(rows: Rows, profile: Profile, where: Where, at: np.ndarray) -> tuple[pa.Table, pa.Table]:
    """The transaction rows ``at`` as lines and rejected rows, some at a time."""
    parts = [
        lines_of(rows, profile, where, at[first : first + _ROWS_AT_A_TIME])
        for first in range(0, max(len(at), 1), _ROWS_AT_A_TIME)
    ]
    lines, rejected = (pa.concat_tables(tables) for tables in zip(*parts, strict=True))
    return lines, rejected


def _above(sheet: Sheet, header: Header, stated: Stated) -> pa.Table:
    """Rows above the header that look like transactions: a header moved below them must not make them vanish."""
    if not header.first_row:
        return REJECTED.empty_table()
    top = replace(header, first_row=-1, last_row=-1)
    rows = rows_under(Sheet(sheet.name, sheet.table.slice(0, header.first_row), sheet.from_workbook), top, None)
    has_figure = np.zeros(header.first_row, bool)
    for name in MONEY_FIELDS:
        for column in rows.fields.get(name, ()):
            values, bad = cells.money(column)
            has_figure |= as_mask(pc.and_(pc.is_valid(values), pc.invert(bad)))
    lost = np.flatnonzero(rows.is_transaction & has_figure)
    return table_of(
        [
            {
                "source_row": rows.source_row[int(at)].as_py(),
                "code": "ROW_REJECTED",
                "field": "booked_on",
                "amount": ZERO_YUAN,
                "found": rows.first_text[int(at)].as_py(),
                "reason": "这一行在表头之上，不知道各列的意思",
                "account_no": stated.account_no,
                "currency": stated.currency,
            }
            for at in lost
        ],
        REJECTED,
    )


def _note_scientific(export: Export, lines: pa.Table, blocks: list[Block]) -> None:
    lost = pc.fill_null(lines.column("_lost_account"), False)
    count = int(pc.sum(pc.cast(lost, pa.int64())).as_py() or 0)
    if count:
        first = lines.filter(lost)
        export.findings.append(
            Finding(
                "BNK_ACCOUNT_SCI_NOTATION",
                f"{count} 行的对方账号被 Excel 写成科学记数法，位数已丢失，不作为账号使用",
                first.column("source_row")[0].as_py(),
                "counterparty_account",
                first.column("counterparty_account_original")[0].as_py(),
            )
        )
    for block in blocks:
        if block.stated.scientific and not block.stated.account_no:
            export.findings.append(
                Finding(
                    "BNK_ACCOUNT_SCI_NOTATION",
                    f"标题里的账号 {block.stated.scientific} 是科学记数法，位数已丢失",
                    None,
                    "account_no",
                    block.stated.scientific,
                )
            )


def _why(sheet: Sheet, header: Header) -> str:
    place = f"第 {header.first_row + 1}" + (f"–{header.last_row + 1}" if header.last_row > header.first_row else "")
    sheet_name = f"工作表“{sheet.name}” " if sheet.name else ""
    like = f"，与 {header.profile.bank} 的已知表头有 {header.likeness:.0%} 相同" if header.likeness else ""
    return f"{sheet_name}{place} 行是表头，认出 {header.known} 个字段{like}"


def _prove_blocks(
    export: Export, rows: Rows, blocks: list[Block], lines: pa.Table, rejected: pa.Table, header: Header
) -> None:
    """Split lines by block, account and currency; prove each; number the statements."""
    numbers = rows.source_row.to_numpy()
    edges = [int(numbers[block.start]) if block.start < len(numbers) else 1 << 62 for block in blocks] + [1 << 62]
    if edges:
        edges[0] = 0
    row_of = lines.column("source_row").to_numpy()
    for block, low, high in zip(blocks, edges, edges[1:], strict=False):
        inside = (row_of >= low) & (row_of < high)
        part = lines if inside.all() else lines.filter(pa.array(inside))
        refused = rejected.filter(
            pc.and_(pc.greater_equal(rejected.column("source_row"), low), pc.less(rejected.column("source_row"), high))
        )
        _prove_part(export, part, refused, block.stated)
    if not lines.num_rows and not any(block.stated.account_no for block in blocks):
        return


def _prove_part(export: Export, part: pa.Table, refused: pa.Table, stated: Stated) -> None:
    keys = pa.table({"account_no": part.column("account_no"), "currency": part.column("currency")})
    groups = keys.group_by(["account_no", "currency"], use_threads=False).aggregate([]).to_pylist()
    if not groups and (stated.account_no or stated.amounts):
        groups = [{"account_no": stated.account_no, "currency": stated.currency}]
    is_only = len(groups) == 1
    for group in groups:
        own = part if is_only else part.filter(pa.array(_same(part, group)))
        statement = Statement(group["account_no"], group["currency"], "cn", number=len(export.statements))
        # What the title states is about the whole file: with several accounts in it, it proves none of them alone.
        proved = prove(own, stated if is_only else Stated(), statement, refused.num_rows)
        days = own.column("booked_on")
        statement.from_on = stated.from_on or pc.min(days).as_py()
        statement.to_on = stated.to_on or pc.max(days).as_py()
        statement.is_complete_days = None not in (stated.from_on, stated.to_on)
        statement.opening = None if proved.opening is None else yuan(proved.opening)
        statement.closing = None if proved.closing is None else yuan(proved.closing)
        statement.is_proved = not proved.has_failed and (proved.is_anchored or proved.is_chained)
        export.statements.append(statement)
        export.findings += proved.findings
        export.proofs += proved.proofs
        export.lines.append(_finished(own, statement, proved.is_marked))
    if len(groups) > 1:
        _prove_whole(export, part, stated)


def _same(part: pa.Table, group: dict[str, str | None]) -> np.ndarray:
    mask = np.ones(part.num_rows, bool)
    for name, value in group.items():
        column = part.column(name)
        mask &= as_mask(pc.is_null(column)) if value is None else as_mask(pc.equal(column, value))
    return mask


def _prove_whole(export: Export, part: pa.Table, stated: Stated) -> None:
    """Totals of a file with several accounts, against all its lines."""
    whole = Statement("全部账户", None, "cn")
    stated.amounts.pop("opening", None)
    stated.amounts.pop("closing", None)
    proved = prove(
        part.set_column(part.schema.get_field_index("balance"), "balance", pa.nulls(part.num_rows, MONEY)),
        stated,
        whole,
        0,
    )
    export.findings += [finding for finding in proved.findings if finding.code == "BNK_CONTROL_TOTAL"]
    export.proofs += [proof for proof in proved.proofs if proof.kind == "control_total"]


def _finished(lines: pa.Table, statement: Statement, is_marked: np.ndarray) -> pa.Table:
    count = lines.num_rows
    arrays = {name: lines.column(name) for name in LINES.names}
    arrays["is_marked"] = pa.array(is_marked)
    arrays["statement_no"] = pa.repeat(pa.scalar(statement.number, pa.int32()), count)
    arrays["entry_no"] = lines.column("source_row")
    arrays["entry_ref"] = lines.column("bank_ref")
    arrays["entry_amount"] = lines.column("amount")
    return pa.table(arrays, schema=LINES)


def reversals_of(lines: pa.Table, limit: int = 200) -> list[Finding]:
    """A warning for each reversal (红字), naming the line it reverses where there is exactly one such line."""
    reversed_lines = lines.filter(pc.fill_null(lines.column("is_reversal"), False))
    findings = []
    for line in (
        reversed_lines.slice(0, limit)
        .select(["source_row", "amount", "currency", "account_no", "counterparty_name"])
        .to_pylist()
    ):
        opposite = lines.filter(
            pc.and_(
                pc.equal(lines.column("amount"), pa.scalar(-line["amount"], MONEY)),
                pc.equal(lines.column("account_no"), pa.scalar(line["account_no"], pa.string())),
            )
        )
        partners = [row for row in opposite.column("source_row").to_pylist() if row != line["source_row"]]
        paired = f"，冲的是第 {partners[0]} 行" if len(partners) == 1 else "，本文件中找不到唯一的原交易"
        findings.append(
            Finding(
                "BNK_REVERSAL",
                f"第 {line['source_row']} 行是冲正 {line['amount']} {line['currency']}{paired}",
                line["source_row"],
                "amount",
                str(line["amount"]),
                abs(line["amount"]),
            )
        )
    if reversed_lines.num_rows > limit:
        findings.append(Finding("BNK_REVERSAL", f"另有 {reversed_lines.num_rows - limit} 行冲正未逐一列出"))
    return findings


__all__ = ["Export", "in_fen", "read_export", "reversals_of", "REJECTED"]
