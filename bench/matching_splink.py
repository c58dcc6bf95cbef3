"""Splink 5 on the rows of the matching bench: one link a receipt, by name, amount and days. Runs in its own environment.

    .venv/bench/bin/python bench/matching_splink.py FOLDER

Reads ``receipts.parquet`` and ``items.parquet`` (unique_id, name, amount, currency, day), writes ``links.parquet`` (txn_id,
order_no, confidence), prints seconds, processor seconds and peak KiB. It imports nothing of this repository: Splink wants a
newer sqlglot than Ibis.
"""

from __future__ import annotations

import logging
import resource
import sys
import time
from pathlib import Path

import duckdb
import splink.comparison_level_library as cll
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

# The best link of a receipt counts where it is more probable than not: of a million items one is meant, so the odds start low.
LIKELY, SURE = 0.5, 0.9


def _settings() -> SettingsCreator:
    amount = cl.CustomComparison(
        output_column_name="amount",
        comparison_levels=[
            cll.NullLevel("amount"),
            cll.ExactMatchLevel("amount"),
            cll.AbsoluteDifferenceLevel("amount", 50),
            cll.ElseLevel(),
        ],
    )
    days = cl.AbsoluteDateDifferenceAtThresholds(
        "day", input_is_string=False, metrics=["day", "day"], thresholds=[15, 30]
    )
    return SettingsCreator(
        link_type="link_only",
        comparisons=[cl.JaroWinklerAtThresholds("name", [0.95]), amount, days],
        blocking_rules_to_generate_predictions=[
            block_on("name", "currency"),
            block_on("amount", "currency", "substr(name, 1, 3)"),
        ],
        retain_matching_columns=False,
    )


def link(folder: Path) -> None:
    """Train without labels, predict, and keep the best link of each receipt."""
    con = duckdb.connect()
    con.execute("SET memory_limit = '3GB'")
    for name in ("receipts", "items"):
        con.read_parquet(str(folder / f"{name}.parquet")).create(name)
    api = DuckDBAPI(con)
    tables = [
        api.register(con.table(name), table_name=f"{name}_in", dataset_display_name=name)
        for name in ("receipts", "items")
    ]
    linker = Linker(tables, _settings(), log_level=logging.ERROR)
    linker.training.estimate_probability_two_random_records_match([block_on("name", "amount", "currency")], recall=0.5)
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=1)
    linker.training.estimate_parameters_using_expectation_maximisation(block_on("name", "currency"), max_pairs=1e6)
    linker.training.estimate_parameters_using_expectation_maximisation(block_on("amount", "currency"), max_pairs=1e6)
    pairs = linker.inference.predict(threshold_match_probability=LIKELY).as_duckdbpyrelation()
    is_left = duckdb.ColumnExpression("source_dataset_l") == duckdb.ConstantExpression("receipts")
    left, right = duckdb.ColumnExpression("unique_id_l"), duckdb.ColumnExpression("unique_id_r")
    links = pairs.select(
        duckdb.CaseExpression(is_left, left).otherwise(right).alias("txn_id"),
        duckdb.CaseExpression(is_left, right).otherwise(left).alias("order_no"),
        duckdb.ColumnExpression("match_probability").alias("probability"),
    )
    best = links.aggregate(
        "txn_id, arg_max(order_no, probability) AS order_no, max(probability) AS probability", "txn_id"
    )
    sure = duckdb.ColumnExpression("probability") >= duckdb.ConstantExpression(SURE)
    confidence = duckdb.CaseExpression(sure, duckdb.ConstantExpression("certain")).otherwise(
        duckdb.ConstantExpression("probable")
    )
    best.select("txn_id", "order_no", confidence.alias("confidence")).write_parquet(str(folder / "links.parquet"))


def main() -> int:
    """Link what lies in the folder named; says what it took."""
    started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    link(Path(sys.argv[1]))
    used = resource.getrusage(resource.RUSAGE_SELF)
    processor = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
    print(f"{time.perf_counter() - started:.3f} {processor:.3f} {used.ru_maxrss}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
