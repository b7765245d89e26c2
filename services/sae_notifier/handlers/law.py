"""From the trial file to what the clock engine asks for, and the rule files kept by hash."""

from __future__ import annotations

import importlib.metadata
from datetime import datetime
from pathlib import Path

from services.sae_notifier import store
from services.sae_notifier.rules import Calendar, FileRefused, Recipient, Rulebook, TrialFacts, load_calendar
from services.sae_notifier.store import RuleFileRow
from shared.audit import SERVICE_STREAM, Audit
from shared.canonical import sha256
from shared.case import CaseReport
from shared.db import Tx
from shared.settings import Settings
from shared.trial import Trial


class LawRefused(Exception):
    """The rule files and the trial do not fit together; the text names every place."""


def load_law(settings: Settings, trial: Trial) -> tuple[Rulebook, dict[str, Calendar], list[tuple[str, str]]]:
    """(rules, calendars by country, (name, text) of every file used). Raises LawRefused: a service without law does not start."""
    rules = [(name, (settings.rules_dir / name).read_text(encoding="utf-8")) for name in trial.rule_files]
    holidays = [(name, (settings.calendars_dir / name).read_text(encoding="utf-8")) for name in trial.calendar_files]
    try:
        book = Rulebook.load(dict(rules))
        made = [load_calendar(text, name).with_settings(trial.settings) for name, text in holidays]
        calendars = {one.calendar_id: one for one in made}
    except FileRefused as refused:
        raise LawRefused("\n".join(f"{one.pointer}: {one.detail}" for one in refused.problems)) from refused
    wrong = [one for site in trial.sites for one in book.problems_with(facts_for_site(trial, site.id), calendars)]
    if wrong:
        raise LawRefused("\n".join(dict.fromkeys(wrong)))
    trial_file = (Path(settings.trial).name, Path(settings.trial).read_text(encoding="utf-8"))
    return book, calendars, [*rules, *holidays, trial_file]


def facts_for_site(trial: Trial, site_id: str | None) -> TrialFacts:
    """The trial as the clock sees it from one site; an unknown site leaves the country open, so every rule counts."""
    site = trial.site(site_id) if site_id else None
    recipients = {
        name: tuple(Recipient(one.id, one.zone) for one in found) for name, found in trial.recipients_by_name().items()
    }
    administration = {"IP_ADMIN"} | ({"HARVEST_PROC"} if trial.harvest_counts_as_ip.value else set())
    return TrialFacts(
        trial_id=trial.id,
        site_country=site.country if site else None,
        site_zone=site.zone if site else trial.desk_zone,
        desk_zone=trial.desk_zone,
        recipients=recipients,
        settings=trial.settings,
        countries_with_site=frozenset(one.country for one in trial.sites),
        product_kinds=frozenset(one.kind for one in trial.exposures if one.role == "IP"),
        administration_kinds=frozenset(one.kind for one in trial.exposures if one.role in administration),
    )


def facts_for_case(trial: Trial, case: CaseReport) -> TrialFacts:
    return facts_for_site(trial, case.site_id)


def keep_files(tx: Tx, audit: Audit, files: list[tuple[str, str]], now: datetime) -> None:
    """Store every file used, by hash, with the versions of the libraries it is read with."""
    versions = " ".join(f"{name}={importlib.metadata.version(name)}" for name in ("holidays", "tzdata"))
    audit.lock(tx, SERVICE_STREAM)  # two instances start at once and both find nothing
    new = []
    for name, text in files:
        row = RuleFileRow(sha256=sha256(text.encode()), name=name, body=text, versions=versions, first_used_at=now)
        if store.keep_rule_file(tx, row):
            new.append(row)
    if new:
        audit.record(
            tx, stream=SERVICE_STREAM, actor="system", action="used rule files for the first time", at=now, rows=new
        )
