"""The term lists of both CTCAE versions, read once when first asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Literal, cast

from shared.errors import NotFound, Refused

CtcaeVersion = Literal["5.0", "6.0"]
VERSIONS: tuple[CtcaeVersion, ...] = ("5.0", "6.0")


@dataclass(frozen=True)
class Term:
    """One term of one version; `grades` are the grades that exist for it (a dash in the NCI table is no grade)."""

    code: str
    name: str
    soc: str
    grades: tuple[int, ...]
    version: CtcaeVersion

    @property
    def other_specify(self) -> bool:
        """A catch-all that needs its own words beside it."""
        return self.name.endswith("Other, specify")


def as_version(text: str) -> CtcaeVersion:
    """`5`, `5.0` or `v5.0` as a known version; anything else is refused."""
    cleaned = text.strip().lower().removeprefix("ctcae").strip().removeprefix("v").strip()
    version = cleaned if "." in cleaned else f"{cleaned}.0"
    if version not in VERSIONS:
        raise Refused(f"CTCAE version {text[:20]!r} is not known; use one of {', '.join(VERSIONS)}")
    return cast(CtcaeVersion, version)


@cache
def _by_code(version: CtcaeVersion) -> Mapping[str, Term]:
    table = (files("shared.terms") / "data" / f"ctcae_{version}.tsv").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in table.splitlines()[1:])
    return MappingProxyType(
        {code: Term(code, name, soc, tuple(map(int, grades)), version) for code, name, grades, soc in rows}
    )


def terms(version: str) -> tuple[Term, ...]:
    """Every term of one version, by organ class and name."""
    return tuple(_by_code(as_version(version)).values())


def find(code: str, version: str) -> Term | None:
    """The term, or None when that version does not have it."""
    return _by_code(as_version(version)).get(code)


def get(code: str, version: str) -> Term:
    """The term; NotFound when that version does not have it (47 codes of v5.0 are gone from v6.0)."""
    term = find(code, version)
    if term is None:
        raise NotFound(f"CTCAE {as_version(version)} has no term {code[:20]!r}; search it by name")
    return term


def available_grades(code: str, version: str) -> tuple[int, ...]:
    """The grades a form may offer for this term: an event cannot have a grade that does not exist."""
    return get(code, version).grades
