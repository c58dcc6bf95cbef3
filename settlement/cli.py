"""The ``settlement`` command: sample, run, ui, and what finance does to months. Joins arguments to the program.

Exit status: 0 the month is settled, exceptions or not; 1 it could not be settled, nothing published; 2 wrong call.
"""

from __future__ import annotations

import argparse
import sys
from datetime import date
from pathlib import Path

from settlement import month as months
from settlement.io.home import Home, find_home


def _month(text: str) -> str:
    try:
        return months.checked(text)
    except months.NotAMonth as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _months(text: str) -> list[str]:
    return [_month(month) for month in text.split(",")]


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"not a date: {text!r} (expected YYYY-MM-DD)") from error


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"not a positive number: {text!r}")
    return int(text)


def _sample(arguments: argparse.Namespace, home: Home) -> int:
    from settlement.sample import NoSuchSample, write_home

    try:
        write_home(
            home.root,
            month=arguments.month,
            months=arguments.months,
            orders=arguments.orders,
            seed=arguments.seed,
            mess=arguments.mess,
        )
    except NoSuchSample as error:
        print(f"settlement sample: {error}", file=sys.stderr)
        return 2
    print(f"样例数据已写入 {home.root}（答案在 {home.root / 'truth'}）")
    return 0


def _run(arguments: argparse.Namespace, home: Home) -> int:
    from settlement.launch import settle

    wanted = [arguments.month] if arguments.month else _waiting(home)
    if not wanted:
        print("所有月份均已结算，没有需要结算的月份。")
    for month in wanted:
        status = settle(
            home, month, as_of=arguments.as_of, workbooks=not arguments.no_workbooks, lang=arguments.lang, out=print
        )
        if status:
            return status
    return 0


def _waiting(home: Home) -> list[str]:
    """Months with a folder that are not settled, in order; a stale month makes all after it wait too."""
    from settlement.io.published import month_states

    states = month_states(home)
    return [month for month in home.months() if states.get(month) not in ("settled", "incomplete", "closed")]


def _ui(arguments: argparse.Namespace, home: Home) -> int:
    from settlement.server import serve

    return serve(home, port=arguments.port)


def _close(arguments: argparse.Namespace, home: Home) -> int:
    from settlement.io.month_states import close

    return _said(close(home, arguments.month, arguments.by))


def _reopen(arguments: argparse.Namespace, home: Home) -> int:
    from settlement.io.month_states import reopen

    return _said(reopen(home, arguments.month, arguments.by, arguments.reason))


def _said(refusal: str | None) -> int:
    if refusal:
        print(refusal, file=sys.stderr)
        return 1
    return 0


def _explain(arguments: argparse.Namespace, home: Home) -> int:
    from settlement.io.explanation import explain

    lines = explain(home, arguments.txn_id)
    print("\n".join(lines) if lines else f"没有流水 {arguments.txn_id}")
    return 0 if lines else 1


def _tryout(arguments: argparse.Namespace, home: Home) -> int:
    from settlement.assets.tryout import CannotTry, told, try_month, wished

    try:
        rules, limits = wished(arguments.rule, arguments.limit)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    try:
        for month in arguments.months:
            print("\n".join(told(try_month(home, month, limits, rules), arguments.show)))
    except CannotTry as error:
        return _said(str(error))
    return 0


def _banks(arguments: argparse.Namespace, home: Home) -> int:
    from settlement.io.bank import list_formats, read_statement, told
    from settlement.io.ingest_bank import accounts_of

    if not arguments.files:
        print("\n".join(list_formats()))
        return 0
    accounts = accounts_of(home)
    reads = [read_statement(path, own_accounts=accounts) for path in arguments.files]
    print("\n\n".join("\n".join(told(read)) for read in reads))
    return 0 if all(read.is_readable for read in reads) else 1


def parser() -> argparse.ArgumentParser:
    """All commands and their arguments."""
    top = argparse.ArgumentParser(prog="settlement", description="Month-end settlement for foreign-trade agencies")
    commands = top.add_subparsers(dest="command", required=True)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--home", type=Path, help="the data folder (default: SETTLEMENT_HOME, else data/)")

    def add(name: str, does, text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, parents=[common], help=text, description=text)
        command.set_defaults(does=does)
        return command

    sample = add("sample", _sample, "write a realistic home with its answers in truth/")
    sample.add_argument("--month", type=_month, required=True)
    sample.add_argument("--months", type=_count, default=1)
    sample.add_argument("--orders", type=_count, default=200)
    sample.add_argument("--seed", type=int, default=1)
    sample.add_argument("--mess", choices=["easy", "hard"], default="easy")

    run = add("run", _run, "settle a month (without --month: every month that waits, in order)")
    run.add_argument("--month", type=_month)
    run.add_argument("--as-of", type=_day, help="the day that decides every deadline (default: the month's last)")
    run.add_argument("--lang", choices=["zh", "en"], default="zh", help="language of the workbooks")
    run.add_argument("--no-workbooks", action="store_true", help="settle and publish, but write no Excel files")

    ui = add("ui", _ui, "start the Dagster webserver and daemon on 127.0.0.1")
    ui.add_argument("--port", type=_count, default=3000)

    close = add("close", _close, "freeze a settled month")
    close.add_argument("--month", type=_month, required=True)
    close.add_argument("--by", default="finance")
    reopen = add("reopen", _reopen, "open a closed month again; who and why are kept")
    reopen.add_argument("--month", type=_month, required=True)
    reopen.add_argument("--by", required=True)
    reopen.add_argument("--reason", required=True)

    explain = add("explain", _explain, "why a bank line went where it went")
    explain.add_argument("txn_id")
    tryout = add("tryout", _tryout, "what would move in past months with another rule or limit; publishes nothing")
    tryout.add_argument("--months", type=_months, required=True, help="settled months: 2023-09 or 2023-09,2023-10")
    tryout.add_argument("--rule", action="append", default=[], metavar="ID=order|account|open",
                        help="a row of the decision table with another outcome; may be repeated")  # fmt: skip
    tryout.add_argument("--limit", action="append", default=[], metavar="NAME=VALUE",
                        help="a limit of matching, like short_usd=80 or short_share=0.5%%; may be repeated")  # fmt: skip
    tryout.add_argument("--show", type=_count, default=50, help="how many moves are listed a month")
    banks = add("banks", _banks, "bank formats that are read; with files: what each is taken for and why")
    banks.add_argument("files", type=Path, nargs="*", metavar="FILE")
    return top


def main(arguments: list[str] | None = None) -> int:
    """Run the command; the exit status."""
    chosen = parser().parse_args(arguments)
    return chosen.does(chosen, find_home(chosen.home))


if __name__ == "__main__":
    sys.exit(main())
