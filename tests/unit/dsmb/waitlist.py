"""Six children of a trial with a waiting control arm, told by hand: who was infused when, and twelve events."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

from services.dsmb.domain import Document
from tests.unit.dsmb import build

DATA = Path(__file__).parents[2] / "data/dsmb"


def rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@cache
def documents() -> tuple[Document, ...]:
    made: list[Document] = []
    for one in rows("subjects.csv"):
        code = one["subject"]
        left = one["end_followup"] if one["end_followup"] != "2026-09-30" else None
        made += [build.subject(code, one["rand_date"], left), build.allocation(code, one["group"])]
        for number, start in enumerate((one["infusion1"], one["infusion2"]), start=1):
            if start:
                made.append(build.infusion(code, start, number))
    for one in rows("ae.csv"):
        # The ninth is the eighth after it became worse: one episode.
        episode = "ae-8" if one["ae"] == "9" else f"ae-{one['ae']}"
        told = build.event(
            f"ae-{one['ae']}",
            one["pt"],
            one["onset"],
            [(int(one["grade"]), None)],
            serious=one["serious"] == "Y",
            episode=episode,
        )
        made.append(build.case(one["subject"], told, name=f"case-{one['ae']}"))
    return tuple(made)
