"""Words in the two languages of the house, and a code that a program can rely on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    """One text in English and Vietnamese."""

    en: str
    vi: str


@dataclass(frozen=True)
class Why:
    """A reason: a stable code, and the same in words."""

    code: str
    en: str
    vi: str
