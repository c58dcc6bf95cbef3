"""Bank statements (银行对账单): any supported file to exact lines, and many files to each line once.

What belongs here: the public names. What does not: anything that works.
"""

from settlement.io.bank.catalogue import Format, describe, list_formats, told
from settlement.io.bank.combining import REJECTED_ROWS, STATEMENT_ROWS, TRANSACTIONS, Combined, combine
from settlement.io.bank.model import LINES, REJECTED, STATEMENTS, Finding, Proof, StatementRead
from settlement.io.bank.reading import read_statement

__all__ = [
    "LINES",
    "REJECTED",
    "REJECTED_ROWS",
    "STATEMENTS",
    "STATEMENT_ROWS",
    "TRANSACTIONS",
    "Combined",
    "Finding",
    "Format",
    "Proof",
    "StatementRead",
    "combine",
    "describe",
    "list_formats",
    "read_statement",
    "told",
]
