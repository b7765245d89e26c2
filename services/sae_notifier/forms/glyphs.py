"""Makes any text printable without losing any of it: what the fonts cannot draw is spelled out as `[U+4E2D]`.

PDF/A forbids the missing-glyph box, and a control character that reorders its neighbours must never hide in a report.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from pathlib import Path

WIDE, NARROW = 24, 9
"""A longer run of letters may break anywhere (in a line of the page, in a table cell), so that nothing leaves its box."""
_NEWLINES = {"\r": "\n", "\x0b": "\n", "\x0c": "\n", "\x85": "\n", "\u2028": "\n", "\u2029": "\n", "\t": "    "}
_BREAK_HERE = "\u200b"
_GLUE = frozenset("\u00a0\u2007\u202f")
_OURS = frozenset("\n\u200b–—…·≥≤µ°☐☒◇⚠“”‘’")


@cache
def covered() -> frozenset[int]:
    """The code points of `glyphs.txt`, measured from the fonts inside the typesetter (see `coverage.py`)."""
    points: set[int] = set()
    for line in Path(__file__).with_name("glyphs.txt").read_text(encoding="ascii").split():
        first, last = (int(end, 16) for end in line.split("-"))
        points.update(range(first, last + 1))
    return frozenset(points)


def printable(text: str, longest_word: int | None = WIDE) -> str:
    """`text` in NFC, with every character drawn or spelled out, and with places to break in very long words."""
    drawn = "".join(_drawn(char) for char in unicodedata.normalize("NFC", text.replace("\r\n", "\n")))
    return drawn if longest_word is None else _breakable(drawn, longest_word)


def _drawn(char: str) -> str:
    char = _NEWLINES.get(char, char)
    if char[0] in "\n " or ord(char) in covered():
        return char
    return f"[U+{ord(char):04X}]"


def plain(text: str) -> str:
    """Only Latin letters (Vietnamese among them) and the form's own marks; everything else spelled out."""
    return "".join(
        char if ord(char) < 0x250 or 0x1EA0 <= ord(char) <= 0x1EFF or char in _OURS else f"[U+{ord(char):04X}]"
        for char in text
    )


def _breakable(text: str, longest_word: int) -> str:
    out: list[str] = []
    run = 0
    for char in text:
        if char.isspace() and char not in _GLUE:
            run = 0
        elif not unicodedata.combining(char):
            if run == longest_word:
                out.append(_BREAK_HERE)
                run = 0
            run += 1
        out.append(char)
    return "".join(out)
