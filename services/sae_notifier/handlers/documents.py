"""Making a form: everything it shows read in one go, typeset outside any transaction, kept; made twice it is one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import cast

from services.sae_notifier import store
from services.sae_notifier.forms import view
from services.sae_notifier.forms.cioms import view as cioms
from services.sae_notifier.forms.cover import cover
from services.sae_notifier.forms.facts import Facts
from services.sae_notifier.forms.form import KINDS, Form, Kind
from services.sae_notifier.forms.gather import gather
from services.sae_notifier.forms.payload import facts_sha256
from services.sae_notifier.forms.render import render
from services.sae_notifier.forms.trial import FormRecipient, FormTrial
from services.sae_notifier.forms.words import Words
from services.sae_notifier.handlers import telling
from services.sae_notifier.handlers.notifier import Notifier
from services.sae_notifier.store import FormRow
from shared.bus import heard, redacted
from shared.canonical import sha256
from shared.case import CaseReport
from shared.db import Tx
from shared.errors import Conflict, FieldProblem, NotFound, Refused
from shared.failpoint import hit
from shared.ids import new_id
from shared.trial import Trial

BUILDERS: dict[Kind, Callable[[Facts], Form]] = {"vn_sae_form": view.build, "cioms_i": cioms.build}


@dataclass(frozen=True)
class Draft:
    """Everything a form needs, read in one go; rendering happens outside any transaction."""

    kind: Kind
    form: Form
    case: CaseReport
    case_sha256: str
    recipient_id: str
    follow_up: int
    facts_sha256: str
    redactions: int = 0
    """How often words about the child had been taken back when it was read."""


def wanted(notifier: Notifier, recipient_id: str) -> Kind | None:
    """The form the recipient wants: the Vietnamese one where the trial names no other, none where it takes no form."""
    recipient = notifier.trial.recipient(recipient_id)
    if recipient is None:
        return KINDS[0]
    return cast(Kind, recipient.report_format) if recipient.report_format in KINDS else None


def asked(notifier: Notifier, recipient_id: str, kind: str | None = None) -> Kind:
    """The form that was asked for, else the one the recipient wants. Raises Refused where it wants none of them."""
    if kind is not None and kind not in KINDS:
        raise Refused("no such form", problems=[FieldProblem("/kind", "no such form", f"use {' or '.join(KINDS)}")])
    found = cast("Kind | None", kind) or wanted(notifier, recipient_id)
    if found is None:
        remedy = f"say which form goes instead, by hand or through the authority's portal: {' or '.join(KINDS)}"
        problem = FieldProblem("/kind", "the recipient wants E2B(R3), and no form by itself", remedy)
        raise Refused("no form is this recipient's own", problems=[problem])
    return found


def draft(
    notifier: Notifier,
    tx: Tx,
    obligation_id: str,
    now: datetime,
    kind: str | None = None,
    case_version: int | None = None,
) -> Draft:
    """Read what the form of this duty shows: the newest case version (or an older one, made again), for this recipient."""
    duty = store.obligation(tx, obligation_id)
    if duty is None:
        raise NotFound("no duty by that id")
    versions = heard.case_versions(tx, duty.case_id)
    versions = [one for one in versions if case_version is None or one.version <= case_version]
    case = versions[-1]
    received_version = store.last_received_version(tx, case.case_id, duty.recipient_id, before=case.version)
    last = next((one for one in versions if one.version == received_version), None)
    told = store.filings(tx, case_id=case.case_id, recipient_id=duty.recipient_id)
    earlier = {one.case_version for one in told if one.state != "failed"}  # what nobody took was no first report
    follow_up = len({one for one in earlier if one < case.version})
    digest = store.case_sha256(tx, case.case_id, case.version)
    assessments = store.assessments(tx, case.case_id)
    known = partial(
        gather,
        case,
        versions[:-1],
        case_sha256=digest,
        subject=heard.subject(tx, case.subject_id),
        exposures=heard.exposures_of_child(tx, case.subject_id),
        batches=heard.batches_of_child(tx, case.subject_id),
        measurements=heard.measurements_of_child(tx, case.subject_id),
        assessment=assessments[-1] if assessments else None,
        trial=form_trial(notifier.trial, case.site_id),
        last_received=last,
        report_number=follow_up,
        now=now,
    )
    # Having been sent is no news about the child: it makes no second document.
    chosen = asked(notifier, duty.recipient_id, kind)
    build = BUILDERS[chosen]
    facts = facts_sha256(build(known(obligation=duty.model_copy(update={"state": "open"}))))
    form = build(known(obligation=duty))
    taken_back = len(redacted.of_child(tx, case.subject_id))
    return Draft(chosen, form, case, digest, duty.recipient_id, follow_up, facts, taken_back)


def made_before(tx: Tx, made: Draft) -> FormRow | None:
    """The document that says the same of the same version to the same recipient, when there is one."""
    case = made.case
    return store.form_saying(tx, made.kind, case.case_id, case.version, made.recipient_id, made.facts_sha256)


def form_trial(trial: Trial, site_id: str | None) -> FormTrial:
    site = trial.site(site_id) if site_id else None
    return FormTrial(
        trial_id=trial.id,
        title=Words(en=trial.title.en, vi=trial.title.vi),
        protocol_code=trial.id,
        sponsor=Words(en=trial.sponsor.en, vi=trial.sponsor.vi),
        principal_investigator=Words(en="Principal investigator of the site", vi="Nghiên cứu viên chính tại cơ sở"),
        site=Words(en=site.name.en, vi=site.name.vi) if site else Words(en="site not known yet", vi="chưa rõ cơ sở"),
        zone=site.zone if site else trial.desk_zone,
        country=site.country if site else "",
        recipients=tuple(
            FormRecipient(one.id, Words(en=one.name.en, vi=one.name.vi), one.zone) for one in trial.recipients
        ),
        illustrative=trial.illustrative,
    )


def typeset(made: Draft) -> tuple[bytes, str, str]:
    """(PDF, subject line, covering text). Takes seconds of CPU: never call it inside a transaction."""
    rendered = render(made.form)
    hit("form.after_render")
    words = cover(made.form, rendered.sha256)
    return rendered.pdf, words.subject, words.body


def keep_form(
    notifier: Notifier, tx: Tx, made: Draft, pdf: bytes, user_id: str, now: datetime, *, again: bool = False
) -> FormRow:
    """Store the document, immutable; made twice it is one. Raises Conflict when the case has moved on since it was drafted
    (unless an older version is made `again`), or when words were taken back."""
    notifier.audit.lock(tx, made.case.subject_id)
    newest = heard.case_versions(tx, made.case.case_id)[-1]
    if newest.version != made.case.version and not again:
        raise Conflict(f"the case is at version {newest.version} now; make the form again")
    if len(redacted.of_child(tx, made.case.subject_id)) != made.redactions:
        raise Conflict("words were taken back meanwhile; make the form again")
    known = made_before(tx, made)
    if known is not None:
        return known
    row = FormRow(
        document_id=new_id(),
        kind=made.kind,
        case_id=made.case.case_id,
        case_number=made.case.case_number,
        case_version=made.case.version,
        case_sha256=made.case_sha256,
        subject_id=made.case.subject_id,
        recipient_id=made.recipient_id,
        follow_up=made.follow_up,
        facts_sha256=made.facts_sha256,
        sha256=sha256(pdf),
        content=pdf,
        made_by=user_id,
        made_at=now,
    )
    store.add_row(tx, row)
    notifier.audit.record(
        tx,
        stream=row.subject_id,
        actor=user_id,
        action="made a form",
        at=now,
        detail={"sha256": row.sha256, "case_version": row.case_version, "kind": row.kind},
        rows=[row, telling.form_made(notifier, tx, row, now)],
    )
    return row
