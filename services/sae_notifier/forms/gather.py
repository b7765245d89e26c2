"""The documents of one child, of one case version, put together for a form; those of another child are refused."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from services.sae_notifier.forms.facts import Facts
from services.sae_notifier.forms.trial import FormTrial
from shared.case import Assessment, Batch, CaseReport, Exposure, Measurement, Obligation, Subject
from shared.errors import FieldProblem, Refused


def gather(
    case: CaseReport,
    history: Sequence[CaseReport],
    *,
    case_sha256: str,
    subject: Subject | None,
    exposures: Sequence[Exposure],
    batches: Sequence[Batch],
    measurements: Sequence[Measurement],
    assessment: Assessment | None,
    obligation: Obligation | None,
    trial: FormTrial,
    last_received: CaseReport | None,
    report_number: int,
    now: datetime,
) -> Facts:
    """What a form of `case` rests on, for the recipient of `obligation` (for every recipient of the trial without one).

    `history` holds the other versions of the case; `report_number` is 0 for the initial report. Raises `Refused`, naming
    the document, when one of them belongs to another child, case or trial.
    """
    versions = [(f"case/{case.case_id}", case.version)]
    if subject:
        versions.append((f"subject/{subject.subject_id}", subject.version))
    versions += [(f"exposure/{one.exposure_id}", one.version) for one in exposures]
    versions += [(f"batch/{one.batch_id}", one.version) for one in batches]
    versions += [(f"measurement/{one.measurement_id}", one.version) for one in measurements]
    facts = Facts(
        case=case,
        history=tuple(one for one in history if one.version <= case.version),
        case_sha256=case_sha256,
        subject=subject,
        versions=tuple(versions),
        exposures=tuple(sorted((one for one in exposures if not one.voided), key=_started)),
        batches=tuple(one for one in batches if not one.voided),
        measurements=tuple(one for one in measurements if not one.voided),
        assessment=assessment,
        obligation=obligation,
        trial=trial,
        last_received=last_received,
        report_number=report_number,
        now=now,
    )
    _same_child(facts, exposures, batches, measurements)
    return facts


def _started(exposure: Exposure) -> tuple[bool, float, str]:
    start = exposure.start
    return start is None, start.earliest().timestamp() if start else 0.0, exposure.exposure_id


def _same_child(
    facts: Facts, exposures: Sequence[Exposure], batches: Sequence[Batch], measurements: Sequence[Measurement]
) -> None:
    """A form that mixed two children would disclose one of them to a reader of the other's."""
    case = facts.case
    cases = {"last_received": facts.last_received, "assessment": facts.assessment, "obligation": facts.obligation}
    cases |= {f"history/{index}": one for index, one in enumerate(facts.history)}
    children: dict[str, Subject | Exposure | Batch | Measurement | None] = {"subject": facts.subject}
    children |= {f"exposures/{index}": one for index, one in enumerate(exposures)}
    children |= {f"batches/{index}": one for index, one in enumerate(batches)}
    children |= {f"measurements/{index}": one for index, one in enumerate(measurements)}
    wrong = [name for name, one in cases.items() if one is not None and one.case_id != case.case_id]
    wrong += [name for name, one in children.items() if one is not None and one.subject_id != case.subject_id]
    problems = [
        FieldProblem(f"/{name}", "belongs to another case or child", "pass only the documents of this case's subject")
        for name in wrong
    ]
    if facts.trial.trial_id != case.trial_id:
        problems.append(FieldProblem("/trial", "is another trial's", "pass the trial named in the case"))
    if facts.report_number < 0:
        problems.append(FieldProblem("/report_number", "is negative", "use 0 for the initial report"))
    if facts.now.utcoffset() is None:
        problems.append(FieldProblem("/now", "has no time zone", "pass an aware UTC instant"))
    if problems:
        raise Refused("the form mixes documents that do not belong together", problems=problems)
