"""Excel out, decisions in: statements (对账单), the exceptions list (异常清单), the month's summary (月结汇总).

XlsxWriter writes (live formulas with cached values), openpyxl reads what finance filled in.
"""

from settlement.io.workbooks.write import write_workbooks
from settlement.io.workbooks.written import Difference, WorkbooksWritten

__all__ = ["Difference", "WorkbooksWritten", "write_workbooks"]
