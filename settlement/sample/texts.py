"""Columns of text from columns of numbers, whole columns at a time.

What belongs here: how fen, days and ids are written. What does not: what they mean.
Numbers are numpy int64 (money in fen, days since 1970-01-01), text is Arrow. ``NONE`` is "no value".
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

NONE = np.int64(np.iinfo(np.int64).min)  # no amount, no day
Text = pa.Array | str


def _flat(value: pa.Array | pa.ChunkedArray) -> pa.Array:
    return value.combine_chunks() if isinstance(value, pa.ChunkedArray) else value


def join(*parts: Text) -> pa.Array:
    """The parts after each other, row by row; an absent part counts as empty."""
    return _flat(pc.binary_join_element_wise(*parts, "", null_handling="replace", null_replacement=""))


def number(values: np.ndarray, width: int = 0) -> pa.Array:
    """Whole numbers as text, with zeros in front up to ``width``; ``NONE`` is absent."""
    text = pc.cast(pa.array(values, mask=values == NONE), pa.string())
    return _flat(pc.utf8_lpad(text, width, "0")) if width else _flat(text)


def decimal(values: np.ndarray, places: int, *, trim: bool = False) -> pa.Array:
    """``values`` x 10^-places as text: ``decimal([123456], 2)`` is ``1234.56``. ``trim`` drops zeros at the end."""
    absent = values == NONE
    size = np.abs(np.where(absent, 0, values))
    whole, rest = np.divmod(size, 10**places)
    sign = pick(["", "-"], (values < 0).astype(np.int64))
    text = join(sign, number(whole), ".", number(rest, places))
    if trim:
        text = pc.utf8_rtrim(pc.utf8_rtrim(text, "0"), ".")
    return blank(_flat(text), absent)


def money(fen: np.ndarray) -> pa.Array:
    """Fen as an amount with two decimals; ``NONE`` is absent."""
    return decimal(fen, 2)


def day(days: np.ndarray) -> pa.Array:
    """Days as ``2023-09-05``; ``NONE`` is absent."""
    absent = days == NONE
    dates = np.where(absent, 0, days).astype("datetime64[D]")
    return blank(_flat(pc.cast(pa.array(dates), pa.string())), absent)


def compact_day(days: np.ndarray) -> pa.Array:
    """Days as ``20230905``."""
    return _flat(pc.replace_substring(day(days), "-", ""))


def moment(days: np.ndarray, minutes: np.ndarray) -> pa.Array:
    """A day and minutes after midnight as ``2023-09-05 16:30:00``."""
    hours, rest = np.divmod(minutes, 60)
    return blank(join(day(days), " ", number(hours, 2), ":", number(rest, 2), ":00"), days == NONE)


def pick(words: Sequence[str | None], codes: np.ndarray) -> pa.Array:
    """``words[code]`` for each code; a negative code is absent."""
    codes = codes.astype(np.int64)
    return _flat(pa.array(words, pa.string()).take(pa.array(codes, mask=codes < 0)))


def take(text: pa.Array, rows: np.ndarray) -> pa.Array:
    """The rows of a column, by index; a negative index is absent."""
    rows = rows.astype(np.int64)
    return _flat(text.take(pa.array(rows, mask=rows < 0)))


def choose(condition: np.ndarray, yes: Text, no: Text | None) -> pa.Array:
    """``yes`` where the condition holds, else ``no``."""
    other = pa.scalar(None, pa.string()) if no is None else no
    return _flat(pc.if_else(pa.array(condition), yes, other))


def blank(text: pa.Array, absent: np.ndarray) -> pa.Array:
    """The text, but absent where ``absent`` holds."""
    return choose(absent, pa.nulls(len(text), pa.string()), text) if absent.any() else text


def repeat(word: str | None, rows: int) -> pa.Array:
    """The same word in each row."""
    return pa.array([word], pa.string()).take(pa.array(np.zeros(rows, np.int64))) if rows else pa.array([], pa.string())


def yes_no(flags: np.ndarray) -> pa.Array:
    """是 or 否."""
    return pick(["否", "是"], flags.astype(np.int64))
