"""The law of one installation: rule files, calendars, the library's holidays and what of the trial decides duties, as one set."""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Literal

import tzdata

from services.sae_notifier import store
from services.sae_notifier.rules import (
    Calendar,
    FileRefused,
    Recipient,
    Rulebook,
    SitePart,
    TrialPart,
    load_calendar,
    read_table,
    read_trial_part,
    table_text,
)
from services.sae_notifier.store import RuleFileRow
from shared.canonical import canonical, sha256
from shared.db import Tx
from shared.settings import Settings
from shared.trial import Trial

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
    trial: TrialPart
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


def read_law(files: Sequence[LawFile], tzdata_version: str) -> Law:
    """Read every file of a set. Raises LawRefused with every place."""
    files = sorted(files, key=lambda one: (one.kind, one.name))
    (trial,) = [read_trial_part(one.body) for one in files if one.kind == "trial"]
    try:
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
    except FileRefused as refused:
        raise LawRefused("\n".join(f"{one.pointer}: {one.detail}" for one in refused.problems)) from refused
    wrong = [one for site in trial.sites for one in book.problems_with(trial.facts(site), calendars)]
    if wrong:
        raise LawRefused("\n".join(dict.fromkeys(wrong)))
    return Law(tuple(files), tzdata_version, trial, book, calendars)


def load_law(settings: Settings, trial: Trial) -> Law:
    """The files as they are configured. Raises LawRefused: a service whose files cannot be read does not start."""
    files = [LawFile("trial", f"{trial.id}.json", part_of(trial).text())]
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
    return read_law(files, tzdata.IANA_VERSION)


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


def libraries() -> str:
    """The versions of the libraries this process reads files with."""
    return " ".join(f"{name}={importlib.metadata.version(name)}" for name in ("holidays", "tzdata"))


def keep_law(tx: Tx, law: Law, now: datetime, trial_file: tuple[str, str] | None = None) -> list[RuleFileRow]:
    """Store every file of a set and its manifest, by hash, with the versions of the libraries; gives the new ones.

    `trial_file` is the name and text of the file that the set's part of the trial was taken from.
    """
    versions = libraries()
    whole = [(one.name, one.body, one.sha256) for one in law.files] + [(MANIFEST, law.manifest, law.sha256)]
    if trial_file is not None:
        name, text = trial_file
        whole.append((name, text, sha256(text.encode())))
    rows = [
        RuleFileRow(sha256=digest, name=name, body=body, versions=versions, first_used_at=now)
        for name, body, digest in whole
    ]
    return [row for row in rows if store.keep_rule_file(tx, row)]


def part_of(trial: Trial) -> TrialPart:
    """What of the trial file decides duties."""
    administration = {"IP_ADMIN"} | ({"HARVEST_PROC"} if trial.harvest_counts_as_ip.value else set())
    return TrialPart(
        trial_id=trial.id,
        desk_zone=trial.desk_zone,
        sites={one.id: SitePart(one.country, one.zone) for one in trial.sites},
        recipients={
            name: tuple(Recipient(one.id, one.zone) for one in found)
            for name, found in trial.recipients_by_name().items()
        },
        settings=trial.settings,
        product_kinds=frozenset(one.kind for one in trial.exposures if one.role == "IP"),
        administration_kinds=frozenset(one.kind for one in trial.exposures if one.role in administration),
        flags=trial.flags,
    )
