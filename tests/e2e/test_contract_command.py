"""The command's exit status: 1 a month that cannot be settled, with the reason and nothing published; 2 a wrong call."""

from __future__ import annotations

import pytest

from settlement.cli import main


@pytest.mark.parametrize(
    "call",
    [
        [],
        ["frobnicate"],
        ["run", "--month", "2011-12"],  # months from 2012-01 on
        ["run", "--month", "2023-13"],
        ["run", "--month", "2023-9"],
        ["run", "--month", "2023-09", "--as-of", "2023-09-31"],
        ["sample"],
        ["sample", "--month", "2023-09", "--orders", "0"],
        ["sample", "--month", "2023-09", "--orders", "49"],
        ["sample", "--month", "2023-09", "--mess", "worse"],
        ["sample", "--month", "2012-01"],  # no central parity of that month is in the package
        ["close", "--month", "x"],
    ],
)
def test_a_wrong_call_is_2(call, tmp_path, capsys):
    try:
        status = main([*call, "--home", str(tmp_path)] if call else call)
    except SystemExit as stopped:
        status = stopped.code
    assert status == 2
    told = capsys.readouterr()
    assert "settlement" in told.err and "Traceback" not in told.err
    assert list(tmp_path.iterdir()) == []


def test_a_month_out_of_turn_or_without_a_folder_is_1(tmp_path, capsys):
    for month in ("2023-09", "2023-10"):
        (tmp_path / "raw" / month / "bank").mkdir(parents=True)
    assert main(["run", "--month", "2023-10", "--home", str(tmp_path)]) == 1
    assert "settle 2023-09 first" in capsys.readouterr().out
    assert main(["run", "--month", "2024-01", "--home", str(tmp_path)]) == 1
    assert "no folder raw/2024-01" in capsys.readouterr().out
    assert {path.name for path in tmp_path.iterdir()} == {"raw"}
