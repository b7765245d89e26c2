"""The judge of electronic reports: silent about a run that held, and loud about each way of breaking the promise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.chaos.checker import check
from tests.chaos.history import (
    Acknowledged,
    AlertFact,
    Booked,
    DutyFact,
    Electronic,
    GivenAnswer,
    History,
    IntakeCase,
    KeptAnswer,
    MailFact,
    NotifierCase,
    Transmission,
)

DUTY = DutyFact("d1", "EU-SUSAR-7", "eudravigilance", "2026-12-01T22:59:59+00:00", "2026-11-30T16:59:59+00:00")
CASE = IntakeCase("c1", "VN-1", "VN01-001", 2, "k1", ("sae",), (DUTY,), filed=True)
FIRST = Transmission("t1", "c1", 1, "eudravigilance", "VN-1-v1-x1", "s1", "rejected", "rejected", "d1", "received")
LATER = Transmission("t2", "c1", 2, "eudravigilance", "VN-1-v2-x1", "s2", "received", "accepted", "d1", "received")
BOOKS = (
    Booked("eudravigilance", "VN-1-v1-x1", "20261123100000+0000", "s1", 2),
    Booked("eudravigilance", "VN-1-v2-x1", "20261123110000+0000", "s2"),
)
GIVEN = (
    GivenAnswer("eudravigilance", "1.ack", "VN-1-v1-x1", "AR", "a1"),
    GivenAnswer("eudravigilance", "2.ack", "VN-1-v2-x1", "AA", "a2"),
    GivenAnswer("eudravigilance", "3.ack", "VN-1-v2-x1", "AR", "a3"),
    GivenAnswer("eudravigilance", "4.ack", "VN-1-v2-x1", "AA", "a2"),
    GivenAnswer("eudravigilance", "5.ack", "", "", "garbage"),
)
KEPT = (
    KeptAnswer("a1", "used", "t1"),
    KeptAnswer("a2", "used", "t2"),
    KeptAnswer("a3", "parked", "t2"),
    KeptAnswer("garbage", "parked"),
)
ALERTS = tuple(
    AlertFact(f"l{number}", "c1", kind, "open", (f"<m{number}>",))
    for number, kind in enumerate(("sae", "rejected", "ack_parked"))
)
PARKED = AlertFact("l9", "", "ack_parked", "open", ("<m9>",))


def held() -> History:
    """A report turned down after a crash repeated it, its later version accepted, one answer twice, one too many, garbage."""
    return History(
        acknowledged=[
            Acknowledged("case", "k1", "c1", 1, "VN-1", "VN01-001"),
            Acknowledged("transmission", "d1", "t1"),
            Acknowledged("transmission", "d1", "t2"),
        ],
        cases={"c1": CASE},
        aggregates={"VN01-001": {"case/c1": 2}},
        notifier={"c1": NotifierCase((DUTY,), ALERTS)},
        caseless=[PARKED],
        mails=[MailFact(one.message_ids[0], "safety-1@example.org", one.alert_id) for one in (*ALERTS, PARKED)],
        electronic=Electronic((FIRST, LATER), BOOKS, GIVEN, KEPT),
    )


def seen(history: History) -> Electronic:
    assert history.electronic is not None
    return history.electronic


def found(damage: Callable[[History], None]) -> list[tuple[str, str]]:
    history = held()
    damage(history)
    return [(one.kind, one.what) for one in check(history)]


def changed(**parts: object) -> Callable[[History], None]:
    def damage(history: History) -> None:
        history.electronic = replace(seen(history), **parts)  # type: ignore[arg-type]

    return damage


def test_a_run_that_held_shows_nothing() -> None:
    assert check(held()) == []


def test_what_did_not_run_is_not_judged() -> None:
    history = held()
    history.electronic, history.acknowledged = None, history.acknowledged[:1]
    assert check(history) == []


def test_a_report_that_nobody_answered_is_no_anomaly() -> None:
    silent = replace(LATER, acceptance="")
    damage = changed(transmissions=(FIRST, silent), given=(GIVEN[0], GIVEN[4]), kept=(KEPT[0], KEPT[3]), books=BOOKS)

    def and_no_alert(history: History) -> None:
        damage(history)
        history.notifier = {"c1": NotifierCase((DUTY,), ALERTS[:2])}
        history.mails = [one for one in history.mails if one.alert_id != "l2"]

    assert found(and_no_alert) == []


def test_a_rejected_report_whose_duty_stands_open_is_no_anomaly() -> None:
    first, later = (replace(one, duty_state="rejected") for one in (FIRST, LATER))
    assert found(changed(transmissions=(first, later))) == []


def _no_alert_of_parking(history: History) -> None:
    history.caseless.clear()
    history.mails.pop()


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (changed(transmissions=(FIRST,)), "transmission t2"),
        (changed(books=BOOKS[:1]), "the authority never had it"),
        (changed(kept=KEPT[1:]), "given (AR) and not here"),
        (changed(kept=KEPT[:3]), "given (garbage) and not here"),
        (changed(transmissions=(FIRST, replace(LATER, acceptance=""))), "nothing stands beside the report"),
        (_no_alert_of_parking, "1 alerts for 2 parked"),
        (changed(transmissions=(FIRST,)), "all its 1 reports were rejected"),
        (changed(transmissions=tuple(replace(one, duty_state="open") for one in (FIRST, LATER))), "stands as open"),
        (changed(transmissions=tuple(replace(one, duty_state="") for one in (FIRST, LATER))), "it is not there"),
    ],
)
def test_lost(damage: Callable[[History], None], said: str) -> None:
    history = held()
    damage(history)
    lost = [f"{one.place}: {one.what}" for one in check(history) if one.kind == "lost"]
    assert any(said in one for one in lost), lost


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (changed(books=(*BOOKS, replace(BOOKS[1], sha256="s9"))), "2 different files arrived under one number"),
        (changed(transmissions=(FIRST, LATER, replace(LATER, filing_id="t3"))), "2 filings have this number"),
        (changed(kept=(*KEPT, KEPT[0])), "kept 2 times"),
        (changed(kept=(*KEPT[:2], KeptAnswer("a3", "used", "t2"), KEPT[3])), "2 answers were used for it"),
    ],
)
def test_doubled(damage: Callable[[History], None], said: str) -> None:
    assert any(kind == "doubled" and said in what for kind, what in found(damage))


def _called_twice(history: History) -> None:
    history.caseless.append(replace(PARKED, alert_id="l10", message_ids=("<m10>",)))
    history.mails.append(MailFact("<m10>", "safety-1@example.org", "l10"))


def test_a_parked_answer_calls_once() -> None:
    assert ("doubled", "3 alerts for 2 parked") in found(_called_twice)


@pytest.mark.parametrize(
    "damage",
    [
        changed(books=BOOKS[::-1]),
        changed(transmissions=(FIRST, replace(LATER, case_version=1)), books=BOOKS[::-1]),
    ],
)
def test_a_later_version_or_a_later_making_overtook(damage: Callable[[History], None]) -> None:
    assert "out_of_order" in {kind for kind, _ in found(damage)}


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (changed(books=(*BOOKS, Booked("fda", "VN-1-v2-x1", "20261123110000+0000", "s2"))), "nobody filed it there"),
        (changed(books=(BOOKS[0], replace(BOOKS[1], sha256="s9"))), "not the bytes that were stored"),
        (changed(kept=(*KEPT, KeptAnswer("a9", "used", "t9"))), "nobody gave it"),
        (changed(kept=(replace(KEPT[0], filing_id="t9"), *KEPT[1:])), "used for None"),
        (changed(given=(GIVEN[0], *(replace(one, code="AR") for one in GIVEN[1:4]), GIVEN[4])), "stands as accepted"),
        (changed(given=(replace(GIVEN[0], code="AA"), *GIVEN[1:])), "stands as rejected"),
        (changed(transmissions=(FIRST, replace(LATER, state="rejected"))), "its acceptance accepted"),
        (changed(transmissions=(FIRST, replace(LATER, state="sent"))), "stands as received, and nothing of it was"),
    ],
)
def test_phantom(damage: Callable[[History], None], said: str) -> None:
    assert any(kind == "phantom" and said in what for kind, what in found(damage))


def _nobody_called(history: History) -> None:
    changed(transmissions=tuple(replace(one, duty_state="rejected") for one in (FIRST, LATER)))(history)
    history.notifier = {"c1": NotifierCase((DUTY,), (ALERTS[0], ALERTS[2]))}
    history.mails = [one for one in history.mails if one.alert_id != "l1"]


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (changed(transmissions=(FIRST, replace(LATER, state="waiting", acceptance=""))), "it stands as waiting"),
        (_nobody_called, "nobody was called"),
    ],
)
def test_missed(damage: Callable[[History], None], said: str) -> None:
    assert any(kind == "missed" and said in what for kind, what in found(damage))
