"""What a report is made from besides the case: the documents of the child, and what the trial and the sponsor have said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.case import Assessment, Batch, CaseReport, Exposure, ExposureKind, Measurement, Subject


@dataclass(frozen=True)
class Sender:
    """Section C.3. The person is whom the sponsor names for safety reports; the EU wants this block short, FDA complete."""

    organisation: str
    kind: str = "1"
    """C.3.1; 1 is a pharmaceutical company (the sponsor)."""
    department: str = ""
    title: str = ""
    given_name: str = ""
    middle_name: str = ""
    family_name: str = ""
    street: str = ""
    city: str = ""
    state: str = ""
    postcode: str = ""
    country: str = ""
    telephone: str = ""
    fax: str = ""
    email: str = ""


@dataclass(frozen=True)
class Source:
    """Where the report comes from: the site. A reporter's name is never stored, so it is sent as masked."""

    country: str
    organisation: str = ""
    department: str = ""
    city: str = ""
    state: str = ""


@dataclass(frozen=True)
class Registration:
    """C.5.1.r: a number in the registry of a country (`EU` for the EU)."""

    number: str
    country: str


@dataclass(frozen=True)
class Study:
    """Section C.5. `condition` is what every child of the trial has, in English, for D.7.2."""

    name: str
    sponsor_number: str = ""
    kind: str = "1"
    """C.5.4; 1 is a clinical trial."""
    registrations: tuple[Registration, ...] = ()
    condition: str = ""
    ind_number: str = ""
    cross_reported: tuple[str, ...] = ()
    pre_anda: str = ""


@dataclass(frozen=True)
class Facts:
    """Whole documents, voided ones included; only what stands is written."""

    sender: Sender
    source: Source
    study: Study
    subject: Subject | None = None
    exposures: tuple[Exposure, ...] = ()
    batches: tuple[Batch, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    assessment: Assessment | None = None
    """The sponsor's; counted only while it is signed and has judged these very versions."""
    history: tuple[CaseReport, ...] = ()
    """Every version of the case, this one included or not."""
    zone: str = "UTC"
    """IANA zone of the safety desk, for the times of the message."""
    product: str = "investigational product"
    suspects: frozenset[ExposureKind] = frozenset({"bm_mnc_infusion"})
    """Kinds that are the investigational product."""
    routes: Mapping[ExposureKind, str] = field(default_factory=dict)
    """The usual route of a kind, in words, where an exposure does not say its own."""
    narrative: str = ""
    """What a person wrote for H.1; the facts follow it."""
    translations: Mapping[str, str] = field(default_factory=dict)
    """E.i.1.2 by event id: what was reported, in English."""
    race: tuple[str, ...] = ()
    """FDA.D.11.r.1 codes."""
    ethnicity: str = ""

    def given(self) -> tuple[Exposure, ...]:
        """What stands, earliest first; undated ones first."""
        counted = [one for one in self.exposures if not one.voided]
        return tuple(
            sorted(counted, key=lambda one: (one.start.earliest().isoformat() if one.start else "", one.exposure_id))
        )

    def batch(self, batch_id: str | None) -> Batch | None:
        return next((one for one in self.batches if one.batch_id == batch_id and not one.voided), None)

    def versions(self, case: CaseReport) -> list[CaseReport]:
        """Every version up to this one, oldest first."""
        known = {one.version: one for one in (*self.history, case) if one.version <= case.version}
        return [known[version] for version in sorted(known)]

    def signed(self, case: CaseReport) -> Assessment | None:
        """The sponsor's assessment, if it is signed and nothing it should have judged is newer or unknown to it."""
        assessment = self.assessment
        if assessment is None or assessment.signature is None:
            return None
        judged = {one.aggregate: one.version for one in assessment.judged}
        documents = [(f"case/{case.case_id}", case.version)]
        documents += [(f"exposure/{one.exposure_id}", one.version) for one in self.exposures]
        documents += [(f"measurement/{one.measurement_id}", one.version) for one in self.measurements]
        documents += [(f"batch/{one.batch_id}", one.version) for one in self.batches]
        if self.subject is not None:
            documents.append((f"subject/{self.subject.subject_id}", self.subject.version))
        return assessment if all(judged.get(name) == version for name, version in documents) else None
