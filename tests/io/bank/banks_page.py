"""docs/banks.md: what is read, and what reading every file of the corpus and of the real data gave.

Run as a program (``python -m tests.io.bank.banks_page``) it writes the page; ``test_banks_page`` holds the page to it.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from settlement.io.bank import StatementRead, describe, read_statement
from tests.io.bank.conftest import REAL
from tests.io.bank.corpus_layouts import CORPUS

PAGE = Path(__file__).resolve().parents[3] / "docs/banks.md"
REAL_HEADING = "## Real statements that nobody on this project wrote"

INTRODUCTION = """# Bank statements

Written by `python -m tests.io.bank.banks_page`; a test holds this page to what the readers do. Change those, not this page.

Any file in `bank/` is read exactly or refused with the reason. What it is follows from its content, never from its name:
`settlement banks` lists what is read, `settlement banks FILE` says what a file was taken for and why.

## What is read

"""

RULES = """
## How a file is read

* **Detection** by the first bytes (OLE, ZIP, XML, web page), then SWIFT fields, then a table of text: byte order mark, strict
  UTF-8, GB18030; delimiter by the widths of its rows; the header is the first row of the first 60 that names three of our fields, a
  date and an amount among them. Names are compared without spaces, bracketed English, `/元`, in half width. A second row of names
  (发生额 / 借方, 贷方) is read with the first.
* **Sides** are the bank's: 借 is money out, 贷 money in; a minus on a side is a reversal (红字), which stays on the side it reverses.
  Exactly one side has an amount, else the row is refused (`BNK_BOTH_SIDES`). Where an export writes all that goes out with a minus
  (支出 -50.00, or 借 beside -50.00) that is its way of writing: the running balance decides; without one, a statement in which two
  figures or more go out and none of them without a minus.
* **Amounts** are exact. Two decimals, none for JPY and KRW; five-decimal camt amounts are taken where the last three are zero, else
  the row is refused. Nothing is rounded.
* **Days** are the bank's own calendar days, as it writes them, whatever the zone beside them; `booked_at` is its clock. In an export
  the transaction's date is `booked_on`, the posting date stands in where it is missing, then the value date. February 30 in MT940 (30
  days a month) is the last of February.
* **Not booked is no money**: camt entries that are not `BOOK`, MT942 `EC`/`ED`, and closed Alipay orders are refused with the reason.
* **A batch** (camt) becomes its details where they add up to the entry, else it stays one line, marked, with all their remittance text.
* **Proof**: opening + entries = closing; the running balance, in the order the bank wrote it; control totals of title and footer, MT942
  `:90D:` `:90C:`, camt `TxsSummry`; entry = Σ details. A break names the first row where it shows; the lines stay and are marked.
* **Each transaction once**: within a format by identity and occurrence (BNK-07), where there is no reference by the printed balance and
  time too, and a download that leaves out balance, time or reference is held against one that prints them; between formats entries of a day are paired one to one by reference, payer, payer's account, and by amount alone only where a
  name is missing or both show exactly the same amounts. A proved statement overrules what a notice announced. A corrected re-issue of a
  numbered statement replaces it. Every repeated row is listed with the row it repeats.
* **Continuity** per account over files and months: a gap is a closing that is not the next opening, a skipped statement number, or the
  one missing day in a series that has every other. A file that ends early, its totals with it, is found by the statement after it.

## A new bank is a file and no code

Put `settlement/io/bank/profiles/<name>.yaml`; every key but the first two may be left out:

| key | what it says |
|---|---|
| `bank`, `title` | the bank, and the name of the export |
| `headers` | whole header rows as documented: the layout is taken for a file that has 60 % of one |
| `marks` | words in the title rows that speak for this bank |
| `columns` | our field to the bank's names of it, tried before those of `base.yaml`; of texts and references several are kept |
| `only` | the same, instead of those of `base.yaml` (an empty list: the bank has no such column) |
| `labels`, `totals` | labels of title and footer rows; words that begin a total row |
| `inward`, `outward`, `neutral` | marks of direction; `neutral_in`, `neutral_out`, `dropped` say which neutral rows are what |
| `default_currency` | where neither file nor `own_accounts` says it |
| `rate_per` | 100 (default) or 1 |
| `negative_is_in`, `signed_sides`, `date_form`, `cell_prefix` | credit cards; sums out written with a minus in their own column; dates without a year; a mark before every cell |

Then add three files of it to the corpus (`tests/io/bank/corpus_cases.py`) and write this page anew.

## The corpus

Our own files, written from one hand-written truth in the layouts, with the quirks the exports are known for. No real corporate export is
public. Each file gives exactly the truth (`tests/io/bank/test_corpus.py`).

"""

REAL_INTRODUCTION = f"""
{REAL_HEADING}

Samples of genkgo/camt and jejik (MIT), Subite-eu/camt-to-coda (MIT), wolph/mt940 (BSD-3), dovadi (MIT) and
deb-sig/double-entry-generator (Apache-2). They are not in the repository. The expected values beside them are tested in
`test_real_camt.py`, `test_real_mt940.py`, `test_real_chinese.py`, which also name and justify each refusal; many of these files were
edited or cut by their authors, which the proofs find.

"""

COLUMNS = "| file | taken for | lines | refused | in | out | what was proved | what was reported |\n|---|---|---|---|---|---|---|---|\n"


def page(*, with_real: bool) -> str:
    """The whole page; without its last section where the real files are absent."""
    formats = "| name | bank | export | files | from |\n|---|---|---|---|---|\n" + "".join(
        f"| `{item.name}` | {item.bank} | {item.title} | {item.files} | {item.source} |\n" for item in describe()
    )
    own = [path for path in sorted(CORPUS.iterdir()) if path.suffix != ".json"]
    text = INTRODUCTION + formats + RULES + COLUMNS + "".join(row(path, CORPUS) for path in own)
    return text + REAL_INTRODUCTION + COLUMNS + "".join(row(path, REAL) for path in real_files()) if with_real else text


def real_files() -> list[Path]:
    """Every statement of the real data; the expected values and licences beside them are none."""
    kinds = {".xml", ".sta", ".txt", ".csv", ".xls"}
    return [path for path in sorted(REAL.rglob("*")) if path.suffix in kinds]


@cache
def row(path: Path, root: Path) -> str:
    """One line of a table of results."""
    read = read_statement(path)
    cells = (
        f"`{path.relative_to(root).as_posix()}`",
        read.format_name or "refused",
        str(read.lines.num_rows),
        str(read.rejected.num_rows),
        _sums(read, "credit_in"),
        _sums(read, "debit_out"),
        _proved(read),
        _reported(read),
    )
    return "| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |\n"


def _sums(read: StatementRead, side: str) -> str:
    grouped = read.lines.group_by("currency", use_threads=False).aggregate([(side, "sum")]).to_pylist()
    return " ".join(f"{item['currency']} {item[f'{side}_sum']:,.2f}" for item in grouped if item[f"{side}_sum"])


def _proved(read: StatementRead) -> str:
    names = {
        "opening_closing": "opening + entries = closing",
        "balance_chain": "running balance",
        "control_total": "control totals",
        "details": "entry = Σ details",
        "opening": "opening",
        "closing": "closing",
    }
    held = _tally(proof.kind for proof in read.proofs if proof.holds)
    return ", ".join(names[kind] + (f" ×{count}" if count > 1 else "") for kind, count in held.items())


def _reported(read: StatementRead) -> str:
    codes = _tally([*(finding.code for finding in read.findings), *read.rejected.column("code").to_pylist()])
    return ", ".join(f"`{code}`" + (f" ×{count}" if count > 1 else "") for code, count in codes.items())


def _tally(items: Iterable[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for item in items:
        found[item] = found.get(item, 0) + 1
    return found


if __name__ == "__main__":
    PAGE.write_text(page(with_real=True), "utf-8")
