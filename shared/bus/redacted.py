"""What was taken back, as every service keeps it: asked before anything of that child is stored, so that an old record
delivered again never brings the words back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar, TypeVar, cast

from pydantic import BaseModel
from sqlalchemy import Column, Text, select
from sqlmodel import Field, col

from shared.audit import Audited
from shared.canonical import canonical
from shared.case.base import Published
from shared.case.redaction import CaseRedacted, TakenText
from shared.case.text import withheld
from shared.case.withholding import Text as Words
from shared.case.withholding import hash_of, skeleton, texts, withhold
from shared.db import Tx
from shared.events.catalogue import CATALOGUE
from shared.events.envelope import Event
from shared.statement import Statement

TYPE = "tocsin.case.redacted.v1"
P = TypeVar("P", bound=Published)


class RedactionRow(Audited, table=True):
    """One redaction, as canonical JSON: hashes, never words."""

    __tablename__: ClassVar[str] = "redactions"  # type: ignore[misc]
    audit_key: ClassVar[tuple[str, ...]] = ("redaction_id",)

    redaction_id: str = Field(primary_key=True)
    subject_id: str = Field(index=True)
    case_id: str = Field(index=True)
    body: str = Field(sa_column=Column(Text, nullable=False))
    recorded_at: datetime

    def document(self) -> CaseRedacted:
        return CaseRedacted.read(json.loads(self.body))


@dataclass(frozen=True)
class Rules:
    """Which words of one child are withheld: named ones, and those of a hash wherever they stand."""

    named: frozenset[TakenText]
    anywhere: frozenset[str]

    @classmethod
    def of(cls, documents: Sequence[CaseRedacted]) -> Rules:
        return cls(
            frozenset(text for one in documents for text in one.texts),
            frozenset(text.sha256 for one in documents if one.everywhere for text in one.texts),
        )

    @property
    def hashes(self) -> frozenset[str]:
        return self.anywhere | {one.sha256 for one in self.named}

    def takes(self, aggregate: str, version: int, text: Words) -> bool:
        if text.sha256 in self.anywhere:
            return True
        named = TakenText(aggregate=aggregate, version=version, pointer=text.pointer, sha256=text.sha256)
        return named in self.named

    def blanked(self, model: type[BaseModel], aggregate: str, version: int, data: Any) -> tuple[Any, list[Words]]:
        return withhold(model, data, lambda text: self.takes(aggregate, version, text))

    def body(self, model: type[BaseModel], aggregate: str, version: int, body: bytes) -> bytes:
        """The canonical bytes without the words: the same in every service. Untouched where nothing is withheld."""
        made, taken = self.blanked(model, aggregate, version, json.loads(body))
        return canonical(made) if taken else body

    def document(self, aggregate: str, document: P) -> P:
        """What is about to be stored, without the words: typed again, they are withheld again."""
        if not self.named and not self.anywhere:
            return document
        made, taken = self.blanked(type(document), aggregate, document.version, document.model_dump(mode="json"))  # type: ignore[attr-defined]
        return cast(P, type(document).model_validate(made)) if taken else document

    def judged(self, document: Published) -> list[Words]:
        """Texts that the machine would compute from and that may not stand: somebody must write them in other words."""
        if not self.anywhere:
            return []
        found = texts(type(document), document.model_dump(mode="json"))
        return [one for one in found if one.judged and one.words is not None and one.sha256 in self.anywhere]

    def part(self, part: P) -> P:
        """A part of a document, by its words' hash alone."""
        if not self.anywhere:
            return part
        made, taken = withhold(type(part), part.model_dump(mode="json"), lambda text: text.sha256 in self.anywhere)
        return cast(P, type(part).model_validate(made)) if taken else part

    def said(self, words: str | None) -> str | None:
        """A reason for the trail."""
        return withheld(hash_of(words)) if words and hash_of(words) in self.anywhere else words


NOTHING = Rules(frozenset(), frozenset())
_OF_CHILD = Statement("redactions", "SELECT body FROM redactions WHERE subject_id = :subject_id ORDER BY redaction_id")


def of_child_question(subject_id: str) -> tuple[Statement, dict[str, Any]]:
    """For `Tx.foresee`: what `rules_of` will ask."""
    return _OF_CHILD, {"subject_id": subject_id}


def of_child(tx: Tx, subject_id: str) -> list[CaseRedacted]:
    """Every redaction about one child, oldest first."""
    return [CaseRedacted.read(json.loads(body)) for (body,) in tx.rows(_OF_CHILD, {"subject_id": subject_id})]


def rules_of(tx: Tx, subject_id: str) -> Rules:
    found = of_child(tx, subject_id)
    return Rules.of(found) if found else NOTHING


def of_case(tx: Tx, case_id: str) -> list[CaseRedacted]:
    statement = select(RedactionRow).where(col(RedactionRow.case_id) == case_id).order_by(col(RedactionRow.recorded_at))
    return [row.document() for row in tx.session.execute(statement).scalars()]


def known(tx: Tx, redaction_id: str) -> bool:
    return tx.session.get(RedactionRow, redaction_id) is not None


def cleaned(tx: Tx, event: Event, child: str) -> Event:
    """The event as this child's redactions leave it."""
    if event.type == TYPE:
        return event
    rules = rules_of(tx, child)
    if rules is NOTHING:
        return event
    body = rules.body(CATALOGUE[event.type].model, event.aggregate, event.version, event.body)
    return event if body == event.body else replace(event, body=body, data=json.loads(body))


def withholds(type_name: str, body: str) -> bool:
    """Whether words, or a file, were taken out of this body."""
    known = CATALOGUE.get(type_name)
    if known is None:
        return False
    data = json.loads(body)
    return data.get("content_base64", "") is None or any(one.words is None for one in texts(known.model, data))


def without_words(type_name: str, body: bytes) -> bytes | None:
    """A body with every text as its hash alone: the same before and after words were taken back."""
    known = CATALOGUE.get(type_name)
    if known is None:
        return None
    try:
        return canonical(skeleton(known.model, json.loads(body)))
    except (ValueError, RecursionError, AttributeError):
        return None


def same_but_for_redaction(type_name: str, mine: bytes | str, theirs: bytes | str) -> bool:
    """Whether two forms of one version differ only in words that one of them withholds, by their hash."""
    known = CATALOGUE.get(type_name)
    if known is None:
        return False
    one, other = json.loads(mine), json.loads(theirs)
    if not isinstance(one, dict) or not isinstance(other, dict):
        return False
    if canonical(skeleton(known.model, one)) != canonical(skeleton(known.model, other)):
        return False
    held = [{text.pointer for text in texts(known.model, data) if text.words is None} for data in (one, other)]
    return held[0] != held[1] or one.get("content_base64") != other.get("content_base64")
