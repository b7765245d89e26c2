"""Our own Vietnamese words for the terms this kind of trial meets most; not a translation of the dictionary."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from shared.terms.ctcae import find


@cache
def words() -> Mapping[str, tuple[str, ...]]:
    """Code → words; the first is the one to show."""
    table = (files("shared.terms") / "data" / "words_vi.tsv").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in table.splitlines()[1:])
    return MappingProxyType({code: tuple(text.split(";")) for code, text in rows})


def label(code: str, version: str, language: str = "en") -> str:
    """The words to show for a code: Vietnamese when we have them, else the English name, else the code."""
    if language.startswith("vi") and code in words():
        return words()[code][0]
    term = find(code, version)
    return term.name if term is not None else code
