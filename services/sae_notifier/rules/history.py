"""Everything known about one case when its duties are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from shared.case import Assessment, CaseReport, Exposure, Obligation


@dataclass(frozen=True)
class AssessmentView:
    """One version of the assessment; stale when a newer or unlisted aggregate of the child exists."""

    assessment: Assessment
    stale: bool

    @property
    def may_relax(self) -> bool:
        """Only a signed assessment of everything that is known may ever take away from a duty."""
        return self.assessment.signature is not None and not self.stale


@dataclass(frozen=True)
class Held:
    """A telling that the recipient has received; `as_of` is when its document was made."""

    version: int
    as_of: datetime
    number: str = ""
    sha256: str = ""


@dataclass(frozen=True)
class Told:
    """Which case versions a recipient holds: in the first filing of the obligation, and in the latest."""

    first: int
    latest: int
    versions: tuple[int, ...] = ()
    """Every version that was sent; the first and the latest where the rest is not known."""
    received: tuple[Held, ...] = ()

    @property
    def all(self) -> tuple[int, ...]:
        return self.versions or tuple(sorted({self.first, self.latest}))


@dataclass(frozen=True)
class History:
    """`versions` in any order, gaps allowed. `told` is by obligation id; without it `filed_at` decides.

    `inherited_aware_at` is the first awareness of the cases this one replaces; `replacement_received` says that the
    case named by a nullification has arrived here.
    """

    versions: tuple[CaseReport, ...]
    exposures: tuple[Exposure, ...] = ()
    assessments: tuple[AssessmentView, ...] = ()
    obligations: tuple[Obligation, ...] = ()
    told: Mapping[str, Told] = field(default_factory=dict)
    inherited_aware_at: datetime | None = None
    replacement_received: bool = False

    def seen_at(self, now: datetime) -> History:
        """The same history with no receipt after `now`: another machine's fast clock must not give time away."""
        if all(version.recorded_at <= now for version in self.versions):
            return self
        capped = tuple(one.model_copy(update={"recorded_at": min(one.recorded_at, now)}) for one in self.versions)
        return replace(self, versions=capped)

    def judged(self) -> tuple[AssessmentView, ...]:
        """The assessments by version; one of a case version that has not arrived may add, never relax."""
        known = {version.version for version in self.versions}
        return tuple(
            view if view.assessment.case_version in known else replace(view, stale=True)
            for view in sorted(self.assessments, key=lambda view: view.assessment.version)
        )

    def ordered(self) -> tuple[CaseReport, ...]:
        """The versions by number, each once; two different documents under one number are refused."""
        found: dict[int, CaseReport] = {}
        for version in self.versions:
            if found.setdefault(version.version, version) != version:
                raise ValueError(f"case version {version.version} is given twice with different content")
        if len({version.case_id for version in found.values()}) > 1:
            raise ValueError("a history holds the versions of one case only")
        return tuple(found[number] for number in sorted(found))


def is_stale(assessment: Assessment, latest: Mapping[str, int]) -> bool:
    """`latest` maps every aggregate of the child (`case/…`, `exposure/…`, `measurement/…`) to its newest version."""
    judged = {one.aggregate: one.version for one in assessment.judged}
    return any(judged.get(aggregate, 0) < version for aggregate, version in latest.items())


def known_versions(received: Mapping[str, int], assessments: Iterable[Assessment]) -> dict[str, int]:
    """What any assessment has judged exists, though it never came here by itself (a person's answers) or has not yet."""
    latest = dict(received)
    for one in (each for assessment in assessments for each in assessment.judged):
        latest[one.aggregate] = max(latest.get(one.aggregate, 0), one.version)
    return latest
