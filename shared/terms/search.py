"""Finding a term from what somebody types: without accents, by beginnings of words, and past a typing error."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache

from shared.terms.ctcae import CtcaeVersion, Term, as_version, find, terms
from shared.terms.vietnamese import label, words

_EXACT, _START, _WORDS, _INSIDE = range(4)


@dataclass(frozen=True)
class Match:
    """A term with the words that matched (`matched`) and the words to show in the reader's language (`label`)."""

    term: Term
    matched: str
    label: str


def fold(text: str) -> str:
    """Lower case, no accents, single spaces; British and American spellings of ae and oe meet."""
    decomposed = unicodedata.normalize("NFD", text.casefold().replace("đ", "d"))
    plain = "".join(c if c.isalnum() else " " for c in decomposed if not unicodedata.combining(c))
    return " ".join(plain.split()).replace("ae", "e").replace("oe", "e")


@dataclass(frozen=True)
class _Entry:
    term: Term
    words: str
    folded: str
    own: bool
    """In the reader's own language."""


@cache
def _entries(version: CtcaeVersion, vietnamese: bool) -> tuple[_Entry, ...]:
    ours = words() if vietnamese else {}
    found: list[_Entry] = []
    for term in terms(version):
        found.extend(_Entry(term, text, fold(text), True) for text in ours.get(term.code, ()))
        found.append(_Entry(term, term.name, fold(term.name), not vietnamese))
    return tuple(found)


@cache
def _vocabulary(version: CtcaeVersion, vietnamese: bool) -> tuple[str, ...]:
    return tuple(sorted({w for e in _entries(version, vietnamese) for w in e.folded.split() if len(w) > 3}))


def _rank(query: str, folded: str) -> int | None:
    if folded == query:
        return _EXACT
    if folded.startswith(query):
        return _START
    have = folded.split()
    if all(any(word.startswith(asked) for word in have) for asked in query.split()):
        return _WORDS
    return _INSIDE if len(query) > 2 and query in folded else None


def _corrected(query: str, version: CtcaeVersion, vietnamese: bool) -> str | None:
    """Each unknown word replaced by the closest known one; None when a word is like nothing we know."""
    known = _vocabulary(version, vietnamese)
    corrected: list[str] = []
    for asked in query.split():
        if any(word.startswith(asked) for word in known):
            corrected.append(asked)
        elif len(asked) > 3 and (close := get_close_matches(asked, known, n=1, cutoff=0.72)):
            corrected.append(close[0])
        else:
            return None
    return " ".join(corrected)


def search(text: str, version: str, language: str = "en", limit: int = 12) -> list[Match]:
    """The best terms for `text`, at most one entry a term; `language` `vi` looks through our Vietnamese words first."""
    known, vietnamese = as_version(version), language.lower().startswith("vi")
    query = fold(text)
    if not query:
        return []
    if coded := find(query, known):
        return [Match(coded, query, label(query, known, language))]
    hits = _ranked(query, text, known, vietnamese)
    if not hits and (corrected := _corrected(query, known, vietnamese)) and corrected != query:
        hits = _ranked(corrected, corrected, known, vietnamese)
    best: dict[str, Match] = {}
    for entry in hits:
        code = entry.term.code
        best.setdefault(code, Match(entry.term, entry.words, label(code, known, language.lower())))
    return list(best.values())[:limit]


def _ranked(query: str, typed: str, version: CtcaeVersion, vietnamese: bool) -> list[_Entry]:
    accented = typed.casefold().strip()
    scored: list[tuple[tuple[int, bool, bool, int, str], _Entry]] = []
    for entry in _entries(version, vietnamese):
        rank = _rank(query, entry.folded)
        if rank is not None:
            exact_accents = accented in entry.words.casefold()
            scored.append(((rank, not exact_accents, not entry.own, len(entry.words), entry.words), entry))
    return [entry for _, entry in sorted(scored, key=lambda pair: pair[0])]
