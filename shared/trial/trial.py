"""One trial as data, whole: what a service asks of it is here, where it was typed is in `shared.trial.load`."""

from __future__ import annotations

import string
from datetime import date, datetime
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field, StrictBool, field_validator

from shared.case.exposure import ExposureKind
from shared.trial.base import Bilingual, FileName, Identifier, InDoubt, Spec, Zone
from shared.trial.catalogue import CatalogueEntry, CausalRole
from shared.trial.charter import DsmbCharter
from shared.trial.plan import AgeRange, Arm, Rehabilitation, Visit
from shared.trial.recipient import DutyGroup, Recipient
from shared.trial.registration import SafetySender, Study
from shared.trial.roster import OnCall, Roster
from shared.trial.rsi import RsiVersion
from shared.trial.site import Site

VnRegime = Literal["new_technique", "drug"]
AlertChannel = Literal["mail", "webhook", "page"]


class RuleSetting(Spec):
    """A choice whose name and values a rule or calendar file defines; without one that file's default holds."""

    name: Identifier
    value: Identifier
    doubt: str = Field(pattern=r"^D\d+$")
    why: Bilingual


class Registry(Spec):
    """The registration; when the number is not known to us it is null and `why_unknown` says why. Never guessed."""

    id: str | None
    why_unknown: Bilingual | None


class Alerts(Spec):
    """Every alert goes out on every channel named here; one that fails is a failure, never "delivered"."""

    channels: tuple[AlertChannel, ...] = Field(min_length=1)


class Trial(Spec):
    """A validated trial file. `sha256` is that of the file's bytes, filled in by the loader."""

    id: Identifier
    title: Bilingual
    phase: str
    design: Literal["open_label", "single_blind", "double_blind"]
    sponsor: Bilingual
    registry: Registry
    study: Study | None = None
    """What reports in E2B(R3) say of the study; without it none can be made."""
    safety_sender: SafetySender | None = None
    """The same of the sender."""
    same_substance_in_eu: StrictBool | None = None
    """Whether the sponsor runs another trial of the same substance in the Union (Regulation 536/2014, 42(1)(b)); null: not answered."""
    desk_zone: Zone
    """The sponsor safety desk's zone: day 0 and the dates of this file are read in it."""
    subjects_planned: int = Field(ge=1)
    age: AgeRange
    arms: tuple[Arm, ...] = Field(min_length=1)
    visits: tuple[Visit, ...]
    rehabilitation: Rehabilitation
    safety_window_months: int = Field(ge=1)
    """Months after a child's first infusion in which the trial's safety question is asked."""
    exposures: tuple[CatalogueEntry, ...]
    sites: tuple[Site, ...] = Field(min_length=1)
    case_number_pattern: str
    roster: Roster
    alerts: Alerts
    recipients: tuple[Recipient, ...] = Field(min_length=1)
    duty_groups: tuple[DutyGroup, ...] = Field(min_length=1)
    vn_regime: InDoubt[VnRegime]
    harvest_counts_as_ip: InDoubt[StrictBool]
    rule_settings: tuple[RuleSetting, ...] = ()
    ctcae_version: Literal["5.0", "6.0"]
    rsi: tuple[RsiVersion, ...] = Field(min_length=1)
    dsmb_charter: DsmbCharter
    rule_files: tuple[FileName, ...] = Field(min_length=1)
    calendar_files: tuple[FileName, ...] = Field(min_length=1)
    sha256: str = ""

    @field_validator("case_number_pattern")
    @classmethod
    def _numbers(cls, pattern: str) -> str:
        try:
            fields = {name for _, name, _, _ in string.Formatter().parse(pattern) if name is not None}
            pattern.format(year=2026, seq=1, country="VN")
        except (ValueError, KeyError, IndexError, AttributeError) as error:
            raise ValueError(f"cannot be filled in ({error}); write it like VN-VINMEC-{{year}}-{{seq:06d}}") from None
        if fields - {"country"} != {"year", "seq"}:
            raise ValueError("must hold {year} and {seq}, and may hold {country}, such as VN-VINMEC-{year}-{seq:06d}")
        return pattern

    @property
    def illustrative(self) -> bool:
        """True when anything a verdict rests on is ours and not the sponsor's; outputs say so, production refuses."""
        return bool(self.illustrative_parts)

    @property
    def illustrative_parts(self) -> tuple[str, ...]:
        """`rsi/…`, `dsmb_charter/…` and `stopping_rule/…` that are marked ILLUSTRATIVE."""
        parts = [f"rsi/{one.version}" for one in self.rsi if one.illustrative]
        if self.dsmb_charter.illustrative:
            parts.append(f"dsmb_charter/{self.dsmb_charter.version}")
        parts += [f"stopping_rule/{one.id}" for one in self.dsmb_charter.stopping_rules if one.illustrative]
        return tuple(parts)

    @property
    def investigational_kinds(self) -> frozenset[ExposureKind]:
        """The product and its administration, with the harvest where D7 was settled that way."""
        return self.kinds("IP", "IP_ADMIN", *(("HARVEST_PROC",) if self.harvest_counts_as_ip.value else ()))

    @property
    def countries_with_site(self) -> frozenset[str]:
        return frozenset(one.country for one in self.sites)

    @property
    def flags(self) -> dict[str, bool]:
        """Yes/no facts of the trial that rules may ask about; what is not known is left out and counts as yes."""
        found: dict[str, bool] = {}
        if self.study is not None and self.study.ind_number is not None:
            found["ind"] = True
        if self.same_substance_in_eu is not None:
            found["same_substance_in_eu"] = self.same_substance_in_eu
        return found

    @property
    def settings(self) -> dict[str, str]:
        """Every doubt's setting as rule files read it: name to value (`true` and `false` for yes and no)."""
        return {
            "vn_regime": self.vn_regime.value,
            "harvest_counts_as_ip": str(self.harvest_counts_as_ip.value).lower(),
            **{one.name: one.value for one in self.rule_settings},
        }

    def kinds(self, *roles: CausalRole) -> frozenset[ExposureKind]:
        """The kinds of exposure that play one of these roles."""
        return frozenset(one.kind for one in self.exposures if one.role in roles)

    def on_call(self, at: datetime) -> tuple[OnCall, ...]:
        """Whom to call at this instant, in order; never empty."""
        return self.roster.on_call(at)

    def case_number(self, year: int, seq: int, site_id: str | None = None) -> str:
        """C.1.1: country of the reporter (the first site's where the site is not known), organisation, running number."""
        site = (self.site(site_id) if site_id else None) or self.sites[0]
        return self.case_number_pattern.format(year=year, seq=seq, country=site.country)

    def catalogue(self, kind: ExposureKind) -> CatalogueEntry:
        """Every kind is in the catalogue: the loader has seen to it."""
        return next(one for one in self.exposures if one.kind == kind)

    def site(self, site_id: str) -> Site | None:
        return next((one for one in self.sites if one.id == site_id), None)

    def site_of(self, subject_id: str) -> Site | None:
        """The site whose prefix begins this code, or None: an unknown code makes a provisional child, never a refusal."""
        return next((one for one in self.sites if subject_id.startswith(f"{one.subject_prefix}-")), None)

    def arm(self, arm_id: str) -> Arm | None:
        return next((one for one in self.arms if one.id == arm_id), None)

    def recipient(self, recipient_id: str) -> Recipient | None:
        return next((one for one in self.recipients if one.id == recipient_id), None)

    def recipients_of(self, group_id: str) -> tuple[Recipient, ...]:
        """The recipients of a duty group in the file's order; empty for a group this trial does not have."""
        named = next((one.recipients for one in self.duty_groups if one.id == group_id), ())
        return tuple(one for recipient_id in named if (one := self.recipient(recipient_id)))

    def recipients_by_name(self) -> dict[str, tuple[Recipient, ...]]:
        """What a rule file's recipient name means here: a recipient's id, or a duty group's."""
        groups = {one.id: self.recipients_of(one.id) for one in self.duty_groups}
        return groups | {one.id: (one,) for one in self.recipients}

    def local_date(self, at: datetime) -> date:
        """The safety desk's date at this (aware) instant."""
        if at.tzinfo is None:
            raise ValueError("local_date needs an aware datetime")
        return at.astimezone(ZoneInfo(self.desk_zone)).date()

    def rsi_at(self, at: datetime) -> RsiVersion | None:
        """The reference safety information in force at this instant, or None when there was none."""
        on = self.local_date(at)
        return next((one for one in self.rsi if one.in_force(on)), None)

    def rsi_between(self, earliest: datetime, latest: datetime) -> tuple[RsiVersion | None, ...]:
        """Every version that may have been in force at an onset known only as an interval; None stands for days without one.

        More than one element means that expectedness must hold against each of them.
        """
        first, last = self.local_date(earliest), self.local_date(latest)
        found = sorted(
            (one for one in self.rsi if one.effective_from <= last and (one.effective_to or last) >= first),
            key=lambda one: one.effective_from,
        )
        covered = sum((min(one.effective_to or last, last) - max(one.effective_from, first)).days + 1 for one in found)
        hole: tuple[RsiVersion | None, ...] = (None,) if covered < (last - first).days + 1 else ()
        return (*found, *hole)
