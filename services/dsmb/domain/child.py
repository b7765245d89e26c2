"""One child as a cut knows it: the newest version of each of its documents, and the arm it was allocated to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from shared.case import Assessment, CaseReport, Exposure, Published, Subject

P = TypeVar("P", bound=Published)
_JUDGED = ("case/", "exposure/", "measurement/", "subject/", "batch/")


class _Allocated(Published):
    """What this service reads of an allocation."""

    arm: str


@dataclass(frozen=True)
class Document:
    """One version of one aggregate, as it stood on the log; `subject_id` is the record's key."""

    aggregate: str
    version: int
    sha256: str
    subject_id: str
    body: str

    @property
    def kind(self) -> str:
        return self.aggregate.partition("/")[0]


@dataclass(frozen=True)
class Child:
    """`subject` is None when only other documents name the code; `arm` None when no allocation was received."""

    subject_id: str
    subject: Subject | None
    arm: str | None
    exposures: tuple[Exposure, ...]
    cases: tuple[CaseReport, ...]
    assessments: Mapping[str, Assessment]
    versions: Mapping[str, int]

    def fresh(self, assessment: Assessment) -> bool:
        """Signed, and every document of the child that it could have judged was judged in the version that stands."""
        judged = {one.aggregate: one.version for one in assessment.judged}
        current = {name: version for name, version in self.versions.items() if name.startswith(_JUDGED)}
        unmoved = all(judged.get(name, 0) >= version for name, version in current.items())
        return assessment.signature is not None and unmoved


def children(documents: Iterable[Document]) -> tuple[Child, ...]:
    """Every child of a cut, by code; the order the documents come in means nothing."""
    by_child: dict[str, list[Document]] = {}
    for one in documents:
        by_child.setdefault(one.subject_id, []).append(one)
    return tuple(child(code, by_child[code]) for code in sorted(by_child))


def child(subject_id: str, documents: Iterable[Document]) -> Child:
    """One child from the newest version of each of its documents."""
    ordered = sorted(documents, key=lambda one: one.aggregate)
    bodies = {kind: [one.body for one in ordered if one.kind == kind] for kind in {one.kind for one in ordered}}
    subjects = [_read(Subject, body) for body in bodies.get("subject", [])]
    assessments = [_read(Assessment, body) for body in bodies.get("assessment", [])]
    arms = [_read(_Allocated, body).arm for body in bodies.get("allocation", [])]
    return Child(
        subject_id=subject_id,
        subject=subjects[0] if subjects else None,
        arm=arms[0] if arms else None,
        exposures=tuple(_read(Exposure, body) for body in bodies.get("exposure", [])),
        cases=tuple(_read(CaseReport, body) for body in bodies.get("case", [])),
        assessments={one.case_id: one for one in assessments},
        versions={one.aggregate: one.version for one in ordered},
    )


def _read(model: type[P], body: str) -> P:
    return model.model_validate_json(body, extra="ignore")
