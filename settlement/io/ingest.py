"""Ingest (读入): the files of a home as tables of the work file, every row accepted or rejected with its reason.

Schemas made here: ``reference.<table>`` (masters), ``stage.<table>`` (accepted rows of the month),
``stage.rejected_rows``, ``stage.control_totals``, ``found.ingest``; ``inbox.*`` is what was read of the masters
beside their rows. What belongs here: the order of things. What does not: files (`inbox.py`, `tables.py`), bank
statements (`ingest_bank.py`), judging rows (`rules/input_rows.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from settlement.io.engine import Engine
from settlement.io.home import Home
from settlement.io.inbox import (
    REJECTED_ROWS,
    FileProblem,
    Folder,
    Inbox,
    begin_folder,
    note_strays,
    read_references,
    take_folder,
)
from settlement.io.ingest_bank import accounts_ingested, accounts_of, begin_bank, ingest_bank
from settlement.io.layouts import Layout, layouts, monthly_layouts, reference_layouts
from settlement.io.parameters import parameter_files, parameter_tables
from settlement.io.readers import Readers
from settlement.io.tables import files_in
from settlement.month import last_day
from settlement.rules import input_rows
from settlement.rules.books.facts import latest, latest_goods
from settlement.rules.input_exceptions import found_in_files, found_in_rows, missing_inputs
from settlement.rules.input_totals import TOTALS, control_totals
from settlement.rules.rows import table_of

Past = Callable[[str, ibis.Schema], ir.Table]

# A vendor may bill the same charge twice on one invoice, and in two files: the freight rules judge that (FRT_DUPLICATE).
_MAY_REPEAT = ("freight",)
_FILE_FACTS = {"source_file": "string", "source_row": "int64", "row_digest": "string", "original": "string"}
SEEN = ibis.schema({"source_file": "string", "input_table": "string"})
PROBLEMS = ibis.schema({"source_file": "string", "sheet": "string", "code": "string", "reason": "string"})
REJECTIONS = ibis.schema(
    {
        "source_file": "string",
        "input_table": "string",
        "source_row": "int64",
        "field": "string",
        "found": "string",
        "reason": "string",
        "code": "string",
        "currency": "string",
        "amount": "decimal(18, 2)",
        "order_no": "string",
        "principal_id": "string",
    }
)


def stage_schema(layout: Layout) -> ibis.Schema:
    """Columns of ``stage.<table>`` or ``reference.<table>``: the fields, then where the row was; months have ``month``."""
    month = {} if layout.is_reference else {"month": "string"}
    return ibis.schema({**layout.schema, **month, **_FILE_FACTS})


def ingest_reference(con: Engine, home: Home) -> None:
    """All masters (主数据) of ``raw/reference`` as ``reference.<table>``; those without a file are there, empty.

    What is wrong with the files waits in ``inbox.*`` for ``ingest_month``, which says so for the month.
    """
    for schema in ("reference", "inbox"):
        con.create_database(schema, force=True)
    inbox = read_references(home, _parameter_names(home.reference))
    rejected = [_loaded(con, "rejected_in_files", inbox.rejected_rows())]
    totals = []
    for layout in reference_layouts():
        key = (*layout.key, "valid_from") if layout.key and "valid_from" in layout.schema else layout.key
        count, rows = _staged(con, inbox, layout, None)
        if key and count:
            verdicts = _kept(con, f"verdicts_{layout.name}", input_rows.repeated_keys(rows, key, _key_name(layout)))
            rejected += _settle(con, "reference", layout, rows, verdicts)
        totals.append(_counted(con.table(layout.name, database="reference"), layout))
    _kept(con, "reference_rejected", _union(rejected, REJECTIONS))
    _kept(con, "reference_accepted", _union(totals, TOTALS))
    _keep_files(con, "reference", inbox)


class MonthFiles:
    """The files of a month being read, from now on: some take longer than all the masters.

    A context: at its end nobody reads any more.
    """

    def __init__(self, home: Home, month: str) -> None:
        self.readers = Readers()
        # What is taken first is read first. To combine bank lines is work of Python's, beside which the engine and the
        # readers do the rest; they look at all payments, refused ones too, for persons' accounts.
        names = list(dict.fromkeys(layout.folder for layout in monthly_layouts()))
        payments = self._folder(home, month, "payments")
        self.accounts = accounts_of(home)
        self.statements = begin_bank(self.readers, home, month, self.accounts)
        begun = {name: payments if name == "payments" else self._folder(home, month, name) for name in names}
        self.folders: dict[str, Folder] = begun

    def _folder(self, home: Home, month: str, name: str) -> Folder:
        earlier = _earlier_files(home, month, name)
        return begin_folder(self.readers, home.inbox(month) / name, monthly_layouts(name), earlier)

    def __enter__(self) -> MonthFiles:
        return self

    def __exit__(self, *raised: object) -> None:
        self.readers.close()


def ingest_month(con: Engine, home: Home, month: str, past: Past, files: MonthFiles | None = None) -> None:
    """Every file of ``raw/<month>`` as ``stage.<table>``; ``ingest_reference`` comes before it.

    ``past(name, schema)``: accepted rows of earlier months of a table. ``files``: where they are being read already.
    Nothing raises for what stands in a file:
    it is an exception in ``found.ingest``, and the row a line of ``stage.rejected_rows``.
    """
    for schema in ("stage", "found"):
        con.create_database(schema, force=True)
    inbox, taken, refused = Inbox(), {}, {}
    with files or MonthFiles(home, month) as begun:
        folders, own = begun.folders, accounts_ingested(con)
        statements = begun.statements if begun.accounts == own else begin_bank(begun.readers, home, month, own)
        taken["payments"] = _taken(con, inbox, home, folders["payments"], month)
        bank = ingest_bank(con, home, month, past, statements)
        refused |= _refused(con, taken["payments"], past)
        for name in sorted(folders, key=lambda name: folders[name].is_slow):
            if name != "payments":
                taken[name] = _taken(con, inbox, home, folders[name], month)
                refused |= _refused(con, taken[name], past)
    missing = [
        name
        for name, folder in folders.items()
        if not folder.files and any(layout.is_mandatory for layout in folder.candidates)
    ]
    note_strays(inbox, home, month, [*folders, "bank"])
    rejected = [_loaded(con, "rejected_in_files", inbox.rejected_rows())]
    for layout in monthly_layouts():
        rejected += refused.get(layout.name, [])
    accepted = [_counted(con.table(item.name, database="stage"), item) for item in monthly_layouts()]
    accepted = [
        _in_order_currency(con, part, past) if item.name == "goods" else part
        for part, item in zip(accepted, monthly_layouts(), strict=True)
    ]
    _keep_files(con, "month", inbox)
    rejections = _union([*rejected, con.table("reference_rejected", database="inbox"), bank.rejected], REJECTIONS)
    rejections = _rejected_in_order_currency(con, rejections, past)
    rejections = _kept(con, "rejections", rejections)
    con.keep("stage", "rejected_rows", _shown_rejections(rejections))
    counted = _union([*accepted, con.table("reference_accepted", database="inbox"), bank.accepted], TOTALS)
    seen = _union([con.table(f"{part}_seen", database="inbox") for part in ("month", "reference")], SEEN).union(
        bank.seen
    )
    con.keep("stage", "control_totals", control_totals(counted, rejections, seen, month))
    found = _found(con, past, rejections, missing + (["bank"] if bank.is_missing else []), month)
    con.keep("found", "ingest", found.union(bank.found).order_by("code", "subject"))


def _taken(con: Engine, inbox: Inbox, home: Home, folder: Folder, month: str) -> list[Layout]:
    """What a folder gave as ``stage.<table>``; the tables that have rows."""
    take_folder(inbox, home, folder)
    return [layout for layout in folder.candidates if _staged(con, inbox, layout, month)[0]]


def _refused(con: Engine, tables: Sequence[Layout], past: Past) -> dict[str, list[ir.Table]]:
    """Take from tables of the month what is not accepted because of other rows; that as ``REJECTIONS``, by table."""
    refused = {}
    for layout in tables:
        rows = con.table(layout.name, database="stage")
        verdicts = _month_verdicts(con, layout, rows, past)
        refused[layout.name] = [] if verdicts is None else _settle(con, "stage", layout, rows, verdicts)
    return refused


def _earlier_files(home: Home, month: str, folder: str) -> list[Path]:
    return [path for earlier in home.months() if earlier < month for path in files_in(home.inbox(earlier) / folder)]


def _parameter_names(reference: Path) -> list[str]:
    """Names of files in ``raw/reference`` that are parameters (税率、日历…), not masters."""
    return sorted({name.lower() for name in [*parameter_files(), *parameter_tables(reference)]})


# --- rows into the work file ---------------------------------------------------------------------
def _staged(con: Engine, inbox: Inbox, layout: Layout, month: str | None) -> tuple[int, ir.Table]:
    """A table's rows as they were read, with their digest, as ``stage.<table>`` or ``reference.<table>``; how many."""
    read = inbox.rows_of(layout)
    rows = ibis.memtable(read)
    inbox.accepted.pop(layout.name, None)
    rows = rows.mutate(row_digest=input_rows.row_digest(rows, list(layout.schema)))
    if month is not None:
        rows = rows.mutate(month=ibis.literal(month))
    rows = rows.cast(dict(stage_schema(layout).items())).select(*stage_schema(layout))
    return read.num_rows, con.keep("stage" if month else "reference", layout.name, rows)


def _kept(con: Engine, name: str, rows: ir.Table) -> ir.Table:
    return con.keep("inbox", name, rows)


def _loaded(con: Engine, name: str, rows: pa.Table) -> ir.Table:
    return _kept(con, name, ibis.memtable(rows.cast(REJECTED_ROWS))).select(*REJECTIONS).cast(dict(REJECTIONS.items()))


def _month_verdicts(con: Engine, layout: Layout, rows: ir.Table, past: Past) -> ir.Table | None:
    """Rows of a monthly table that are not accepted because of other rows, as a table; None where none can be."""
    name = f"verdicts_{layout.name}"
    schema = stage_schema(layout)
    if layout.name == "orders":
        first = _kept(
            con, f"{name}_0", input_rows.unknown_principals(rows, con.table("principals", database="reference"))
        )
    elif layout.name == "goods":
        known = con.table("orders", database="stage").select("order_no").union(_orders(past).select("order_no"))
        first = _kept(con, f"{name}_0", input_rows.unknown_orders(rows, known))
    else:
        first = None
    rest = rows if first is None else rows.anti_join(first, ["source_file", "source_row"])
    if layout.key:
        repeated = input_rows.repeated_keys(rest, layout.key, _key_name(layout))
    elif layout.name not in _MAY_REPEAT:
        repeated = input_rows.repeated_rows(rest, past(layout.name, schema))
    else:
        return first
    return _kept(con, name, repeated if first is None else first.union(repeated))


def _orders(past: Past) -> ir.Table:
    return past("orders", stage_schema(layouts()["orders"]))


def _key_name(layout: Layout) -> str:
    return "、".join(layout.field(name).header for name in layout.key)


def _settle(con: Engine, schema: str, layout: Layout, rows: ir.Table, verdicts: ir.Table) -> list[ir.Table]:
    """Leave the accepted rows in ``<schema>.<table>``; the others are ``REJECTIONS``."""
    if not verdicts.count().to_pyarrow().as_py():
        return []
    here = ["source_file", "source_row"]
    joined = verdicts.inner_join(_counted(rows, layout), here)
    rejected = _kept(con, f"rejected_{layout.name}", joined.select(*REJECTIONS))
    con.keep(schema, layout.name, rows.anti_join(verdicts, here))
    return [rejected]


def _counted(rows: ir.Table, layout: Layout) -> ir.Table:
    """What the control totals count of each row (``TOTALS``), and whose it is."""
    nil = ibis.literal("0.00").cast("decimal(18, 2)")
    amount = nil
    for name in layout.money_of:
        amount = (amount + rows[name].fill_null(nil)).cast("decimal(18, 2)")
    currency = rows[layout.currency_of].fill_null("CNY") if layout.currency_of else ibis.literal("CNY")
    named = {name: rows[name] if name in rows.columns else ibis.null("string") for name in ("order_no", "principal_id")}
    return rows.select(
        "source_file", "source_row", input_table=ibis.literal(layout.name), currency=currency, amount=amount, **named
    )


def _in_order_currency(con: Engine, goods: ir.Table, past: Past) -> ir.Table:
    """Goods lines are in their order's currency."""
    both = (
        con.table("orders", database="stage")
        .select("order_no", "currency")
        .union(_orders(past).select("order_no", "currency"))
    )
    known = both.group_by("order_no").agg(_currency=both.currency.max()).rename(_of="order_no")
    joined = goods.left_join(known, goods.order_no == known._of)
    return joined.mutate(currency=ibis.coalesce(joined._currency, joined.currency)).select(*TOTALS)


def _rejected_in_order_currency(con: Engine, rejections: ir.Table, past: Past) -> ir.Table:
    """So are those that were rejected, even with their order."""
    here = con.table("orders", database="stage").select("order_no", "currency")
    refused = rejections.filter((rejections.input_table == "orders") & rejections.order_no.notnull())
    every = here.union(_orders(past).select("order_no", "currency")).union(refused.select("order_no", "currency"))
    known = every.group_by("order_no").agg(_currency=every.currency.max()).rename(_of="order_no")
    joined = rejections.left_join(known, (rejections.order_no == known._of) & (rejections.input_table == "goods"))
    return joined.mutate(currency=ibis.coalesce(joined._currency, joined.currency)).select(*REJECTIONS)


# --- what a person must see ------------------------------------------------------------------------
def _keep_files(con: Engine, part: str, inbox: Inbox) -> None:
    seen = [{"source_file": file, "input_table": name} for file, name in sorted(inbox.seen)]
    _kept(con, f"{part}_seen", table_of(seen, SEEN))
    _kept(con, f"{part}_problems", table_of(_problem_rows(inbox.problems), PROBLEMS))


def _problem_rows(problems: Sequence[FileProblem]) -> list[Mapping[str, str]]:
    return [vars(problem) for problem in problems]


def _shown_rejections(rejections: ir.Table) -> ir.Table:
    """``stage.rejected_rows``. Details of one batch entry share its row: the second is told apart in ``field``."""
    place = ibis.window(
        group_by=["source_file", "input_table", "source_row", "field"], order_by=["found", "reason", "amount"]
    )
    numbered = rejections.mutate(_nth=ibis.row_number().over(place))
    apart = numbered.field.fill_null("") + "#" + (numbered._nth + 1).cast("string")
    shown = numbered.mutate(field=ibis.cases((numbered._nth > 0, apart), else_=numbered.field))
    columns = ["source_file", "input_table", "source_row", "field", "found", "reason", "code"]
    return shown.select(*columns).order_by("source_file", "input_table", "source_row", "field")


def _found(con: Engine, past: Past, rejections: ir.Table, missing: Sequence[str], month: str) -> ir.Table:
    problems = _union([con.table(f"{part}_problems", database="inbox") for part in ("month", "reference")], PROBLEMS)
    masters = [
        layout.name
        for layout in reference_layouts()
        if layout.is_mandatory and not con.table(layout.name, database="reference").count().to_pyarrow().as_py()
    ]
    orders, goods = (
        con.table(name, database="stage").union(past(name, stage_schema(layouts()[name])))
        for name in ("orders", "goods")
    )
    orders, goods = latest(orders, "order_no"), latest_goods(goods)
    rates = con.table("fx_mid_rates", database="reference")
    return (
        found_in_files(problems)
        .union(found_in_rows(rejections, problems, rates, last_day(month)))
        .union(missing_inputs(missing, masters, month))
        .union(input_rows.orders_without_goods(orders, goods))
        .union(input_rows.goods_sum_differs(orders, goods))
    )


def _union(parts: Sequence[ir.Table], schema: ibis.Schema) -> ir.Table:
    whole = parts[0].select(*schema) if parts else table_of([], schema)
    for part in parts[1:]:
        whole = whole.union(part.select(*schema))
    return whole
