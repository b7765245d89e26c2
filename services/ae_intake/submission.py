"""The way in that loses nothing: raw bytes to a stored case, or to a rejected submission that stands on the desk.

Used by the API and by the phone page, so that both keep the same promise.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from pydantic import ValidationError

from services.ae_intake import handlers, store, views
from services.ae_intake.commands import SubmitCase
from services.ae_intake.handlers import Intake, Who
from shared.bus import idempotency
from shared.bus.idempotency import KEY_PATTERN, MAX_KEY
from shared.clock import Clock
from shared.db import Database, Tx
from shared.errors import FieldProblem, Refused, TocsinError, TooLarge
from shared.failpoint import hit
from shared.web.problem import pointer_of, remedy_of, sentence_of


@dataclass(frozen=True)
class Answer:
    """What to answer: a status, a JSON document, and whether it is a repeat of an earlier answer."""

    status: int
    body: dict[str, Any]
    repeated: bool = False


class Rejected(Refused):
    """It could not become even a draft; it was kept under `rejected_id` all the same."""

    code = "rejected"

    def __init__(self, why: Refused | TooLarge, rejected_id: str) -> None:
        super().__init__(why.detail, problems=why.problems)
        self.status, self.title, self.rejected_id = why.status, why.title, rejected_id


class Submissions:
    """Sync; call from a thread."""

    def __init__(self, db: Database, intake: Intake, clock: Clock) -> None:
        self.db, self.intake, self.clock = db, intake, clock

    def submit(self, raw: bytes, *, content_type: str, route: str, who: Who, key: str | None) -> Answer:
        """Store and publish, or keep as rejected and raise Rejected. The same key and body give the same answer."""
        try:
            check_key(key)
            command = parse(raw)
            answer = self._store(command, raw, route, who, key)
        except (Refused, TooLarge) as refused:
            raise self._reject(refused, raw, content_type, route, who) from refused
        hit("intake.after_commit")
        return answer

    def _store(self, command: SubmitCase, raw: bytes, route: str, who: Who, key: str | None) -> Answer:
        digest = sha256(raw).hexdigest()

        def unit(tx: Tx) -> Answer:
            now = self.clock.now()
            claim = {"client": who.user_id, "route": route, "key": key or "", "body_sha256": digest, "now": now}
            first = (idempotency.claim_question(**claim),) if key is not None else ()
            store.foresee_report(tx, command.subject_id, *first)
            if key is not None:
                before = idempotency.claim(tx, self.intake.audit, **claim)
                if before is not None:
                    return Answer(before.status, json.loads(before.answer), repeated=True)
            outcome = handlers.submit_case(self.intake, tx, command, who, now)
            answer = Answer(201, views.case_answer(outcome, self.intake.trial, now))
            if key is not None:
                idempotency.settle(
                    tx,
                    self.intake.audit,
                    client=who.user_id,
                    route=route,
                    key=key,
                    status=201,
                    answer=json.dumps(answer.body, ensure_ascii=False),
                )
            hit("intake.before_commit")
            return answer

        return self.db.transact(unit, way="report")

    def _reject(self, refused: Refused | TooLarge, raw: bytes, content_type: str, route: str, who: Who) -> Rejected:
        return Rejected(refused, self.keep(refused, raw, content_type, route, who))

    def keep(self, why: TocsinError, raw: bytes, content_type: str, route: str, who: Who) -> str:
        """Keep what was sent as a rejected submission; returns its id."""
        now = self.clock.now()
        return self.db.transact(
            lambda tx: handlers.keep_rejected(
                self.intake,
                tx,
                body=raw,
                content_type=content_type,
                route=route,
                problems=why.problems,
                who=who,
                now=now,
            ),
            way="report",
        )


def check_key(key: str | None) -> None:
    """An Idempotency-Key is up to 200 visible ASCII characters. Raises Refused."""
    if key is not None and (len(key) > MAX_KEY or re.fullmatch(KEY_PATTERN, key) is None):
        raise Refused(
            "the Idempotency-Key does not fit",
            problems=[FieldProblem("", "Idempotency-Key", f"send up to {MAX_KEY} visible ASCII characters, no spaces")],
        )


def parse(raw: bytes) -> SubmitCase:
    """Raises Refused with a pointer for every field that does not fit."""
    try:
        return SubmitCase.model_validate_json(raw)
    except ValueError:
        pass  # told in detail below; most submissions never come there
    try:
        data = json.loads(raw)
    except (ValueError, RecursionError):
        raise Refused(
            "the body is not JSON", problems=[FieldProblem("", "not JSON", "send a JSON object in UTF-8")]
        ) from None
    try:
        # Strict about kinds of JSON value ("3" is not 3), lenient about what is missing.
        return SubmitCase.model_validate_json(json.dumps(data))
    except ValidationError as error:
        raise Refused("some fields do not fit", problems=problems_of(error)) from None
    except RecursionError:
        raise Refused(
            "the body is nested too deeply", problems=[FieldProblem("", "nested too deeply", "send the fields flat")]
        ) from None
    except ValueError:
        raise Refused(
            "the body holds text that is not Unicode", problems=[FieldProblem("", "not Unicode", "send UTF-8")]
        ) from None


def problems_of(error: ValidationError) -> list[FieldProblem]:
    """One per field, without what was typed."""
    return [
        FieldProblem(pointer_of(one["loc"]), sentence_of(one), remedy_of(one))
        for one in error.errors(include_url=False)
    ]
