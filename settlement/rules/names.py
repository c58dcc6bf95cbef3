"""Names of companies and persons as keys that compare (BNK-08, C-27); anything less than equal keys only proposes."""

from __future__ import annotations

import re

import ibis.expr.types as ir

_LINE_NUMBER = r"^[1-9]/"  # SWIFT 50F numbers its lines
_WORDS = (("LIMITED", "LTD"), ("COMPANY", "CO"), ("CORPORATION", "CORP"), ("INCORPORATED", "INC"))
_NOT_NAME = r"[^\p{L}\p{N}]"


def name_key(name: str | ir.StringValue | None) -> str | ir.StringValue | None:
    """The key of a name; NULL for an absent name, empty for one without letters.

    >>> name_key("Acme Trading Co., Limited") == name_key("ACME TRADING COMPANY LTD")
    True
    >>> name_key("宁波远洋有限责任公司") == name_key("宁波远洋有限公司")
    False
    """
    if isinstance(name, ir.Value):
        key = name.upper().re_replace(_LINE_NUMBER, "")
        for long, short in _WORDS:
            key = key.re_replace(rf"\b{long}\b", short)
        return key.re_replace(_NOT_NAME, "")
    if name is None:
        return None
    key = re.sub(_LINE_NUMBER, "", name.upper())
    for long, short in _WORDS:
        key = re.sub(rf"\b{long}\b", short, key, flags=re.ASCII)
    return re.sub(r"[\W_]", "", key)
