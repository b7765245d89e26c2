"""The published language: the documents that services exchange, whole in every version."""

from shared.case.assessment import Assessment, EventAssessment, Judged, PersonAnswer, Relatedness, Signature
from shared.case.base import Answer, Published
from shared.case.batch import Batch
from shared.case.cut import CutFile, CutFrozen, CutOffset, CutPart
from shared.case.exposure import ActionTaken, Exposure, ExposureKind, RehabilitationCourse
from shared.case.filing import Acknowledgement, Filing, FilingReceipt, IcsrNumbers, ReportForm
from shared.case.law import LawActivated, LawText
from shared.case.measurement import Measurement
from shared.case.moment import Moment
from shared.case.obligation import DutyCause, DutyFactor, DutyStatement, Obligation, Says
from shared.case.quantity import Quantity
from shared.case.redaction import CaseRedacted, TakenText
from shared.case.report import (
    CRITERIA,
    AdverseEvent,
    CaseReport,
    CodedTerm,
    Given,
    GradeEntry,
    InvestigatorOpinion,
    Nullification,
    Seriousness,
)
from shared.case.rule_crossed import RuleCrossed
from shared.case.seriousness import EffectiveSeriousness
from shared.case.subject import Subject
from shared.case.text import FreeText

__all__ = [
    "CRITERIA",
    "Acknowledgement",
    "ActionTaken",
    "AdverseEvent",
    "Answer",
    "Assessment",
    "Batch",
    "CaseRedacted",
    "CaseReport",
    "CodedTerm",
    "CutFile",
    "CutFrozen",
    "CutOffset",
    "CutPart",
    "DutyCause",
    "DutyFactor",
    "DutyStatement",
    "EffectiveSeriousness",
    "EventAssessment",
    "Exposure",
    "ExposureKind",
    "Filing",
    "FilingReceipt",
    "FreeText",
    "Given",
    "GradeEntry",
    "IcsrNumbers",
    "InvestigatorOpinion",
    "Judged",
    "LawActivated",
    "LawText",
    "Measurement",
    "Moment",
    "Nullification",
    "Obligation",
    "PersonAnswer",
    "Published",
    "Quantity",
    "RehabilitationCourse",
    "Relatedness",
    "ReportForm",
    "RuleCrossed",
    "Says",
    "Seriousness",
    "Signature",
    "Subject",
    "TakenText",
]
