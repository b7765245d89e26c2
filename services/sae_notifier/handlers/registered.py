"""From the trial file to what a report in E2B(R3) says of sender, site and study. Raises Refused where the file does not say."""

from __future__ import annotations

from services.sae_notifier.e2b import Registration, Sender, Source, Study
from shared.errors import Refused
from shared.trial import Trial


def sender_of(trial: Trial) -> Sender:
    """C.3."""
    if trial.safety_sender is None:
        raise Refused(
            "the trial file has no `safety_sender`, so no report in E2B(R3) can be made; add it and activate the file"
        )
    return Sender(**trial.safety_sender.model_dump(exclude={"e2b_id"}))


def study_of(trial: Trial) -> Study:
    """C.5. A number that is not known stays empty and is the receiver's rules to judge."""
    study = trial.study
    if study is None:
        raise Refused(
            "the trial file has no `study`, so no report in E2B(R3) can be made; add it and activate the file"
        )
    return Study(
        name=study.name,
        sponsor_number=study.sponsor_number,
        registrations=tuple(Registration(one.number, one.country) for one in study.all_registrations),
        condition=study.condition,
        ind_number=study.ind_number or "",
    )


def source_of(trial: Trial, site_id: str | None) -> Source:
    """C.2: the site; of an unknown one only that it is of the sender's country."""
    site = trial.site(site_id) if site_id else None
    if site is not None:
        return Source(country=site.country, organisation=site.name.en)
    return Source(country=trial.safety_sender.country if trial.safety_sender else "")
