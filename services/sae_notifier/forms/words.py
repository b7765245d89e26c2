"""Words in the two languages of the form: Vietnamese first, English beneath."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    """`en` is empty when the text is the same in every language: a number, a code, somebody's own words."""

    vi: str
    en: str = ""

    def __bool__(self) -> bool:
        return bool(self.vi.strip())

    def __str__(self) -> str:
        return f"{self.vi} / {self.en}" if self.en else self.vi


def joined(parts: list[Words], between: str = "; ") -> Words:
    """One text of several; English stays empty only when every part has none."""
    vi = between.join(part.vi for part in parts)
    en = between.join(part.en or part.vi for part in parts)
    return Words(vi, en if any(part.en for part in parts) else "")
