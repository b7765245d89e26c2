"""The one mapping table: every element of E2B(R3) we know, where it stands, its type, length, codes and profiles.

`data/elements.tsv` is read by the writer, the reader, the rules and the documentation alike. Facts: ICH E2B(R3) with the
implementation guide 5.03, FDA core and regional data elements (the regional ones only as far as premarket reports use them).
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

from services.sae_notifier.e2b.path import Place, Step, parse

Profile = Literal["ich", "fda-premarket"]
PROFILES: tuple[Profile, ...] = ("ich", "fda-premarket")
Kind = Literal["text", "num", "alpha", "bool", "date", "b64", "ref"]
ROOT_GROUP, REPORT = "N.1", "N.2.r"


@dataclass(frozen=True)
class Element:
    """One data element. `ich` and `fda` are M mandatory, C conditional, O optional, - not used; `source` is where a case has it."""

    name: str
    group: str
    kind: Kind
    length: int
    ich: str
    fda: str
    nulls: frozenset[str]
    nulls_fda: frozenset[str]
    """Flavours that FDA's tables allow beyond the ICH guide 5.03."""
    codes: str
    places: tuple[Place, ...]
    """The first is written; the others are other encodings of the same fact, only read."""
    source: str

    def conformance(self, profile: Profile) -> str:
        return self.fda if profile == "fda-premarket" else self.ich

    @property
    def regional(self) -> bool:
        return self.name.startswith("FDA.")


@dataclass(frozen=True)
class Group:
    """Elements that repeat together: `anchor` leads from one instance of the parent to each instance."""

    name: str
    parent: str
    anchor: tuple[Step, ...]


@cache
def elements() -> tuple[Element, ...]:
    """Every row, in the order of the standard."""
    return tuple(_element(row) for row in _rows("elements.tsv"))


@cache
def by_name() -> dict[str, Element]:
    return {one.name: one for one in elements()}


@cache
def by_group(group: str) -> tuple[Element, ...]:
    return tuple(one for one in elements() if one.group == group)


@cache
def groups() -> tuple[Group, ...]:
    return tuple(Group(row["group"], row["parent"], place(row["anchor"]).steps) for row in _rows("groups.tsv"))


@cache
def groups_below(parent: str) -> tuple[Group, ...]:
    return tuple(one for one in groups() if one.parent == parent)


@cache
def place(text: str) -> Place:
    """A path with the aliases of the table."""
    return parse(text, _aliases())


@cache
def _aliases() -> dict[str, str]:
    return {row["alias"]: row["path"] for row in _rows("aliases.tsv")}


def _element(row: dict[str, str]) -> Element:
    return Element(
        row["element"],
        row["group"],
        row["type"],  # type: ignore[arg-type]  the file is ours and tested
        int(row["length"] or 0),
        row["ich"],
        row["fda"],
        frozenset(row["nulls"].split()),
        frozenset(row["nulls_fda"].split()),
        row["codes"],
        tuple(place(one) for one in row["path"].split(" | ")),
        row["source"],
    )


def _rows(name: str) -> Iterator[dict[str, str]]:
    text = (files("services.sae_notifier.e2b") / "data" / name).read_text(encoding="utf-8")
    return csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
