"""Cells of text as dates and timestamps: every form the contract allows, and no date that does not exist.

Timestamps are the wall clock of Asia/Shanghai, to the second, without a zone.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from settlement.io.cells import Read, tidy

_TIME = r"(?:[ T]+(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:\.[0-9]+)?)?(?: ?\+08:?00)?)?"
_FORMS = (
    r"^(?P<year>[12][0-9]{3})-(?P<month>[0-9]{1,2})-(?P<day>[0-9]{1,2})" + _TIME + "$",
    r"^(?P<year>[12][0-9]{3})/(?P<month>[0-9]{1,2})/(?P<day>[0-9]{1,2})" + _TIME + "$",
    r"^(?P<year>[12][0-9]{3})\.(?P<month>[0-9]{1,2})\.(?P<day>[0-9]{1,2})" + _TIME + "$",
    r"^(?P<year>[12][0-9]{3}) ?年 ?(?P<month>[0-9]{1,2}) ?月 ?(?P<day>[0-9]{1,2}) ?日"
    + _TIME.replace("[ T]+", "[ T]*", 1)
    + "$",
    r"^(?P<year>[12][0-9]{3})(?P<month>[0-9]{2})(?P<day>[0-9]{2})" + _TIME + "$",
    r"^(?P<year>[12][0-9]{3})(?P<month>[0-9]{2})(?P<day>[0-9]{2}) ?(?P<hour>[0-9]{2})(?P<minute>[0-9]{2})(?P<second>[0-9]{2})$",
)
_PARTS = ("year", "month", "day", "hour", "minute", "second")
# Day 0 of Excel's calendar as it counts from March 1900 on; serials from 1954 to 2119 have five digits.
_SERIAL = r"^[2-7][0-9]{4}(\.[0-9]+)?$"
_EXCEL_EPOCH_DAYS = -25569
_SECONDS = 86_400


def timestamp(cells: pa.Array, *, serials: bool = False) -> Read:
    """A moment as timestamp[s]; midnight where no time is given.

    Forms: 2023-09-05, 2023/9/5, 2023.9.5, 20230905, 2023年9月5日, each with or without ``10:20[:30]``, and
    20230905102030. ``serials``: the cells come from Excel, so 45174.43 is a date too. Bad: anything else, two-digit
    years, 30 February.
    """
    values = tidy(cells)
    encoded = values.dictionary_encode()
    moments, bad = _moments(encoded.dictionary, serials)
    read = moments.take(encoded.indices)
    return read, pc.fill_null(bad.take(encoded.indices), False)


def date(cells: pa.Array, *, serials: bool = False) -> Read:
    """A day as date32, the time of day left out. Forms and errors as ``timestamp``."""
    values = tidy(cells)
    encoded = values.dictionary_encode()
    moments, bad = _moments(encoded.dictionary, serials)
    return pc.cast(moments, pa.date32(), safe=False).take(encoded.indices), pc.fill_null(
        bad.take(encoded.indices), False
    )


def _moments(values: pa.Array, serials: bool) -> Read:
    """Distinct values as timestamp[s] and what is none."""
    kind = pa.timestamp("s")
    result = pa.nulls(len(values), kind)
    for form in _FORMS:
        open_ones = pc.and_(pc.is_null(result), pc.is_valid(values))
        if not pc.any(open_ones).as_py():
            break
        hit = pc.and_(open_ones, pc.fill_null(pc.match_substring_regex(values, form), False))
        if pc.any(hit).as_py():
            result = pc.replace_with_mask(result, hit, _assembled(values.filter(hit), form))
    if serials:
        hit = pc.and_(pc.is_null(result), pc.fill_null(pc.match_substring_regex(values, _SERIAL), False))
        if pc.any(hit).as_py():
            result = pc.replace_with_mask(result, hit, _from_serial(values.filter(hit)))
    return result, pc.and_(pc.is_valid(values), pc.is_null(result))


def _assembled(values: pa.Array, form: str) -> pa.Array:
    """Matching texts as moments; NULL where the calendar or the clock has no such moment."""
    found = pc.extract_regex(values, form)
    parts = {}
    for name in _PARTS:
        cells = found.field(name) if found.type.get_field_index(name) >= 0 else pa.nulls(len(values), pa.string())
        cells = pc.if_else(pc.equal(pc.fill_null(cells, ""), ""), "0", cells)
        parts[name] = pc.cast(cells, pa.int32())
    year, month, day = parts["year"], parts["month"], parts["day"]
    leap = pc.and_(
        pc.equal(_remainder(year, 4), 0),
        pc.or_(pc.not_equal(_remainder(year, 100), 0), pc.equal(_remainder(year, 400), 0)),
    )
    lengths = pa.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], pa.int32())
    length = lengths.take(pc.if_else(pc.greater(month, 12), 0, month))
    length = pc.add(length, pc.cast(pc.and_(leap, pc.equal(month, 2)), pa.int32()))
    real = pc.and_(pc.and_(pc.greater_equal(day, 1), pc.less_equal(day, length)), pc.less(parts["hour"], 24))
    real = pc.and_(real, pc.and_(pc.less(parts["minute"], 60), pc.less(parts["second"], 60)))
    padded = [
        pc.utf8_lpad(pc.cast(parts[name], pa.string()), width=4 if name == "year" else 2, padding="0")
        for name in _PARTS
    ]
    day_text = pc.binary_join_element_wise(*padded[:3], "-")
    clock_text = pc.binary_join_element_wise(*padded[3:], ":")
    iso = pc.binary_join_element_wise(day_text, clock_text, " ")
    return pc.cast(pc.if_else(real, iso, pa.scalar(None, pa.string())), pa.timestamp("s"))


def _remainder(values: pa.Array, divisor: int) -> pa.Array:
    return pc.subtract(values, pc.multiply(pc.divide(values, divisor), divisor))


def _from_serial(values: pa.Array) -> pa.Array:
    # A serial is Excel's double of days; its nearest second is the moment that was typed. No money is near.
    seconds = pc.cast(pc.round(pc.multiply(pc.cast(values, pa.float64()), float(_SECONDS))), pa.int64())
    return pc.cast(pc.add(seconds, _EXCEL_EPOCH_DAYS * _SECONDS), pa.timestamp("s"))
