"""A name typed by mistake into every free text there is, and taken back: it stands nowhere but in what had left us."""

from __future__ import annotations

import base64
import json
import shutil
import sqlite3
import subprocess
import unicodedata
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from services.ae_intake import records, redacting
from services.ae_intake import store as intake_store
from services.ae_intake.commands import RecordExposure, RedactCase
from services.ae_intake.handlers import Who
from services.causality import store as causality_store
from services.dsmb.handlers.checking import check_cut
from services.dsmb.handlers.dsmb import Dsmb
from services.dsmb.handlers.freezing import freeze
from services.sae_notifier import store as notifier_store
from services.sae_notifier.forms.payload import payload
from services.sae_notifier.handlers import attempts, documents, filings, withdrawing
from shared.bus import parking, received
from shared.bus.port import Delivery, Record
from shared.bus.wake import Wake
from shared.canonical import sha256
from shared.case import CaseRedacted
from shared.case.withholding import hash_of, loosely, texts
from shared.errors import Conflict, Refused
from tests.support import coming_back, deeds
from tests.support.world import CLINICIAN, OFFICER, START, World

NAME = "QZXNAMEQZX"
CHILD = "VN01-007"
FATAL = deeds.seriousness(life_threatening="yes")
WHO = Who(OFFICER)


@pytest.fixture
def world() -> Iterator[World]:
    with World() as made:
        yield made


def words(about: str) -> dict[str, str]:
    return {"text": f"{about} {NAME} của bệnh nhi", "language": "vi"}


def told(world: World) -> str:
    """A report with the name in every free text, amended twice, judged, answered, signed."""
    body = deeds.report(CHILD, aware=START - timedelta(hours=1), seriousness=FATAL)
    body["events"][0] |= {"verbatim": words("verbatim"), "description": words("description")}
    body["events"][0]["opinions"] = [{"kind": "bm_mnc_infusion", "related": "yes", "reason": words("opinion")}]
    body["given"]["text"] = words("given")
    case_id = deeds.submit(world, body, "k1")["case_id"]
    command = {
        "subject_id": CHILD,
        "kind": "bm_mnc_infusion",
        "start": deeds.moment(START - timedelta(days=1)),
        "end": deeds.moment(START - timedelta(days=1)),
        "indication": f"indication {NAME}",
        "note": words("note"),
    }
    exposure = RecordExposure.model_validate_json(json.dumps(command))
    db, now = world["ae_intake"].db, world.clock.now()
    db.transact(lambda tx: records.record(world.intake, tx, "exposure", exposure, CLINICIAN, now))
    world.drain()
    deeds.amend(world, case_id, 1, news=START, reason=f"called {NAME} at home")
    world.drain()
    deeds.answer(world, case_id, "alternative_explains", "no")
    world.drain()
    return case_id


def command(world: World, case_id: str, **more: Any) -> RedactCase:
    """Every text that holds the name, as the officer ticks them."""
    case = world["ae_intake"].db.read(lambda tx: intake_store.latest(tx, f"case/{case_id}"))
    assert case is not None
    standing = world["ae_intake"].db.read(lambda tx: redacting.standing(tx, case))
    named = [
        {"aggregate": one.aggregate, "version": one.version, "pointer": one.text.pointer}
        for one in standing
        if one.text.words and NAME in one.text.words
    ]
    asked = {"texts": named, "reason": "names a family member", "password": "x", **more}
    return RedactCase.model_validate_json(json.dumps(asked))


def redact(world: World, case_id: str, asked: RedactCase | None = None) -> CaseRedacted:
    asked = asked or command(world, case_id)
    now = world.clock.now()
    return world["ae_intake"].db.transact(lambda tx: redacting.redact(world.intake, tx, case_id, asked, WHO, now, now))


def holders(world: World, name: str = NAME) -> list[str]:
    """Every column of every table, journal included, in which the name stands; files are read as they are, and unpacked."""
    found: list[str] = []
    raw = name.encode()
    packed = [base64.b64encode(b"x" * shift + raw)[4:-4] for shift in range(3)]
    for file in sorted(world.directory.iterdir()):
        data = file.read_bytes()
        if raw in data:
            found.append(f"{file.name} (bytes)")
        found += [f"{file.name} (base64)" for one in packed if one in data]
    for service in world.services:
        with closing(sqlite3.connect(world.directory / f"{service}.db")) as base:
            for (table,) in base.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                for row in base.execute(f'SELECT * FROM "{table}"'):
                    if any(name in one for one in row if isinstance(one, str)):
                        found.append(f"{service}.{table}")
    return sorted(set(found))


def stood(world: World, case_id: str) -> dict[str, Any]:
    """What a redaction may not move."""
    signed = deeds.assessment(world, case_id)
    case = deeds.case(world, case_id)
    assert signed is not None and case is not None
    return {
        "duties": [one.model_dump() for one in deeds.duties(world, case_id)],
        "version": case.version,
        "assessment": (signed.version, [one.related for one in signed.events], signed.grade_checks),
        "alerts": [(one.alert_id, one.state) for one in deeds.alerts_of(world, case_id)],
    }


def test_the_name_stands_nowhere_and_nothing_else_has_moved(world: World) -> None:
    case_id = told(world)
    before = stood(world, case_id)
    assert holders(world)
    answered = json.loads(
        world["ae_intake"].db.read(lambda tx: tx.scalar(text("SELECT answer FROM idempotency LIMIT 1")))
    )
    redact(world, case_id)
    world.drain()
    assert holders(world) == []
    assert stood(world, case_id) == before
    repeated = deeds.submit(world, _first_body(), "k1")
    assert repeated["repeated"] and repeated["case_id"] == answered["case_id"]
    world.assert_audit()
    assert not world.rung, world.rung


def _first_body() -> dict[str, Any]:
    body = deeds.report(CHILD, aware=START - timedelta(hours=1), seriousness=FATAL)
    body["events"][0] |= {"verbatim": words("verbatim"), "description": words("description")}
    body["events"][0]["opinions"] = [{"kind": "bm_mnc_infusion", "related": "yes", "reason": words("opinion")}]
    body["given"]["text"] = words("given")
    return body


TYPESET: dict[str, str] = {}
"""SHA-256 of each document that was typeset here, and all that it says."""


@pytest.fixture(autouse=True)
def _read_along(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = documents.typeset

    def typeset(made: documents.Draft) -> tuple[bytes, str, str]:
        pdf, subject, words = honest(made)
        TYPESET[sha256(pdf)] = json.dumps(payload(made.form), ensure_ascii=False)
        return pdf, subject, words

    monkeypatch.setattr(documents, "typeset", typeset)


def page_text(pdf: bytes) -> str:
    """What a document says: what went into it, and what a reader's program gets out of it, where one is installed."""
    said = TYPESET[sha256(pdf)]
    if shutil.which("pdftotext") is None:
        return said
    done = subprocess.run(["pdftotext", "-raw", "-", "-"], input=pdf, capture_output=True, check=True)
    read = done.stdout.decode()
    assert (NAME in said) == (NAME in read)
    return read


def made_and_filed(world: World, obligation_id: str, method: filings.Method) -> str:
    """A real document, filed; its id."""
    db, now = world["sae_notifier"].db, world.clock.now()
    made = db.read(lambda tx: documents.draft(world.notifier, tx, obligation_id, now))
    pdf = documents.typeset(made)[0]
    form = db.transact(lambda tx: documents.keep_form(world.notifier, tx, made, pdf, OFFICER, now))
    by_hand = {} if method == "mail" else {"sent_at": now, "reference": f"CV-12 {NAME}"}
    db.transact(
        lambda tx: filings.file(
            world.notifier,
            tx,
            obligation_id=obligation_id,
            document_id=form.document_id,
            method=method,
            user_id=OFFICER,
            now=now,
            **by_hand,
        )
    )
    return form.document_id


def form_of(world: World, document_id: str) -> notifier_store.FormRow:
    row = world["sae_notifier"].db.read(lambda tx: notifier_store.form(tx, document_id))
    assert row is not None
    return row


def test_a_sent_document_stays_and_a_waiting_mail_is_made_again(world: World) -> None:
    case_id = told(world)
    by_hand, by_mail, *_ = deeds.duties(world, case_id)
    sent = made_and_filed(world, by_hand.obligation_id, "hand")
    world.mail.refuses = True
    waiting = made_and_filed(world, by_mail.obligation_id, "mail")
    world.hand_over()
    world.clock.advance(seconds=60)  # the claim of the failed attempt is over
    world.drain()
    assert NAME in page_text(form_of(world, sent).content) and NAME in page_text(form_of(world, waiting).content)
    owed = [one.model_dump(exclude={"version", "recorded_at"}) for one in deeds.duties(world, case_id)]

    asked = json.loads(command(world, case_id).model_dump_json())
    filed = world["sae_notifier"].db.read(lambda tx: notifier_store.filings(tx, obligation_id=by_hand.obligation_id))[0]
    reference = {"aggregate": f"filing/{filed.filing_id}", "version": 1, "pointer": "/reference"}
    asked["texts"].append(reference | {"sha256": hash_of(f"CV-12 {NAME}")})
    redact(world, case_id, RedactCase.model_validate(asked | {"password": "x"}))
    world.drain()
    was = form_of(world, waiting)
    assert was.content == b"" and was.withdrawn_at is not None and was.sha256, "its hash stays"
    assert NAME in page_text(form_of(world, sent).content), "what was sent stays as it was sent"
    world.mail.refuses = False
    world.clock.advance(hours=1)
    world.hand_over()
    assert not [one for one in world.mail.taken if one.attachments], "nothing leaves before it is made again"
    assert world.dispatcher.taken_back.make_again() == 1
    assert world.dispatcher.taken_back.make_again() == 0
    world.hand_over()
    [letter] = [one for one in world.mail.taken if one.attachments]
    assert NAME not in page_text(letter.attachments[0].content)
    assert "sha256" in letter.data and letter.data["sha256"] != was.sha256
    world.drain()
    told_now = [one.model_dump(exclude={"version", "recorded_at"}) for one in deeds.duties(world, case_id)]
    dates = [(one["obligation_id"], one["due_at"], one["due_strict_at"]) for one in told_now]
    assert dates == [(one["obligation_id"], one["due_at"], one["due_strict_at"]) for one in owed]

    db = world["sae_notifier"].db
    forms = db.read(lambda tx: notifier_store.forms_of(tx, case_id))
    later = db.read(lambda tx: withdrawing.later(tx, case_id, CHILD, forms))
    assert set(later) == {sent} and later[sent].redacted_by == OFFICER
    assert holders(world) == []
    for document in (one for one in forms if one["document_id"] != sent):
        content = form_of(world, document["document_id"]).content
        assert not content or NAME not in page_text(content)
    for record in _form_events(world):
        assert record["document_id"] == sent or NAME not in _pdf_words(record)
    world.assert_audit()


def _form_events(world: World) -> list[dict[str, Any]]:
    rows = world["sae_notifier"].db.read(
        lambda tx: tx.execute(text("SELECT body FROM outbox WHERE type = 'tocsin.form.made.v1'")).scalars().all()
    )
    return [json.loads(one) for one in rows]


def _pdf_words(record: dict[str, Any]) -> str:
    return page_text(base64.b64decode(record["content_base64"])) if record["content_base64"] else ""


def test_a_mail_that_was_on_its_way_is_withdrawn_once_it_did_not_leave(world: World) -> None:
    case_id = told(world)
    duty = deeds.duties(world, case_id)[0]
    filing = deeds.file(world, duty.obligation_id, "mail")
    now = world.clock.now()
    db = world["sae_notifier"].db
    [claimed] = db.transact(lambda tx: attempts.claim(world.notifier, tx, now))
    world.clock.advance(seconds=1)
    redact(world, case_id)
    world.drain()
    assert form_of(world, filing.document_id).content, "it may be leaving at this moment: what was sent must be known"
    db.transact(lambda tx: attempts.settle(world.notifier, tx, claimed.filing_id, error="no", answer="", now=now))
    world.clock.advance(hours=1)
    assert world.dispatcher.taken_back.make_again() == 1
    assert form_of(world, filing.document_id).content == b""
    world.assert_audit()


def test_a_form_drafted_before_and_kept_after_is_refused(world: World) -> None:
    case_id = told(world)
    duty = deeds.duties(world, case_id)[0]
    db, now = world["sae_notifier"].db, world.clock.now()
    made = db.read(lambda tx: documents.draft(world.notifier, tx, duty.obligation_id, now))
    redact(world, case_id)
    world.drain()
    with pytest.raises(Conflict, match="taken back"):
        db.transact(lambda tx: documents.keep_form(world.notifier, tx, made, b"%PDF", OFFICER, now))


def test_an_old_record_delivered_again_is_a_duplicate_and_brings_nothing_back(world: World) -> None:
    case_id = told(world)
    old = [one for one in world.log.all() if NAME.encode() in one.value]
    assert len(old) >= 3
    redact(world, case_id)
    world.drain()
    for one in old:
        world.log.repeat(one)
    world.drain()
    assert holders(world) == []
    assert not world.rung
    world.assert_audit()


def test_words_typed_again_are_withheld_again(world: World) -> None:
    case_id = told(world)
    redact(world, case_id)
    world.drain()
    deeds.amend(
        world, case_id, 2, news=START, reason=f"called {NAME} at home", given={"answer": "yes", "text": words("given")}
    )
    world.drain()
    assert holders(world) == []
    deeds.amend(world, case_id, 3, news=START, given={"answer": "yes", "text": {"text": "other words"}})
    case = deeds.case(world, case_id)
    assert case is not None and case.given.text is not None and case.given.text.text == "other words"
    world.drain()
    world.assert_audit()


def test_what_another_service_said_before_it_heard_is_withheld_by_those_who_had(world: World) -> None:
    """Its event stands on the log after the redaction, with the words."""
    said = "seen by two of us"  # what `deeds.answer` writes
    case_id = told(world)
    deeds.amend(world, case_id, 2, news=START, given={"answer": "yes", "text": {"text": said}})
    world.drain()
    one = {"texts": [{"version": 3, "pointer": "/given/text"}], "reason": "names somebody"}
    redact(world, case_id, RedactCase.model_validate(one))
    deeds.answer(world, case_id, "specific_phenomenon", "no")
    world.drain()
    at = [i for i, one in enumerate(world.log.all()) if one.header("ce_type") == "tocsin.case.redacted.v1"]
    assert any(said.encode() in one.value for one in world.log.all()[at[0] :])
    assert holders(world, said) == []
    world.assert_audit()


def test_named_texts_alone_leave_the_same_words_elsewhere(world: World) -> None:
    case_id = told(world)
    one = {
        "texts": [{"version": 1, "pointer": "/given/text"}],
        "everywhere": False,
        "reason": "only here",
        "password": "",
    }
    made = redact(world, case_id, RedactCase.model_validate_json(json.dumps(one)))
    assert [(text.version, text.pointer) for text in made.texts] == [(1, "/given/text")]
    first, second = world["ae_intake"].db.read(lambda tx: intake_store.versions(tx, f"case/{case_id}"))
    assert first.given.text.redacted and not second.given.text.redacted
    world.drain()
    kept = world["sae_notifier"].db.read(lambda tx: received.history(tx, f"case/{case_id}"))
    assert [row.data()["given"]["text"]["redacted"] for row in kept] == [True, False]
    world.assert_audit()


def test_what_is_not_there_and_a_reason_that_quotes_are_refused(world: World) -> None:
    case_id = told(world)
    for asked, pointer in (
        ({"texts": [{"pointer": "/events/0/outcome"}], "reason": "because", "password": ""}, "/texts/0"),
        ({"texts": [{"pointer": "/given/text", "sha256": "0" * 64}], "reason": "because", "password": ""}, "/texts/0"),
        ({"texts": [], "reason": "because", "password": ""}, "/texts"),
        ({"texts": [], "rejected": ["no-such"], "reason": "because", "password": ""}, "/rejected/0"),
        (
            {"texts": [{"pointer": "/given/text"}], "reason": f"it said {words('given')['text']}", "password": ""},
            "/reason",
        ),
    ):
        with pytest.raises(Refused) as refused:
            redact(world, case_id, RedactCase.model_validate_json(json.dumps(asked)))
        assert refused.value.problems[0].pointer == pointer


def test_a_persons_answer_and_an_override_are_taken_back_by_their_hash(world: World) -> None:
    case_id = told(world)
    assessment = deeds.assessment(world, case_id)
    assert assessment is not None
    found = texts(type(assessment), assessment.model_dump(mode="json"))
    answer = next(one for one in found if one.pointer == "/answers/0/reason")
    asked = {
        "texts": [
            {
                "aggregate": f"assessment/{case_id}",
                "version": assessment.version,
                "pointer": answer.pointer,
                "sha256": answer.sha256,
            }
        ],
        "reason": "names somebody",
        "password": "",
    }
    assert holders(world, "seen by two of us")
    redact(world, case_id, RedactCase.model_validate_json(json.dumps(asked)))
    world.drain()
    assert holders(world, "seen by two of us") == []
    kept = world["causality"].db.read(lambda tx: causality_store.answers(tx, case_id))
    assert kept[0].reason.redacted and kept[0].answer == "no"
    world.assert_audit()


def test_a_parked_record_and_a_rejected_submission_lose_the_words_too(world: World) -> None:
    world["sae_notifier"].failing = {"tocsin.case.amended.v1"}
    case_id = told(world)
    assert world["sae_notifier"].db.read(parking.count_open)[0] >= 1
    with pytest.raises(Exception):  # noqa: B017  whatever it is called, it was turned away
        deeds.submit(world, {"subject_id": CHILD, "events": [{"verbatim": f"{NAME} as text"}]}, "k9")
    [row] = world["ae_intake"].db.read(intake_store.open_rejected)
    redact(world, case_id, command(world, case_id, rejected=[row.rejected_id]))
    world.drain()
    assert holders(world) == []
    world["sae_notifier"].failing = set()
    [parked] = [one for one in world["sae_notifier"].db.read(parking.open_rows) if one.type == "tocsin.case.amended.v1"]
    world["sae_notifier"].worker.replay(parked.parked_id, actor=OFFICER, reason="mended")
    assert holders(world) == []
    world.drain()
    world.assert_audit()


@pytest.mark.parametrize("name", ["ae_intake", "causality", "sae_notifier", "dsmb"])
def test_a_service_from_an_older_copy_blanks_them_again(world: World, tmp_path: Path, name: str) -> None:
    """The copy, and the log it is brought back from, still hold the words."""
    case_id = told(world)
    before = stood(world, case_id)
    coming_back.backup(world, tmp_path / "copies")
    world.tick(hours=1)
    redact(world, case_id)
    world.drain()
    coming_back.put_back(world, name, tmp_path / "copies")
    assert any(one.startswith(name) for one in holders(world))
    door = coming_back.guard(world, name)
    coming_back.look(world, door)
    if door.state == "held":
        assert not coming_back.restore(world, name).parked
        coming_back.release(world, name)
        coming_back.look(world, door)
        coming_back.look(world, door)
    world.drain()
    assert holders(world) == []
    after = stood(world, case_id)
    assert (after["version"], after["duties"], after["assessment"]) == (
        before["version"],
        before["duties"],
        before["assessment"],
    )
    world.assert_audit()
    assert not world.rung["same_version_other_bytes"] and not world.rung["event_parked"]


def test_a_republish_makes_a_log_without_the_words(world: World) -> None:
    case_id = told(world)
    redact(world, case_id)
    world.drain()
    assert any(NAME.encode() in one.value for one in world.log.all()), "the old log keeps them until then"
    before = stood(world, case_id)
    events = {one.event_id for one in world.log.all()}
    for place in world.log.partitions:
        world.log.partitions[place] = []
    coming_back.rebuild_log(world)
    assert {one.event_id for one in world.log.all()} == events
    assert not any(NAME.encode() in one.value for one in world.log.all())
    bodies: dict[tuple[str, int], set[bytes]] = {}
    for one in world.log.all():
        bodies.setdefault((one.header("ce_subject") or "", int(one.header("ce_sequence") or 0)), set()).add(one.value)
    for service in ("causality", "sae_notifier"):
        rows = world[service].db.read(
            lambda tx: tx.execute(text("SELECT aggregate, version, body FROM received")).all()
        )
        for aggregate, version, body in rows:
            assert {body.encode()} == bodies[aggregate, version], (
                "the same canonical bytes in every store and on the log"
            )
    world.crash()
    world.drain()
    assert stood(world, case_id) == before
    assert holders(world) == []
    assert not any(world.rung[kind] for kind in ("position_invalid", "same_version_other_bytes", "event_parked"))
    world.assert_audit()


def test_an_older_copy_meets_the_new_log_without_an_alarm(world: World, tmp_path: Path) -> None:
    """On the new log the blanked case comes before the redaction: it is the same version, not other bytes."""
    case_id = told(world)
    coming_back.backup(world, tmp_path / "copies")
    redact(world, case_id)
    world.drain()
    for place in world.log.partitions:
        world.log.partitions[place] = []
    coming_back.rebuild_log(world)
    coming_back.put_back(world, "causality", tmp_path / "copies")
    assert any(one.startswith("causality") for one in holders(world))
    coming_back.rebuild_log(world)  # its positions are of the old log
    door = coming_back.guard(world, "causality")
    coming_back.look(world, door)
    assert not coming_back.restore(world, "causality").parked
    coming_back.release(world, "causality")
    coming_back.look(world, door)
    world.drain()
    assert holders(world) == []
    assert not world.rung["same_version_other_bytes"] and not world.rung["event_parked"]
    world.assert_audit()


def test_a_row_blanked_by_hand_is_a_breach(world: World) -> None:
    """Before any redaction, and of another text after one."""
    case_id = told(world)
    for service, table in (("ae_intake", "documents"), ("sae_notifier", "received"), ("causality", "outbox")):
        db = world[service].db
        (old,) = (
            db.read(
                lambda tx, t=table: tx.execute(text(f"SELECT body FROM {t} WHERE body LIKE '%{NAME}%' LIMIT 1")).one()
            )
            if table != "outbox"
            else db.read(
                lambda tx: tx.execute(text("SELECT body FROM outbox WHERE body LIKE '%seen by two%' LIMIT 1")).one()
            )
        )
        data = json.loads(old)
        hidden = json.dumps(loosely(data, frozenset(_hashes(data)))[0])
        statement = text(f"UPDATE {table} SET body = :new WHERE body = :old")
        db.transact(lambda tx, s=statement, o=old, n=hidden: tx.execute(s, {"old": o, "new": n}))
        assert any("edited" in one.what for one in world.verify(service).breaches), (service, table)
        db.transact(lambda tx, s=statement, o=old, n=hidden: tx.execute(s, {"old": n, "new": o}))
        assert world.verify(service).ok
    entry = "SELECT id, entry FROM audit WHERE entry LIKE :like LIMIT 1"
    db = world["ae_intake"].db
    ((row_id, old),) = db.read(lambda tx: tx.execute(text(entry), {"like": f"%{NAME}%"}).all())
    change = text("UPDATE audit SET entry = :new WHERE id = :id")
    db.transact(lambda tx: tx.execute(change, {"new": old.replace(NAME, "[redacted]"), "id": row_id}))
    assert any("its bytes" in one.what for one in world.verify("ae_intake").breaches)
    db.transact(lambda tx: tx.execute(change, {"new": old, "id": row_id}))
    redact(world, case_id)
    world.assert_audit()
    db.transact(lambda tx: tx.execute(change, {"new": old, "id": row_id}))  # the words brought back by hand
    assert any("its bytes" in one.what for one in world.verify("ae_intake").breaches)


def _hashes(data: Any) -> list[str]:
    if isinstance(data, dict):
        own = [hash_of(data["text"])] if isinstance(data.get("text"), str) and data["text"] else []
        return own + [one for value in data.values() for one in _hashes(value)]
    return [one for value in data for one in _hashes(value)] if isinstance(data, list) else []


def test_a_frozen_cut_is_still_made_byte_for_byte(world: World) -> None:
    """Its manifest names the versions by the hash they had then; no figure rests on words."""
    case_id = told(world)
    dsmb = Dsmb(world.trial, world["dsmb"].audit, Wake())
    cut = freeze(world["dsmb"].db, dsmb, world.clock, purpose="before", user_id="dsmb-statistician")
    checked = world["dsmb"].db.read(lambda tx: check_cut(tx, cut.cut_id))
    assert (checked.closed, checked.open) == ("identical", "identical")
    redact(world, case_id)
    world.drain()
    assert holders(world) == []
    again = world["dsmb"].db.read(lambda tx: check_cut(tx, cut.cut_id))
    assert again == checked
    world.assert_audit()


def test_letters_composed_by_another_keyboard_are_the_same_words(world: World) -> None:
    """Nobody can tell the two texts apart on a page; taken back as one, neither is left, nor in bytes that nobody can read."""
    composed, apart = (unicodedata.normalize(form, "mẹ là Nguyễn Thị Ánh") for form in ("NFC", "NFD"))
    body = deeds.report(CHILD, aware=START - timedelta(hours=1), seriousness=FATAL)
    body["events"][0]["description"] = {"text": composed, "language": "vi"}
    body["given"]["text"] = {"text": apart, "language": "vi"}
    case_id = deeds.submit(world, body, "k1")["case_id"]
    [told_of] = [one for one in _relayed(world) if one.header("ce_type") == "tocsin.case.reported.v1"]
    cut_off = json.dumps({"text": apart}).encode() + b', "and here it ends'
    world.log.append(Record(told_of.topic, CHILD, cut_off, told_of.headers))
    world.drain()
    assert holders(world, json.dumps(apart)[1:-1]), "it is parked"
    asked = {"texts": [{"pointer": "/events/0/description"}], "reason": "names a mother", "password": "x"}
    redact(world, case_id, RedactCase.model_validate_json(json.dumps(asked)))
    world.drain()
    for form in (composed, apart, json.dumps(apart)[1:-1], json.dumps(composed)[1:-1]):
        assert holders(world, form) == []
    world.assert_audit()


def _relayed(world: World) -> list[Delivery]:
    world.relay("ae_intake")
    return list(world.log.all())
