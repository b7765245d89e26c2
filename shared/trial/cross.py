"""What no single field can know: that every name refers to something, that nothing stands twice, that dates do not overlap."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import get_args

from shared.case.exposure import ExposureKind
from shared.trial.source import Path
from shared.trial.trial import Trial


@dataclass(frozen=True)
class Found:
    path: Path
    what: str
    remedy: str


def cross_check(trial: Trial) -> Iterator[Found]:
    """Every contradiction between the parts of a trial that is right field by field."""
    yield from _twice(trial)
    yield from _plan(trial)
    yield from _catalogue(trial)
    yield from _recipients(trial)
    yield from _roster(trial)
    yield from _rsi(trial)
    yield from _names(trial)
    yield from _e2b(trial)
    yield from _transports(trial)
    if (trial.registry.id is None) == (trial.registry.why_unknown is None):
        yield Found(("registry",), "needs an id or the reason why it is unknown, and not both", "give one of them")


def _twice(trial: Trial) -> Iterator[Found]:
    named: dict[Path, Iterable[str]] = {
        ("arms",): [one.id for one in trial.arms],
        ("visits",): [one.id for one in trial.visits],
        ("sites",): [one.id for one in trial.sites],
        ("recipients",): [one.id for one in trial.recipients],
        ("duty_groups",): [one.id for one in trial.duty_groups],
        ("exposures",): [one.kind for one in trial.exposures],
        ("rsi",): [one.version for one in trial.rsi],
        ("roster", "persons"): [one.id for one in trial.roster.persons],
        ("alerts", "channels"): trial.alerts.channels,
        ("rule_files",): trial.rule_files,
        ("calendar_files",): trial.calendar_files,
        ("dsmb_charter", "stopping_rules"): [one.id for one in trial.dsmb_charter.stopping_rules],
    }
    for index, entry in enumerate(trial.exposures):
        named["exposures", index, "agents"] = [one.name.casefold() for one in entry.agents]
    for index, group in enumerate(trial.duty_groups):
        named["duty_groups", index, "recipients"] = group.recipients
    for path, names in named.items():
        seen: set[str] = set()
        for index, name in enumerate(names):
            if name in seen:
                yield Found((*path, index), f"{name!r} stands here a second time", "rename or remove one of the two")
            seen.add(name)
    prefixes = [one.subject_prefix for one in trial.sites]
    for index, prefix in enumerate(prefixes):
        if prefix in prefixes[:index]:
            path: Path = ("sites", index, "subject_prefix")
            yield Found(path, f"{prefix!r} already begins another site's codes", "give each site its own prefix")


def _plan(trial: Trial) -> Iterator[Found]:
    arms = {one.id for one in trial.arms}
    visits = {one.id: one for one in trial.visits}
    if trial.age.max_years < trial.age.min_years:
        yield Found(("age", "max_years"), "lies below min_years", "put the larger number here")
    for index, visit in enumerate(trial.visits):
        for place, arm_id in enumerate(visit.arms):
            if arm_id not in arms:
                yield Found(("visits", index, "arms", place), f"there is no arm {arm_id!r}", _one_of(arms))
    for index, arm in enumerate(trial.arms):
        if [one.number for one in arm.infusions] != list(range(1, len(arm.infusions) + 1)):
            yield Found(("arms", index, "infusions"), "are not numbered 1, 2, ...", "number them in order of time")
        months = [one.month for one in arm.infusions]
        if months != sorted(set(months)):
            yield Found(("arms", index, "infusions"), "their months do not rise", "put them in order of time")
        if arm.control_until_month is not None and months and months[0] != arm.control_until_month:
            what = f"the control period ends in month {arm.control_until_month}, the first infusion is in {months[0]}"
            yield Found(("arms", index, "control_until_month"), what, "make the two agree")
        if arm.last_visit is not None and arm.last_visit not in visits:
            path: Path = ("arms", index, "last_visit")
            yield Found(path, f"there is no visit {arm.last_visit!r}", _one_of(visits))
        elif arm.last_visit is not None and arm.id not in visits[arm.last_visit].arms:
            path = ("arms", index, "last_visit")
            yield Found(path, f"visit {arm.last_visit} is not one of arm {arm.id}", "name a visit of this arm")


def _catalogue(trial: Trial) -> Iterator[Found]:
    known = {one.kind for one in trial.exposures}
    missing = [kind for kind in get_args(ExposureKind) if kind not in known]
    if missing:
        yield Found(("exposures",), f"nothing is said about {', '.join(missing)}", "add an entry for each kind")
    if not any(one.role == "IP" for one in trial.exposures):
        yield Found(("exposures",), "no entry has the role IP", "mark the investigational product with role: IP")


def _recipients(trial: Trial) -> Iterator[Found]:
    known = {one.id for one in trial.recipients}
    for index, group in enumerate(trial.duty_groups):
        for place, recipient_id in enumerate(group.recipients):
            if recipient_id not in known:
                path: Path = ("duty_groups", index, "recipients", place)
                yield Found(path, f"there is no recipient {recipient_id!r}", _one_of(known))


def _e2b(trial: Trial) -> Iterator[Found]:
    """A receiver of E2B(R3) messages needs a sender and a study to be told of."""
    for index, one in enumerate(trial.recipients):
        if one.report_format != "e2b_r3":
            continue
        for key, part in (("safety_sender", trial.safety_sender), ("study", trial.study)):
            if part is None:
                path: Path = ("recipients", index, "report_format")
                yield Found(
                    path, f"{one.id} takes e2b_r3, and the file has no `{key}`", f"add `{key}:` at the top level"
                )


def _transports(trial: Trial) -> Iterator[Found]:
    """One endpoint is one way: it cannot be reached by two protocols."""
    kinds: dict[str, str] = {}
    for index, one in enumerate(trial.recipients):
        way = one.transport
        if way is not None and kinds.setdefault(way.endpoint, way.kind) != way.kind:
            path: Path = ("recipients", index, "transport", "kind")
            yield Found(path, f"endpoint {way.endpoint} is reached as {kinds[way.endpoint]} above", "use one kind")


def _names(trial: Trial) -> Iterator[Found]:
    known = {one.id for one in trial.recipients}
    for index, group in enumerate(trial.duty_groups):
        if group.id in known and group.recipients != (group.id,):
            path: Path = ("duty_groups", index, "id")
            yield Found(path, f"{group.id!r} is also a recipient, so rules could mean either", "rename the group")
    own = {"vn_regime", "harvest_counts_as_ip"}
    for index, one in enumerate(trial.rule_settings):
        if one.name in own:
            yield Found(("rule_settings", index), f"{one.name} has a place of its own in this file", "set it there")
        own.add(one.name)


def _roster(trial: Trial) -> Iterator[Found]:
    roster = trial.roster
    known = {one.id for one in roster.persons}
    for index, duty in enumerate(roster.duties):
        if duty.person not in known:
            path: Path = ("roster", "duties", index, "person")
            yield Found(path, f"{duty.person!r} is not among the persons", _one_of(known))
        for place, stand_in in enumerate(duty.stand_ins):
            path = ("roster", "duties", index, "stand_ins", place)
            if stand_in not in known:
                yield Found(path, f"{stand_in!r} is not among the persons", _one_of(known))
            elif stand_in == duty.person:
                yield Found(path, f"{stand_in} cannot stand in for themselves", "name somebody else")
    for index, away in enumerate(roster.away):
        if away.person not in known:
            path = ("roster", "away", index, "person")
            yield Found(path, f"{away.person!r} is not among the persons", _one_of(known))
    for index, person in enumerate(roster.persons):
        kinds = {channel.kind for channel in person.channels}
        for channel in trial.alerts.channels:
            if channel != "page" and channel not in kinds:
                path = ("roster", "persons", index, "channels")
                what = f"{person.id} has no {channel} address, but alerts go out by {channel}"
                yield Found(path, what, f"add a {channel} channel or remove {channel} from alerts.channels")


def _rsi(trial: Trial) -> Iterator[Found]:
    for index, version in enumerate(trial.rsi):
        for other in trial.rsi[:index]:
            starts = max(version.effective_from, other.effective_from)
            if version.in_force(starts) and other.in_force(starts):
                path: Path = ("rsi", index, "effective_from")
                what = f"versions {other.version} and {version.version} are both in force on {starts}"
                yield Found(path, what, "close the older one the day before")
        seen: set[tuple[str, str]] = set()
        for place, term in enumerate(version.terms):
            pairs = {(term.code, kind) for kind in term.listed_for}
            if seen & pairs:
                path = ("rsi", index, "terms", place)
                yield Found(path, f"{term.term} is listed twice for one kind of exposure", "keep one of the two")
            seen |= pairs


def _one_of(names: Iterable[str]) -> str:
    return f"name one of: {', '.join(sorted(names)) or 'none is defined'}"
