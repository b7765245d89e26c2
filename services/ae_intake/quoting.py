"""Whether a reason says again what is to be taken back: it stands in the trail and on the log for ever.

A narrative is long and the name in it short, so not only the whole text counts: so does a word that it writes with a capital
letter, and two words together that either side writes as a name. Accents and case make no difference.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from shared.terms.search import fold

_WORD = re.compile(r"[^\W\d_]{2,}")


@dataclass(frozen=True)
class _Word:
    folded: str
    capital: bool


def repeats(reason: str, words: str) -> bool:
    """A reason's first word has its capital from the sentence and counts only together with the next."""
    whole = fold(words)
    if whole and f" {whole} " in f" {fold(reason)} ":
        return True
    said, taken = _words(reason), _words(words)
    names = {one.folded for one in taken if one.capital}
    if any(one.capital and one.folded in names for one in said[1:]):
        return True
    return bool(_as_names(said) & _pairs(taken) or _pairs(said) & _as_names(taken))


def _words(text: str) -> list[_Word]:
    return [_Word(fold(one), one[0].isupper()) for one in _WORD.findall(unicodedata.normalize("NFC", text))]


def _pairs(words: Sequence[_Word]) -> set[tuple[str, str]]:
    return {(one.folded, two.folded) for one, two in pairwise(words)}


def _as_names(words: Sequence[_Word]) -> set[tuple[str, str]]:
    return {(one.folded, two.folded) for one, two in pairwise(words) if one.capital and two.capital}
