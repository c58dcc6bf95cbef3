"""The fields of SWIFT statements: lines of text to tags, tags to messages.

What belongs here: where a field and a statement begin and end. What does not: what a field says (``swift``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_TAG = re.compile(r":(20|21|25P?|28C?|13D?|34F|60[FM]?|61|86|62[FM]?|64|65F?|90[DC]|NS|94[02]):(.*)", re.S)
_WRAPPED_TAG = re.compile(r":\n(?=\d\d[A-Z]?:)")
_ENVELOPE = re.compile(r"^[\x01\x03]*(?:\{[1-35]:(?:[^{}]|\{[^{}]*\})*\})*(?:\{4:)?")
_END = re.compile(r"-(\}.*|X{3}|[\x03]+.*)?\s*")


@dataclass
class Field:
    """One field: its tag, the text after it, the file's line it begins on (1-based)."""

    tag: str
    lines: list[str]
    row: int

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


@dataclass
class Message:
    """The fields of one statement."""

    fields: list[Field] = field(default_factory=list)

    def first(self, *tags: str) -> Field | None:
        return next((item for item in self.fields if item.tag in tags), None)

    def last(self, *tags: str) -> Field | None:
        return next((item for item in reversed(self.fields) if item.tag in tags), None)


def looks_like_swift(text: str) -> str | None:
    """Why the text is a SWIFT statement, or None."""
    tags = re.findall(r"^(?:[\x01\x03]*\{.*\{4:)?:(20|25P?|28C?|60[FM]?|61|62[FM]?|64):", text, re.M)
    if not tags:
        return None
    return "含有 SWIFT 报文字段 " + "、".join(f":{tag}:" for tag in dict.fromkeys(tags))


def messages_of(text: str) -> list[Message]:
    """The statements of a file, in order: a statement begins with :20: or after the end mark ``-``."""
    found: list[Message] = []
    current: Message | None = None
    text = _WRAPPED_TAG.sub(":", text.replace("\r\n", "\n").replace("\r", "\n"))
    for row, line in enumerate(text.split("\n"), start=1):
        bare = _ENVELOPE.sub("", line, count=1)
        tag = _TAG.fullmatch(bare)
        if tag:
            if tag[1] in ("940", "942"):
                continue
            if current is None or tag[1] == "20" or _begins_anew(current, tag[1]):
                current = Message()
                found.append(current)
            current.fields.append(Field(tag[1], [tag[2]], row))
        elif _END.fullmatch(bare):
            current = None
        elif current is not None and current.fields:
            current.fields[-1].lines.append(bare.rstrip("\n"))
    return found


def _begins_anew(current: Message, tag: str) -> bool:
    """A statement whose :20: and end mark are lost still begins after the closing balance of the one before."""
    return tag in ("25", "25P", "28", "28C", "60F", "60M") and current.first("62F", "62M", "62") is not None
