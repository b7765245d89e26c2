"""Vignettes with a known acceptable set of WHO-UMC categories, run through the whole engine.

Mapped are those whose exposure is of a kind the trial knows, whose event has a CTCAE term and whose onset is given. How the
answers were carried over: `alternative` from Naranjo question 5, else from the stated strength; `withdrawal` and `rechallenge` from
the stated de- and rechallenge; `specific` only where a test or an observation points to the mechanism (skin test to the drug, oral
flora in the fluid, drug level, pain at the aspirated site, seen at the needle). Where no onset window is known for the pair, the
engine must hand the delay to a person instead of agreeing or disagreeing.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import cast

import pytest

from services.causality.domain import Told
from services.causality.domain.pair import pairs
from services.causality.domain.relate import relate
from services.causality.knowledge import windows
from services.causality.methods.who_umc import Alternative, Withdrawal
from shared.case import Answer, ExposureKind, Relatedness
from tests.unit.causality.build import NOW, event, exposure

with (Path(__file__).parents[2] / "data" / "causality" / "vignettes.csv").open(encoding="utf-8") as _file:
    ROWS = list(csv.DictReader(_file))


def _known(row: dict[str, str]) -> bool:
    return bool(windows(cast(ExposureKind, row["kind"]), row["name"] or None, row["code"]))


def _run(row: dict[str, str]) -> Relatedness:
    given = exposure("X", row["kind"], row["start"], row["end"] or None, name=row["name"] or None)
    own = pairs("C", event(row["code"], row["onset"]), [given], NOW)
    told = Told(
        alternative=cast(Alternative, row["alternative"]),
        withdrawal=cast(Withdrawal, row["withdrawal"]),
        rechallenge=cast(Answer, row["rechallenge"]),
        specific=None if row["specific"] == "unknown" else "yes",
    )
    return relate(own[0], own, own, [given], [], told, NOW)


@pytest.mark.parametrize("row", [r for r in ROWS if _known(r)], ids=lambda row: row["id"])
def test_the_category_is_one_a_fair_assessor_could_give(row: dict[str, str]) -> None:
    result = _run(row)
    assert result.proposed in row["acceptable"].split("|"), [(c.code, c.answer, c.why_en) for c in result.criteria]


@pytest.mark.parametrize("row", [r for r in ROWS if not _known(r)], ids=lambda row: row["id"])
def test_without_a_known_window_a_person_judges_the_delay(row: dict[str, str]) -> None:
    result = _run(row)
    if row["alternative"] == "stronger":
        assert result.proposed == "unlikely"
        assert "unlikely" in row["acceptable"].split("|")
    elif row["rechallenge"] == "yes":
        assert result.proposed == "possible"
    else:
        assert result.proposed == "conditional"
        assert result.reasonable_possibility == "yes"


def test_the_set_is_not_thinned_out() -> None:
    assert (len(ROWS), sum(map(_known, ROWS))) == (53, 44)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_from_records_alone_nothing_is_ruled_out_that_an_assessor_would_keep(row: dict[str, str]) -> None:
    given = exposure("X", row["kind"], row["start"], row["end"] or None, name=row["name"] or None)
    own = pairs("C", event(row["code"], row["onset"]), [given], NOW)
    alone = relate(own[0], own, own, [given], [], Told(), NOW)
    assert alone.proposed != "certain"
    if "unlikely" not in row["acceptable"].split("|"):
        assert alone.reasonable_possibility == "yes"
