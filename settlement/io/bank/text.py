"""Text of statements in the one form that is compared, with the original beside it.

What belongs here: NFKC and trimming of single texts. What does not: columns (`settlement/io/cells.py`).
"""

from __future__ import annotations

import re
import unicodedata

# Zero-width characters and the byte order mark inside a text: they carry nothing and spoil every comparison.
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\u00ad\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_SPACES = re.compile(r"\s+")


def clean(text: str | None) -> str | None:
    """NFKC, invisible characters out, white space to single blanks, trimmed; None where nothing is left (BNK-03).

    >>> clean("　ＡＢＣ　贸易 ")
    'ABC 贸易'
    """
    if text is None:
        return None
    cleaned = _SPACES.sub(" ", _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))).strip()
    return cleaned or None


def with_originals(texts: dict[str, str | None]) -> dict[str, str | None]:
    """Each text cleaned, and beside it ``<name>_original`` where the bank wrote it differently."""
    row: dict[str, str | None] = {}
    for name, written in texts.items():
        row[name] = clean(written)
        row[f"{name}_original"] = written if written is not None and written != row[name] and written.strip() else None
    return row
