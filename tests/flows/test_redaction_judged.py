"""What verdicts and reports are computed from is corrected, never blanked; and of what is blanked no verdict moves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from services.ae_intake import records, redacting
from services.ae_intake import store as intake_store
from services.ae_intake.commands import RedactCase
from services.ae_intake.handlers import Who
from shared.case.withholding import hash_of
from shared.errors import Refused
from tests.support import deeds
from tests.support.world import CLINICIAN, OFFICER, START, World

NAME = "QZXNAMEQZX"
CHILD = "VN01-007"
TYPED = f"của bé {NAME}"
FIELDS = [("exposure", "name"), ("exposure", "route"), ("measurement", "body_site"), ("measurement", "instrument")]


@pytest.fixture
def world() -> Iterator[World]:
    with World() as made:
        yield made
        made.drain()
        made.assert_audit()


def told(world: World, **event: Any) -> str:
    body = deeds.report(
        CHILD,
        aware=START - timedelta(hours=1),
        seriousness=deeds.seriousness(life_threatening="yes"),
        term_code="10016558",
        **event,
    )
    case_id = deeds.submit(world, body)["case_id"]
    world.drain()
    return case_id


def record(world: World, kind: str, **typed: Any) -> str:
    """An exposure to piracetam or a temperature, with what was typed; its id."""
    at = deeds.moment(START - timedelta(days=1))
    given = {
        "exposure": {"kind": "piracetam", "start": at},
        "measurement": {"test": "body_temperature", "value": "39.4", "unit": "Cel", "taken": at},
    }[kind]
    command = records.COMMANDS[kind].model_validate_json(json.dumps({"subject_id": CHILD} | given | typed))
    db, now = world["ae_intake"].db, world.clock.now()
    made: Any = db.transact(lambda tx: records.record(world.intake, tx, kind, command, CLINICIAN, now))
    world.drain()
    return f"{kind}/{getattr(made, f'{kind}_id')}"


def correct(world: World, aggregate: str, changes: dict[str, Any], version: int = 1) -> None:
    kind, _, identity = aggregate.partition("/")
    db, now = world["ae_intake"].db, world.clock.now()
    db.transact(
        lambda tx: records.correct(world.intake, tx, kind, identity, changes, "not the name", version, CLINICIAN, now)
    )
    world.drain()


def redact(world: World, case_id: str, *texts: dict[str, Any], everywhere: bool = True) -> None:
    world.clock.advance(seconds=2)
    asked = {"texts": texts, "reason": "names a child", "everywhere": everywhere}
    command = RedactCase.model_validate_json(json.dumps(asked))
    db, now = world["ae_intake"].db, world.clock.now()
    db.transact(lambda tx: redacting.redact(world.intake, tx, case_id, command, Who(OFFICER), now, now))
    world.drain()


def document(world: World, aggregate: str, version: int) -> str:
    rows = world["ae_intake"].db.read(lambda tx: intake_store.documents_of_child(tx, CHILD))
    return next(one.body for one in rows if (one.aggregate, one.version) == (aggregate, version))


@pytest.mark.parametrize(("kind", "field"), FIELDS)
def test_it_is_corrected_first_and_then_taken_back_from_what_it_was(world: World, kind: str, field: str) -> None:
    case_id = told(world)
    aggregate = record(world, kind, **{field: TYPED})
    text = {"aggregate": aggregate, "version": 1, "pointer": f"/{field}"}
    other = {"version": 1, "pointer": "/events/0/verbatim"}
    for everywhere in (True, False):
        with pytest.raises(Refused) as refused:
            redact(world, case_id, other, text, everywhere=everywhere)
        [problem] = refused.value.problems
        assert problem.pointer == "/texts/1"
        assert f"{aggregate}, version 1, /{field}" in problem.detail
        assert "correct the record" in problem.remedy
    assert NAME in document(world, aggregate, 1), "nothing was taken back, the other text neither"
    correct(world, aggregate, {field: "other"})
    redact(world, case_id, text)
    assert NAME not in document(world, aggregate, 1) and hash_of(TYPED) in document(world, aggregate, 1)
    assert json.loads(document(world, aggregate, 2))[field] == "other"


@pytest.mark.parametrize(("kind", "field"), FIELDS)
def test_typed_again_it_is_refused_and_not_blanked(world: World, kind: str, field: str) -> None:
    """Blanked as it comes in, it would be an agent that nobody named: any of them."""
    case_id = told(world, verbatim={"text": TYPED, "language": "vi"})
    redact(world, case_id, {"version": 1, "pointer": "/events/0/verbatim"})
    with pytest.raises(Refused) as refused:
        record(world, kind, **{field: TYPED})
    assert [one.pointer for one in refused.value.problems] == [f"/{field}"]
    aggregate = record(world, kind, **{field: "other"})
    with pytest.raises(Refused) as refused:
        correct(world, aggregate, {field: TYPED})
    assert [one.pointer for one in refused.value.problems] == [f"/changes/{field}"]


def test_the_same_words_elsewhere_are_refused_too_where_something_is_computed_from_them(world: World) -> None:
    """The officer ticks a story; its whole text is also the name of an agent."""
    case_id = told(world, verbatim={"text": TYPED, "language": "vi"})
    aggregate = record(world, "exposure", name=TYPED)
    text = {"version": 1, "pointer": "/events/0/verbatim"}
    with pytest.raises(Refused) as refused:
        redact(world, case_id, text)
    assert [one.pointer for one in refused.value.problems] == ["/texts/0"]
    assert aggregate in refused.value.problems[0].detail
    redact(world, case_id, text, everywhere=False)
    assert NAME not in document(world, f"case/{case_id}", 1) and NAME in document(world, aggregate, 1)


def test_a_voided_record_is_computed_from_by_nobody(world: World) -> None:
    case_id = told(world)
    aggregate = record(world, "exposure", name=TYPED)
    db, now, identity = world["ae_intake"].db, world.clock.now(), aggregate.partition("/")[2]
    db.transact(lambda tx: records.void(world.intake, tx, "exposure", identity, "a slip", 1, CLINICIAN, now))
    world.drain()
    redact(world, case_id, {"aggregate": aggregate, "version": 2, "pointer": "/name"})
    assert NAME not in document(world, aggregate, 1) + document(world, aggregate, 2)


def judged(world: World, *, blank: bool) -> dict[str, Any]:
    """Every text that can be blanked is typed (and blanked); then news come, and everything is judged anew."""
    words = {"text": TYPED, "language": "vi"}
    opinion = {"kind": "bm_mnc_infusion", "related": "no", "reason": words}
    case_id = told(world, verbatim=words, description=words, opinions=[opinion])
    deeds.culture(world, CHILD, "batch-1", "positive")
    correct(world, "batch/batch-1", {"organism": TYPED})
    exposed = deeds.expose(world, CHILD, START - timedelta(days=2))
    correct(world, f"exposure/{exposed}", {"indication": TYPED, "note": words})
    record(world, "exposure", name="piracetam", indication=TYPED, note=words)
    record(world, "measurement", body_site="axillary")
    deeds.amend(world, case_id, 1, news=START, reason=TYPED, given={"answer": "yes", "text": words})
    world.drain()
    if blank:
        redact(world, case_id, {"version": 1, "pointer": "/events/0/verbatim"})
        assert not any(
            NAME in one.body
            for one in world["ae_intake"].db.read(lambda tx: intake_store.documents_of_child(tx, CHILD))
        )
    else:
        world.clock.advance(seconds=2)
    deeds.amend(world, case_id, 2, news=START)
    world.drain()
    assessed = deeds.assessment(world, case_id)
    assert assessed is not None and assessed.events and assessed.grade_checks
    return {
        "version": assessed.version,
        "related": [one.related for one in assessed.events],
        "expected": [one.expected for one in assessed.events],
        "proposed": sorted(str(row.proposed) for one in assessed.events for row in one.relatedness),
        "criteria": sorted(
            (row.exposure_kind, why.code, str(why.answer))
            for one in assessed.events
            for row in one.relatedness
            for why in row.criteria
        ),
        "grades": [(one.term, one.computed_grade, one.reported_grade, one.why_en) for one in assessed.grade_checks],
        "duties": sorted(
            (
                one.rule_id,
                one.recipient_id,
                one.state,
                str(one.due_at),
                str(one.due_strict_at),
                str(one.provisional_why),
            )
            for one in deeds.duties(world, case_id)
        ),
        "alerts": sorted((one.kind, one.state) for one in deeds.alerts_of(world, case_id)),
    }


def test_no_verdict_and_no_duty_moves_when_everything_is_judged_anew() -> None:
    with World() as world:
        with_words = judged(world, blank=False)
    with World() as world:
        without = judged(world, blank=True)
        world.assert_audit()
    assert without == with_words
