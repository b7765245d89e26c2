"""Measures which characters the fonts inside the typesetter can draw, and writes `glyphs.txt`.

Run `python -m services.sae_notifier.forms.coverage` after every upgrade of `typst`; a test compares the two.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

import typst

FONTS = ("Libertinus Serif", "DejaVu Sans Mono", "New Computer Modern", "New Computer Modern Math")
"""The families compiled into the package: no font of the machine is ever used, so every machine makes the same bytes."""
BLOCKS = (
    (0x20, 0x33FF),
    (0xA000, 0xABFF),
    (0xF900, 0xFFFF),
    (0x10000, 0x103FF),
    (0x1D400, 0x1D7FF),
    (0x1F000, 0x1FAFF),
)
HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Categories that draw nothing or reorder what stands beside them: always spelled out."""

_PROBE = """
#set page(width: 20cm, height: auto)
#set text(font: json(bytes(sys.inputs.fonts)))
#for c in json(bytes(sys.inputs.chars)) { for w in ("regular", "bold") [#text(weight: w, c) #text(weight: w, style: "italic", c) \\ ] }
"""


def drawable(chars: Iterable[str]) -> bool:
    """True when every character has a glyph in each face used (PDF/A-2b forbids the missing-glyph box)."""
    inputs = {"chars": json.dumps(list(chars)), "fonts": json.dumps(FONTS)}
    try:
        typst.compile(_PROBE.encode(), sys_inputs=inputs, pdf_standards=["a-2b"], ignore_system_fonts=True)
    except typst.TypstError:
        return False
    return True


def measure(chars: list[str]) -> Iterator[str]:
    """The drawable ones among `chars`, by halving."""
    if not chars:
        return
    if drawable(chars):
        yield from chars
    elif len(chars) > 1:
        middle = len(chars) // 2
        yield from measure(chars[:middle])
        yield from measure(chars[middle:])


def ranges(chars: Iterable[str]) -> list[tuple[int, int]]:
    """Inclusive code point ranges of sorted characters."""
    found: list[tuple[int, int]] = []
    for point in map(ord, chars):
        if found and found[-1][1] == point - 1:
            found[-1] = (found[-1][0], point)
        else:
            found.append((point, point))
    return found


def main() -> None:
    wanted = (chr(point) for first, last in BLOCKS for point in range(first, last + 1))
    visible = [char for char in wanted if unicodedata.category(char) not in HIDDEN]
    lines = [f"{first:04X}-{last:04X}" for first, last in ranges(measure(visible))]
    Path(__file__).with_name("glyphs.txt").write_text("\n".join(lines) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
