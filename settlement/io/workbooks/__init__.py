"""Excel out, decisions in: statements (对账单), the exceptions list (异常清单), the month's summary (月结汇总).

XlsxWriter writes (live formulas with cached values), openpyxl reads what finance filled in.
"""
