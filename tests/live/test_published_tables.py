"""Our counting against published tables of adverse events (a public pilot study, three arms) and published stopping boundaries.

The rows are counted by our frames as they are; what is published was counted by others' programs.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from functools import cache

import pytest

from services.dsmb.boundaries import crossing_probability
from services.dsmb.domain.dataset import EVENTS, SUBJECTS, TIMES, Columns, Dataset
from services.dsmb.tables.frames import Frames
from services.dsmb.tables.tally import Count, Tally, Under, tally
from tests.support.e2b import reference

Row = dict[str, str]
RELATED = ("POSSIBLE", "PROBABLE")
GRADES = {"MILD": 1, "MODERATE": 2, "SEVERE": 3}


def rows(name: str) -> list[Row]:
    with reference(name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def emergent(row: Row) -> bool:
    return row["SAFFL"] == "Y" and row["TRTEMFL"] == "Y"


@cache
def counted(which: str, level: str) -> Tally:
    """`which` events of the study, with its classes (`level` soc), or its terms within their classes, as our terms."""
    subjects, times, events = Columns(SUBJECTS), Columns(TIMES), Columns(EVENTS)
    for row in rows("cdisc/csv/cdiscpilot01_adsl.csv"):
        if row["SAFFL"] == "Y":
            subjects.add(row["USUBJID"], row["TRT01A"], 0, False, True)
    for number, row in enumerate(rows("cdisc/csv/cdiscpilot01_adae.csv")):
        if (which != "all" and not emergent(row)) or (which == "serious" and row["AESER"] != "Y"):
            continue
        term = row["AEBODSYS"] if level == "soc" else f"{row['AEBODSYS']}|{row['AEDECOD']}"
        related = row["AEREL"] in RELATED
        grade, serious = GRADES.get(row["AESEV"]), row["AESER"] == "Y"
        said = ("unknown", "unknown", term, term)
        events.add(row["USUBJID"], row["TRTA"], "whole", str(number), None, grade, serious, False, related, *said)
    return tally(Frames.of(Dataset((), subjects, times, events, {})))


METALITE = {
    "with one or more adverse events": "any",
    "with drug-relateda adverse events": "related",
    "with serious adverse events": "serious",
}


def ours(row: Row) -> tuple[Count, int]:
    """The count that a published cell stands for, and the children of its column."""
    key = ("whole", row["arm"])
    which = "all" if row["ref_id"].startswith("METALITE") else "serious" if "14-5.02" in row["ref_id"] else "emergent"
    soc, term = row["soc"], row["pt"]
    made = counted(which, "soc" if soc and not term else "term")
    of = made.under.get(key, Under()).children
    if which == "all":
        return made.kinds[METALITE[row["category"]]].get(key, Count()), of
    if not soc or soc.upper() == "ANY BODY SYSTEM":
        return made.kinds["any"].get(key, Count()), of
    name = f"{soc}|{term}" if term else soc
    return made.terms.get((name, name), {}).get(key, Count()), of


def test_every_published_count_of_children_and_events_is_ours() -> None:
    found = [one for one in rows("vectors/dsmb_counts.csv") if one["stat"] in ("n_subjects", "n_events")]
    assert len(found) == 651
    for row in found:
        count, of = ours(row)
        got = count.n if row["stat"] == "n_subjects" else count.events
        assert (got, of) == (int(row["expected"]), int(row["N"] or of)), row


def boundaries() -> Iterator[tuple[str, list[int], float, float, float]]:
    """(name, the table, the rate, the published probability of crossing, its last printed place)."""
    told = [one for one in rows("vectors/stopping.csv") if one["vector_id"] in LOOKS]
    edges = {
        (one["vector_id"], one["quantity"].split()[0]): one["expected"] for one in told if "boundary" in one["quantity"]
    }
    for row in told:
        if not row["quantity"].startswith("pcross."):
            continue
        side, _, rate = row["quantity"].removeprefix("pcross.").partition(" @ptox=")
        edge = edges[row["vector_id"], {"lo": "low", "hi": "high"}[side]]
        most = [int(one) for one in edge.split(";")]
        looks = dict(zip(LOOKS[row["vector_id"]], most, strict=True))
        # They stop above a number, we at one; between two looks nothing crosses.
        table = [looks[n] + 1 if n in looks else n + 1 for n in range(1, max(looks) + 1)]
        yield f"{row['vector_id']} {side} {rate}", table, float(rate), float(row["expected"]), float(row["tolerance"])


LOOKS = {"toxbdry B": (20, 40, 60, 75), "toxbdry C": tuple(range(2, 31))}


def test_every_published_probability_of_crossing_is_ours() -> None:
    found = list(boundaries())
    assert len(found) == 24
    for name, table, rate, published, within in found:
        assert crossing_probability(table, rate) == pytest.approx(published, abs=within), name
