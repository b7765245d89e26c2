"""Which telling an answer is about, and what it says of it: in doubt nothing, and never an acceptance by mistake."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.sae_notifier.e2b import Ack, AckReport, Match, Sent, match, numbers_in, read_ack
from services.sae_notifier.e2b.ack import MessageCode
from services.sae_notifier.e2b.ack_write import Answer, write_ack
from services.sae_notifier.e2b.hl7time import written_at
from services.sae_notifier.e2b.match import Parked

MADE = datetime(2026, 3, 11, 3, 4, 5, tzinfo=UTC)
CASE, BATCH = "VN-VINMEC-2026-000001", "VN-VINMEC-2026-000001-v1-di_adr-x1"
OURS = Sent("f-1", BATCH, CASE, MADE)
LATER = Sent("f-2", f"{BATCH[:-1]}2", CASE, MADE + timedelta(hours=1))


def ack(
    code: MessageCode,
    *codes: str,
    batch: str = BATCH,
    number: str = CASE,
    created: datetime | None = MADE,
    text: str = "",
) -> Ack:
    reports = tuple(
        AckReport(number, one, (text,) if text else (), created=written_at(created) if created else "") for one in codes
    )
    return Ack(code, reports, read_ack(_file(code, batch, reports)).decision, batch_number=batch)


def _file(code: MessageCode, batch: str, reports: tuple[AckReport, ...]) -> bytes:
    return write_ack(Answer("A-1", "NRA", "US", MADE, code, batch, written_at(MADE), reports))


# The code decides ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "codes", "verdict", "parked"),
    [
        ("AA", ["CA"], "accepted", None),
        ("AA", [], "accepted", None),
        ("AE", ["CA"], "accepted", None),
        ("AE", ["CR"], "rejected", None),
        ("AR", ["CR"], "rejected", None),
        ("AR", [], "rejected", None),
        ("AR", ["CA"], "rejected", None),
        ("AA", ["CR"], None, "contradicts"),
        ("AA", ["CE"], None, "contradicts"),
        ("AA", [""], None, "contradicts"),
        ("AE", [], None, "partly"),
        ("AE", ["CE"], None, "partly"),
        ("AE", ["CA", "CR"], None, "partly"),
    ],
)
def test_every_pair_of_codes(code: MessageCode, codes: list[str], verdict: str | None, parked: str | None) -> None:
    assert match(ack(code, *codes), [OURS]) == Match("f-1", verdict, parked)  # type: ignore[arg-type]


def test_the_reasons_come_with_it() -> None:
    found = match(ack("AR", "CR", text="C.5.4: Data value required"), [OURS])
    assert found == Match("f-1", "rejected", errors=("C.5.4: Data value required",))


def test_what_cannot_be_read_decides_nothing() -> None:
    for raw in (b"", b"<html/>", b"\x00", b"<!DOCTYPE a><a/>"):
        assert match(read_ack(raw), [OURS]) == Match(parked="unreadable")


# Whose it is ---------------------------------------------------------------------------------------------------------


def test_by_the_batch_number() -> None:
    assert match(ack("AA", "CA"), [OURS, LATER]).filing_id == "f-1"


def test_another_batch_is_not_ours() -> None:
    assert match(ack("AA", "CA", batch="OTHER", created=None), [OURS]) == Match(parked="unmatched")
    assert match(ack("AA", "CA", batch="OTHER", created=MADE + timedelta(seconds=1)), [OURS]).parked == "unmatched"
    assert match(ack("AA", "CA"), []).parked == "unmatched"


def test_under_another_batch_number_case_and_second_must_be_ours() -> None:
    assert match(ack("AA", "CA", batch="GATEWAY-MADE-77"), [OURS, LATER]) == Match("f-1", "accepted")


def test_without_a_batch_number_the_creation_time_tells_versions_apart() -> None:
    """Real gateways leave the batch out after an early failure; all versions of a case share C.1.1."""
    assert match(ack("AR", "CR", batch="", created=LATER.created_at), [OURS, LATER]) == Match("f-2", "rejected")
    assert match(ack("AR", "CR", batch="", created=None), [OURS, LATER]).parked == "ambiguous"
    assert match(ack("AR", "CR", batch="", created=None), [OURS]) == Match("f-1", "rejected")
    assert match(ack("AR", "CR", batch="", created=None), [replace(OURS, answered=True), LATER]).filing_id == "f-2"


def test_a_number_joined_to_another_is_found() -> None:
    joined = ack("AA", "CA", batch="", number=f"4711 {CASE}")
    assert numbers_in(joined) == [f"4711 {CASE}", "4711", CASE]
    assert match(joined, [OURS]).verdict == "accepted"


def test_our_batch_with_somebody_elses_report_is_nothing() -> None:
    assert match(ack("AA", "CA", number="US-OTHER-1"), [OURS]) == Match("f-1", parked="unmatched")
    assert match(ack("AE", "CA", created=MADE + timedelta(days=1)), [OURS]).parked == "unmatched"


def test_a_second_answer_changes_nothing() -> None:
    assert match(ack("AR", "CR"), [replace(OURS, answered=True)]) == Match("f-1", parked="doubled")


@given(
    st.sampled_from(get_args(MessageCode)),
    st.lists(st.sampled_from(["CA", "CR", "CE", ""]), max_size=3),
    st.booleans(),
)
def test_an_acceptance_is_never_assumed(code: MessageCode, codes: list[str], answered: bool) -> None:
    """Accepted only under AA or AE, while unanswered, and when every report of ours says so."""
    found = match(ack(code, *codes), [replace(OURS, answered=answered)])
    assert (found.verdict is None) == (found.parked is not None)
    assert found.parked is None or found.parked in get_args(Parked)
    if found.verdict == "accepted":
        assert not answered
        assert code in ("AA", "AE")
        assert set(codes) <= {"CA"}
        assert codes or code == "AA"
