"""What stands in an Excel cell, as the text that was typed (BNK-09).

Excel keeps 15 significant digits; a binary double shows up to 17. The 15 are what a person typed or saw.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal

_EXACT_BELOW = 1e15
_WHOLE_BELOW = 2.0**53
_DIGITS = 15


def number_text(value: float) -> str:
    """A number as typed: whole numbers without ``.0``, no exponent, 15 significant digits.

    From 10^15 on digits are lost: the text then has an exponent, so that nobody takes it for an account number. Excel
    makes a typed sixteenth digit 0; where it is another one, a program wrote the number, and below 2^53 all of it.

    >>> number_text(1234.5), number_text(45174.0), number_text(3703.6799999999994)
    ('1234.5', '45174', '3703.68')
    >>> number_text(1234567890123456.0), number_text(1234567890123450.0)
    ('1234567890123456', '1.23456789012345E+15')
    >>> number_text(6222021234567890123.0)
    '6.22202123456789E+18'
    """
    if value.is_integer() and (abs(value) < _EXACT_BELOW or (abs(value) < _WHOLE_BELOW and value % 10)):
        return str(int(value))
    text = repr(value)
    if "e" not in text and len(text.replace(".", "").lstrip("-0")) <= _DIGITS:
        return text
    if abs(value) >= _EXACT_BELOW:
        return f"{value:.{_DIGITS - 1}E}"
    shown = format(Decimal(f"{value:.{_DIGITS}g}"), "f")
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def cell_text(value: object) -> str:
    """A cell's value as text: dates and times in ISO form to the second, booleans TRUE or FALSE, absent ``""``.

    >>> cell_text(datetime(2023, 9, 5, 10, 20, 30)), cell_text(date(2023, 9, 5)), cell_text(True), cell_text(None)
    ('2023-09-05 10:20:30', '2023-09-05', 'TRUE', '')
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return number_text(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, datetime):
        # Serial numbers hold time as a fraction of a day: 10:20:30 may come as 10:20:29.999999.
        return (value + timedelta(microseconds=500_000)).replace(microsecond=0).isoformat(" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return value.replace(microsecond=0).isoformat()
    if isinstance(value, timedelta):
        seconds = round(value.total_seconds())
        return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return "" if value is None else str(value)
