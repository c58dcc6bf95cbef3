"""How long a million statement lines take: read, proved, combined, stored (`make bench`).

Aims on 2 cores: 1,000,000 lines of CSV in 30 s, 200,000 lines of XLSX in 60 s, both within 2 GiB.
Each case runs in a process of its own, so that its peak memory is its own. Prints one line a case and
ends with 1 where a case misses its aim. The aim is time by the clock, on cores that nothing else uses; the time of
the processor beside it says how far off that was.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv

CASES = {"csv": (1_000_000, 30.0), "xlsx": (200_000, 60.0)}
MEMORY_LIMIT_MB = 2048
HEADER = [
    "凭证号",
    "本方账号",
    "对方账号",
    "交易时间",
    "借/贷",
    "借方发生额",
    "贷方发生额",
    "对方行号",
    "摘要",
    "用途",
    "对方单位名称",
    "余额",
    "个性化信息",
]
ACCOUNT = "1202020119900123456"


def statement(count: int) -> tuple[pa.Table, np.ndarray]:
    """``count`` lines of one account with running balance, and the signed amounts in fen."""
    random = np.random.default_rng(20230905)
    fen = random.integers(1, 5_000_000_00, count) * np.where(random.random(count) < 0.5, 1, -1)
    balance = 10**13 + np.cumsum(fen)
    moment = np.datetime64("2023-01-01T08:00:00") + np.sort(random.integers(0, 364 * 86_400, count)).astype(
        "timedelta64[s]"
    )
    number = np.arange(count)

    def money(values: np.ndarray) -> pa.Array:
        whole = pc.cast(pa.array(values // 100), pa.string())
        cents = pc.utf8_lpad(pc.cast(pa.array(values % 100), pa.string()), width=2, padding="0")
        return pc.binary_join_element_wise(whole, cents, ".")

    empty = pa.repeat(pa.scalar(""), count)
    text = pc.cast(pa.array(number), pa.string())
    columns = [
        pc.binary_join_element_wise("V", text, ""),
        pa.repeat(pa.scalar(ACCOUNT), count),
        pc.cast(pa.array(6_222_000_000_000_000 + number % 40_000), pa.string()),
        pc.cast(pa.array(moment), pa.string()),
        pc.if_else(pa.array(fen > 0), "贷", "借"),
        pc.if_else(pa.array(fen < 0), money(np.abs(fen)), empty),
        pc.if_else(pa.array(fen > 0), money(np.abs(fen)), empty),
        pa.repeat(pa.scalar("102331000012"), count),
        pa.repeat(pa.scalar("转账"), count),
        pc.binary_join_element_wise("订单EX", text, ""),
        pc.binary_join_element_wise("第", pc.cast(pa.array(number % 3_000), pa.string()), "贸易有限公司", ""),
        money(balance),
        pc.binary_join_element_wise("INV-2023-", text, ""),
    ]
    return pa.table(columns, names=HEADER), fen


def write(kind: str, count: int, path: Path) -> Decimal:
    """The statement as a file of that kind; returns the sum of its lines."""
    table, fen = statement(count)
    if kind == "csv":
        arrow_csv.write_csv(table, path, arrow_csv.WriteOptions(quoting_style="none"))
    else:
        import xlsxwriter

        with xlsxwriter.Workbook(path, {"constant_memory": True}) as workbook:
            sheet = workbook.add_worksheet()
            sheet.write_row(0, 0, HEADER)
            for at, row in enumerate(zip(*(column.to_pylist() for column in table.columns), strict=True), start=1):
                sheet.write_row(at, 0, row)
    return Decimal(int(fen.sum())).scaleb(-2)


def read(path: Path, expected: Decimal, count: int) -> None:
    """Read, prove, combine and store; raises ``AssertionError`` where anything is not exact."""
    from settlement.io.bank import combine, read_statement
    from settlement.io.engine import connect

    statement_read = read_statement(path, own_accounts={ACCOUNT: "CNY"})
    assert [proof.holds for proof in statement_read.proofs if proof.kind == "balance_chain"] == [True]
    combined = combine([statement_read])
    assert combined.lines.num_rows == count
    assert pc.sum(combined.lines.column("amount")).as_py() == expected
    store = connect(path.with_suffix(".duckdb"))
    store.create_table("bank_transactions", combined.lines, overwrite=True)
    assert store.table("bank_transactions").count().to_pyarrow().as_py() == count


def peak_memory_mb() -> int:
    """The most memory this process has held. Not ru_maxrss: a child process begins with its parent's."""
    status = Path("/proc/self/status").read_text("ascii")
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) // 1024


def main() -> int:
    """Run the cases named on the command line (all by default)."""
    if len(sys.argv) > 4 and sys.argv[1] == "--read":
        started = time.perf_counter()
        read(Path(sys.argv[2]), Decimal(sys.argv[3]), int(sys.argv[4]))
        print(f"{time.perf_counter() - started:.1f} {time.process_time():.1f} {peak_memory_mb()}")
        return 0
    missed = 0
    for kind in sys.argv[1:] or CASES:
        count, limit = CASES[kind]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"statement.{kind}"
            total = write(kind, count, path)
            call = [sys.executable, __file__, "--read", str(path), str(total), str(count)]
            seconds, processor, memory = map(
                float, subprocess.run(call, check=True, capture_output=True, text=True).stdout.split()
            )
        is_met = seconds <= limit and memory <= MEMORY_LIMIT_MB
        missed += not is_met
        print(
            f"{kind}: {count:,} lines in {seconds:.1f} s (aim {limit:.0f} s), processor {processor:.1f} s, peak {memory:.0f} MiB (aim {MEMORY_LIMIT_MB}): {'met' if is_met else 'MISSED'}"
        )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
