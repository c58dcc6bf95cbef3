"""What can be read, in words: for `settlement banks` and for docs/banks.md.

What belongs here: lists of formats, what one file was taken for. What does not: reading.
"""

from __future__ import annotations

from dataclasses import dataclass

from settlement.io.bank.model import StatementRead
from settlement.io.bank.profiles import profiles

_ROWS_NAMED = 20
_TABLES = "CSV / XLS / XLSX / 网页表格"
_MESSAGES = (
    (
        "mt940",
        "SWIFT",
        "MT940 对账单（含中间页、冲正、:NS:）",
        "文本",
        "SWIFT Category 9; wolph/mt940, jejik, dovadi samples",
    ),
    ("mt942", "SWIFT", "MT942 日间明细（:34F: :90D: :90C:）", "文本", "SWIFT Category 9; wolph/mt940 samples"),
    ("camt.052", "ISO 20022", "camt.052 日间报告，各版本", "XML", "ISO 20022; genkgo/camt samples v1-v8"),
    (
        "camt.053",
        "ISO 20022",
        "camt.053 对账单，各版本，批量拆成明细",
        "XML",
        "ISO 20022; genkgo/camt, Subite-eu/camt-to-coda samples",
    ),
    ("camt.054", "ISO 20022", "camt.054 收付通知，各版本，批量拆成明细", "XML", "ISO 20022; genkgo/camt samples"),
)


@dataclass(frozen=True)
class Format:
    """A format that is read: its name in results, whose it is, what it is, in which kinds of file, from what source."""

    name: str
    bank: str
    title: str
    files: str
    headers: int
    source: str


def describe() -> list[Format]:
    """Every format, messages first, the plain layout last."""
    messages = [Format(name, bank, title, files, 0, source) for name, bank, title, files, source in _MESSAGES]
    return messages + [
        Format(item.name, item.bank, item.title, _TABLES, len(item.headers), item.source) for item in profiles()
    ]


def list_formats() -> list[str]:
    """Every format that is read, a line each: its name, the bank, the export, in which kinds of file."""
    wide = max(len(item.name) for item in describe())
    return [f"{item.name:<{wide}}  {item.bank}  {item.title}（{item.files}）" for item in describe()]


def told(read: StatementRead) -> list[str]:
    """A read file in words."""
    if not read.is_readable:
        return [f"{read.path.name}：不能读取", *[f"  {finding.code} {finding.message}" for finding in read.findings]]
    titles = {item.name: f"{item.bank} {item.title}" for item in describe()}
    names = "、".join(titles.get(name, name) for name in read.format_name.split("+"))
    lines = [f"{read.path.name}：{names}（{read.format_name}）", f"  判断依据：{read.why}"]
    for statement in read.statements.to_pylist():
        period = f"{statement['from_on'] or '—'} 至 {statement['to_on'] or '—'}"
        proof = "已证明完整" if statement["is_proved"] else "未能证明完整"
        lines.append(
            f"  账户 {statement['account_no'] or '（未写明）'} {statement['currency'] or ''} {period}："
            f"{statement['line_count']} 笔，贷方 {statement['credits'] or 0}，借方 {statement['debits'] or 0}，{proof}"
        )
    lines.append(f"  读到 {read.rows_read} 行，采用 {read.lines.num_rows}，未采用 {read.rejected.num_rows}")
    rejected = read.rejected.slice(0, _ROWS_NAMED).select(["source_row", "code", "reason"]).to_pylist()
    lines += [f"  {row['code']} 第 {row['source_row']} 行：{row['reason']}" for row in rejected]
    if read.rejected.num_rows > _ROWS_NAMED:
        lines.append(f"  另有 {read.rejected.num_rows - _ROWS_NAMED} 行未采用，未逐一列出")
    lines += [f"  {finding.code} {finding.message}" for finding in read.findings]
    return lines + [f"  说明：{note}" for note in read.notes]
