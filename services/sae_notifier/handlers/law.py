"""The law of one installation: rule files, calendars, the library's holidays and the trial, as one set with one hash."""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Literal

import tzdata

from services.sae_notifier import store
from services.sae_notifier.rules import (
    Calendar,
    FileRefused,
    Recipient,
    Rulebook,
    TrialFacts,
    load_calendar,
    read_table,
    table_text,
)
from services.sae_notifier.store import RuleFileRow
from shared import trial as trials
from shared.canonical import canonical, sha256
from shared.case import CaseReport
from shared.db import Tx
from shared.settings import Settings
from shared.trial import Trial
from shared.trial.load import TrialInvalid

FileKind = Literal["rules", "calendar", "holidays", "trial"]
MANIFEST = "law.json"
"""The name under which a set's manifest is kept among the files."""


class LawRefused(Exception):
    """The rule files and the trial do not fit together; the text names every place."""


@dataclass(frozen=True)
class LawFile:
    kind: FileKind
    name: str
    body: str

    @cached_property
    def sha256(self) -> str:
        return sha256(self.body.encode())


@dataclass(frozen=True)
class Law:
    """What duties are judged by. `tzdata` is the version of the time zones it was activated with."""

    files: tuple[LawFile, ...]
    tzdata: str
    trial: Trial
    rulebook: Rulebook
    calendars: Mapping[str, Calendar]

    @cached_property
    def manifest(self) -> str:
        return _manifest(self.files, self.tzdata)

    @cached_property
    def sha256(self) -> str:
        """The hash of the set."""
        return sha256(self.manifest.encode())


@dataclass(frozen=True)
class Active:
    """The law in force, and its place among the activations."""

    number: int
    law: Law


def _manifest(files: Sequence[LawFile], tzdata_version: str) -> str:
    listed = [{"kind": one.kind, "name": one.name, "sha256": one.sha256} for one in files]
    return canonical({"files": listed, "tzdata": tzdata_version}).decode()


def read_law(files: Sequence[LawFile], tzdata_version: str, trial: Trial | None = None) -> Law:
    """Read every file of a set; `trial` saves reading that one again. Raises LawRefused with every place."""
    files = sorted(files, key=lambda one: (one.kind, one.name))
    try:
        if trial is None:
            (trial_file,) = [one for one in files if one.kind == "trial"]
            trial = trials.load(trial_file.body, trial_file.name)
        book = Rulebook.load({one.name: one.body for one in files if one.kind == "rules"})
        tables = {
            country: (table, one.sha256)
            for one in files
            if one.kind == "holidays"
            for country, table in (read_table(one.body),)
        }
        calendars = {}
        for one in (each for each in files if each.kind == "calendar"):
            calendar = load_calendar(one.body, one.name).with_settings(trial.settings)
            table, table_sha256 = tables[calendar.country]
            rests_on = {"holidays": table_sha256, "tzdata": tzdata_version}
            calendars[calendar.calendar_id] = calendar.with_table(table, rests_on)
    except (FileRefused, TrialInvalid) as refused:
        raise LawRefused("\n".join(f"{one.pointer}: {one.detail}" for one in refused.problems)) from refused
    wrong = [one for site in trial.sites for one in book.problems_with(facts_for_site(trial, site.id), calendars)]
    if wrong:
        raise LawRefused("\n".join(dict.fromkeys(wrong)))
    return Law(tuple(files), tzdata_version, trial, book, calendars)


def load_law(settings: Settings, trial: Trial) -> Law:
    """The files as they are configured. Raises LawRefused: a service whose files cannot be read does not start."""
    path = Path(settings.trial)
    files = [LawFile("trial", path.name, path.read_text(encoding="utf-8"))]
    for name in trial.rule_files:
        files.append(LawFile("rules", name, (settings.rules_dir / name).read_text(encoding="utf-8")))
    countries = set()
    for name in trial.calendar_files:
        text = (settings.calendars_dir / name).read_text(encoding="utf-8")
        files.append(LawFile("calendar", name, text))
        try:
            countries.add(load_calendar(text, name).country)
        except FileRefused:
            continue  # told with everything else below
    files += [LawFile("holidays", f"holidays-{name}.json", table_text(name)) for name in sorted(countries)]
    return read_law(files, tzdata.IANA_VERSION, trial)


class Laws:
    """The law in force, read from the database at every use and parsed once; `configured` are this process's own files."""

    def __init__(self, configured: Law) -> None:
        self.configured = configured
        self.seen = configured
        """In force when it was last asked for: good enough for titles, never for a date."""
        self._read = {configured.sha256: configured}

    def active(self, tx: Tx) -> Active:
        """Raises LawRefused when nothing was ever activated, or this version cannot read what was."""
        found = store.active_law(tx)
        if found is None:
            raise LawRefused("no files were ever activated here")
        number, law_sha256 = found
        self.seen = self.read(tx, law_sha256)
        return Active(number, self.seen)

    def read(self, tx: Tx, law_sha256: str) -> Law:
        """Any set that was kept; raises KeyError for an unknown one."""
        law = self._read.get(law_sha256)
        if law is None:
            law = self._read[law_sha256] = stored_law(tx, law_sha256)
        return law

    def waits(self, tx: Tx) -> bool:
        """Whether this process's files are others than those in force."""
        found = store.active_law(tx)
        return found is not None and found[1] != self.configured.sha256


def stored_law(tx: Tx, law_sha256: str) -> Law:
    """A set parsed from the database. Raises KeyError when it is not there, LawRefused when it cannot be read."""
    kept = store.rule_file(tx, law_sha256)
    if kept is None or kept.name != MANIFEST:
        raise KeyError(law_sha256)
    manifest = json.loads(kept.body)
    files = []
    for one in manifest["files"]:
        row = store.rule_file(tx, one["sha256"])
        if row is None or sha256(row.body.encode()) != one["sha256"]:
            raise LawRefused(f"{one['name']}: the stored file {one['sha256'][:12]} is missing or was changed")
        files.append(LawFile(one["kind"], one["name"], row.body))
    return read_law(files, manifest["tzdata"])


def keep_law(tx: Tx, law: Law, now: datetime) -> list[RuleFileRow]:
    """Store every file of a set and its manifest, by hash, with the versions of the libraries; gives the new ones."""
    versions = " ".join(f"{name}={importlib.metadata.version(name)}" for name in ("holidays", "tzdata"))
    whole = [(one.name, one.body, one.sha256) for one in law.files] + [(MANIFEST, law.manifest, law.sha256)]
    rows = [
        RuleFileRow(sha256=digest, name=name, body=body, versions=versions, first_used_at=now)
        for name, body, digest in whole
    ]
    return [row for row in rows if store.keep_rule_file(tx, row)]


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
