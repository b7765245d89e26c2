"""What a run saw from outside, by HTTP and in the mail catcher: the whole input of the checker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

AckKind = Literal["case", "amendment", "exposure", "allocation", "confirmation", "filing", "transmission"]


@dataclass(frozen=True)
class Acknowledged:
    """One 2xx answer: the key it was sent under and what the service said it had stored."""

    kind: AckKind
    key: str
    id: str
    """The case, exposure, child (of an allocation), alert or filing."""
    version: int = 1
    case_number: str = ""
    subject_id: str = ""


@dataclass(frozen=True)
class DutyFact:
    """One duty as it stands, or as the rules want it; times as ISO text in UTC."""

    obligation_id: str
    rule_id: str
    recipient_id: str
    due_at: str
    due_strict_at: str
    case_version: int = 0
    """The newest version of the case among its causes (0: none named)."""
    kept: bool = False
    """No rule asks for it any more; it stays until a person ends it."""


@dataclass(frozen=True)
class IntakeCase:
    """One case as ae_intake holds it, and what it calls for by the trial's rules."""

    case_id: str
    case_number: str
    subject_id: str
    version: int
    key: str
    """The marker in its words: which submission made it."""
    alerts: tuple[str, ...] = ()
    """Kinds of alert that its versions call for."""
    duties: tuple[DutyFact, ...] = ()
    filed: bool = False
    """Something was filed: then the duties have moved on and only who is owed is compared."""


@dataclass(frozen=True)
class AlertFact:
    alert_id: str
    case_id: str
    kind: str
    state: str
    message_ids: tuple[str, ...] = ()
    """Of the calls that were made or tried."""


@dataclass(frozen=True)
class NotifierCase:
    """What sae_notifier made of one case. `reached_before`: duties that once stood as they should and no longer do."""

    duties: tuple[DutyFact, ...] = ()
    alerts: tuple[AlertFact, ...] = ()
    reached_before: frozenset[str] = frozenset()


@dataclass(frozen=True)
class AssessmentFact:
    """The assessments of one case: the case version each judged, oldest first, and what the newest one judged."""

    case_versions: tuple[int, ...] = ()
    judged: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class MailFact:
    """One delivery that the mail catcher took."""

    message_id: str
    to: str
    alert_id: str = ""


@dataclass(frozen=True)
class FilingFact:
    filing_id: str
    case_id: str
    case_version: int
    recipient_id: str
    message_id: str
    state: str


@dataclass(frozen=True)
class Transmission:
    """One filing by a recipient's computer. `sha256` is its document's, `duty_state` what became of its duty."""

    filing_id: str
    case_id: str
    case_version: int
    recipient_id: str
    number: str
    sha256: str
    state: str
    acceptance: str = ""
    obligation_id: str = ""
    duty_state: str = ""


@dataclass(frozen=True)
class Booked:
    """One file in an authority's own books; `times` counts deliveries of these very bytes."""

    endpoint: str
    number: str
    created: str
    sha256: str
    times: int = 1


@dataclass(frozen=True)
class GivenAnswer:
    """One answer that an authority gave: about which number, with which code; both empty for garbage."""

    endpoint: str
    name: str
    number: str
    code: str
    sha256: str


@dataclass(frozen=True)
class KeptAnswer:
    """One answer as sae_notifier keeps it."""

    sha256: str
    state: str
    filing_id: str = ""


@dataclass(frozen=True)
class Electronic:
    """Our side and theirs; books and answers in the order of the authority."""

    transmissions: tuple[Transmission, ...] = ()
    books: tuple[Booked, ...] = ()
    given: tuple[GivenAnswer, ...] = ()
    kept: tuple[KeptAnswer, ...] = ()


@dataclass(frozen=True)
class BoardFact:
    """A cut frozen at the end: aggregate -> version in its manifest, and what making its reports once more gave."""

    versions: Mapping[str, int] = field(default_factory=dict)
    again: tuple[str, ...] = ()
    crossings: int = 0
    """How often a stopping rule was crossed."""


@dataclass
class History:
    """`notifier` and `causality` are by case id; a service that did not run is None."""

    acknowledged: list[Acknowledged] = field(default_factory=list)
    cases: dict[str, IntakeCase] = field(default_factory=dict)
    aggregates: dict[str, dict[str, int]] = field(default_factory=dict)
    """Per child: every aggregate that ae_intake holds, with its newest version."""
    notifier: dict[str, NotifierCase] | None = None
    causality: dict[str, AssessmentFact] | None = None
    board: BoardFact | None = None
    caseless: list[AlertFact] = field(default_factory=list)
    """Alerts about no case: a stopping rule was crossed."""
    mails: list[MailFact] = field(default_factory=list)
    filings: list[FilingFact] = field(default_factory=list)
    """By mail."""
    electronic: Electronic | None = None
    """None where nothing electronic ran."""
    allocations_tried: dict[str, int] = field(default_factory=dict)
    """Child -> requests that were sent to record its arm, answered or not."""
    parked: dict[str, int] = field(default_factory=dict)
    breaches: dict[str, list[str]] = field(default_factory=dict)
    undrained: str = ""
    """Why the run cannot be judged; empty when everything came to rest."""
