"""One case against the rules of one group for one recipient: the duty, its generations, what follows a filing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from zoneinfo import ZoneInfo

from services.sae_notifier.rules.awareness import FirstAwareness
from services.sae_notifier.rules.calendar import Calendar
from services.sae_notifier.rules.candidate import Candidate, Place, candidates_of
from services.sae_notifier.rules.causes import awareness_causes, cause, causes_of
from services.sae_notifier.rules.duty import Duty, obligation_id
from services.sae_notifier.rules.ending import WAITS, ending_of
from services.sae_notifier.rules.factors import factors_of
from services.sae_notifier.rules.history import Held, History, Told
from services.sae_notifier.rules.predicate import Truth
from services.sae_notifier.rules.rule import Rule
from services.sae_notifier.rules.rule_file import aware_in
from services.sae_notifier.rules.rulebook import Rulebook
from services.sae_notifier.rules.setting import chosen
from services.sae_notifier.rules.step import Step, steps_of
from services.sae_notifier.rules.trial_facts import Recipient, TrialFacts
from services.sae_notifier.rules.words import Why, Words
from shared.case import DutyCause, Obligation
from shared.errors import Refused

UNRESOLVED = Why(
    "recipient_unresolved",
    "The trial file does not say who this recipient is; somebody must be told all the same. Who is it?",
    "Tệp thử nghiệm không cho biết nơi nhận này là ai; vẫn phải báo cáo. Nơi nhận là ai?",
)
_RANK: dict[Truth, int] = {False: 0, None: 1, True: 2}


def _risen(said: Mapping[str, Truth], told: Mapping[str, int]) -> bool:
    """Whether an event is graver than it was told, or was not told at all. A report without an event told of an unknown one."""
    return any(_RANK[one] > told.get(event_id, told.get("", 0)) for event_id, one in said.items())


class CaseClock:
    """One evaluation: the steps of one case, asked for the duties of one group to one recipient at a time."""

    def __init__(
        self,
        history: History,
        trial: TrialFacts,
        rulebook: Rulebook,
        calendars: Mapping[str, Calendar],
        steps: Sequence[Step],
    ) -> None:
        self.history = history
        self.trial = trial
        self.rulebook = rulebook
        self.calendars = {name: one.with_settings(trial.settings) for name, one in calendars.items()}
        self.steps = tuple(steps)
        self.versions = history.ordered()
        self.first = FirstAwareness(self.versions, history.inherited_aware_at)
        self.before = {one.obligation_id: one for one in history.obligations}

    @cached_property
    def as_said(self) -> tuple[Step, ...]:
        """The steps with every assessment as it stood when it was made, stale by now or not."""
        views = tuple(replace(one, stale=False) for one in self.history.assessments)
        settings = chosen(self.rulebook.settings, self.trial.settings)
        return steps_of(replace(self.history, assessments=views), self.trial, settings)

    def duties(self, group: str, rules: tuple[Rule, ...], recipient: Recipient, resolved: bool) -> list[Duty]:
        """The generations of one duty: the first, and one more for each upgrade after a filing."""
        found: list[Duty] = []
        begin = 0
        told: dict[Rule, dict[str, int]] = {rule: {} for rule in rules}
        eligible = rules
        while True:
            oid = obligation_id(self.versions[0].case_id, group, recipient.recipient_id, len(found) + 1)
            covered = self._covered(oid, begin)
            end = len(self.steps) - 1 if covered is None else covered
            duty = self._duty(
                oid, group, len(found) + 1, eligible, recipient, resolved, begin, end, covered is not None
            )
            if duty is None:
                return found
            found.append(duty)
            if covered is None:
                return found
            for rule in rules:
                for step in self.steps[: end + 1]:
                    for event_id, said in step.reported_of(rule.trigger).items():
                        told[rule][event_id] = max(told[rule].get(event_id, 0), _RANK[said])
            shown = min(rule.urgency for rule in rules if rule.rule_id in {one.rule_id for one in found})
            upgrade = self._upgrade_after(end, rules, told, shown)
            if upgrade is None:
                return found
            begin, eligible = upgrade

    def _covered(self, oid: str, begin: int) -> int | None:
        """The last step the first filing told about; `None` when nothing has been filed."""
        before, told = self.before.get(oid), self.history.told.get(oid)
        at = (before.filed_at or before.received_at) if before else None
        if told is None and at is None:
            return None
        last = begin
        for index, step in enumerate(self.steps):
            of_case = step.aggregate.startswith("case/")
            if told is not None and of_case:
                seen = step.version <= told.first
            else:
                seen = at is not None and step.recorded_at <= at
            if seen:
                last = max(last, index)
        return last

    def _upgrade_after(
        self, end: int, rules: Sequence[Rule], told: Mapping[Rule, Mapping[str, int]], shown: int
    ) -> tuple[int, tuple[Rule, ...]] | None:
        """The first later step at which an event makes a shorter clock run, or states what the filed report only left open."""
        for index in range(end + 1, len(self.steps)):
            step = self.steps[index]
            risen = tuple(
                rule
                for rule in rules
                if rule.follow_up.reopen == "upgrade"
                and rule.urgency <= shown
                and _risen(step.reported_of(rule.trigger), told[rule])
            )
            if risen:
                return index, risen
        return None

    def place(self, rule: Rule, recipient_id: str, zone: str) -> Place:
        """The same for a recipient known by id and zone."""
        return self._place(rule, Recipient(recipient_id, zone))

    def told_to(self, group: str, recipient_id: str) -> tuple[int, ...]:
        """The case versions that were sent to this recipient under this group, and under what its reports begat."""
        return tuple(sorted({version for told in self._tellings(group, recipient_id) for version in told.all}))

    def received_by(self, group: str, recipient_id: str) -> tuple[Held, ...]:
        """The same, of what is known to have arrived."""
        return tuple(held for told in self._tellings(group, recipient_id) for held in told.received)

    def _tellings(self, group: str, recipient_id: str) -> list[Told]:
        mine = {one.rule_id for one in self.rulebook.rules if one.group == group}
        mine |= {one.rule_id for one in self.rulebook.after() if one.after and mine & set(one.after.rules)}
        found = (
            self.history.told.get(one.obligation_id)
            for one in self.history.obligations
            if one.recipient_id == recipient_id and one.rule_id in mine
        )
        return [one for one in found if one is not None]

    def _place(self, rule: Rule, recipient: Recipient) -> Place:
        calendar = self.calendars.get(rule.calendar) if rule.calendar else None
        if calendar is None and rule.deadline.unit == "working_days":
            raise Refused(f"{rule.rule_id} counts working days and there is no calendar {rule.calendar}; add its file")
        zone = recipient.zone if rule.zone == "recipient" else rule.zone
        awareness = aware_in(rule, self.rulebook.settings, dict(self.trial.settings))
        return Place(awareness, self.trial.desk_zone, self.trial.site_zone, zone, calendar)

    def _duty(
        self,
        oid: str,
        group: str,
        generation: int,
        rules: Sequence[Rule],
        recipient: Recipient,
        resolved: bool,
        begin: int,
        end: int,
        covered: bool,
    ) -> Duty | None:
        places = {rule: self._place(rule, recipient) for rule in rules}
        candidates = [
            one for rule in rules for one in candidates_of(rule, self.steps, begin, end, self.first, places[rule])
        ]
        if not candidates:
            return None
        shown = _shown(candidates)
        place = places[shown.rule]
        dues = [one.legal for one in candidates if one.legal and one.counts]
        dues = dues or [one.legal for one in candidates if one.legal]
        strict = min((one.strict for one in candidates if one.strict), key=lambda due: due.due_at, default=None)
        due = min(dues, key=lambda due: due.due_at) if dues else strict
        assert due is not None
        main = shown.legal or shown.strict or due
        due_strict_at = min(strict.due_at, due.due_at) if strict else due.due_at
        causes = causes_of(rules, self.steps, begin, end, candidates, place.zone)
        if begin == 0:
            causes += awareness_causes(self.versions, place.awareness)
        before = self.before.get(oid)
        calendar_sha256 = place.calendar.sha256 if place.calendar and shown.rule.deadline.unit == "working_days" else ""
        if before and _same_reading(before, shown.rule, calendar_sha256) and before.due_strict_at < due_strict_at:
            due_strict_at = before.due_strict_at
            causes.append(cause(self.steps[end], "strict_date_kept", _KEPT))
        state = before.state if before else "open"
        sent = covered and state in ("filed", "received")
        ended = None
        if not sent:
            ended = ending_of(rules, self.steps, candidates, self.versions[-1], self.history.replacement_received)
            if ended:
                causes.append(cause(self.steps[-1], f"ended_{ended.code}", Words(ended.en, ended.vi)))
            elif self.versions[-1].nullified:
                causes.append(cause(self.steps[-1], "nullified_waits_for_replacement", WAITS))
        owed = self._follow_up(oid, end, self.told_to(group, recipient.recipient_id)) if sent else ()
        if owed:
            causes.append(self._owed(owed, shown.rule))
        zone = ZoneInfo(place.zone)
        return Duty(
            obligation_id=oid,
            group=group,
            generation=generation,
            rule_id=shown.rule.rule_id,
            title=shown.rule.title,
            format=shown.rule.format,
            recipient_id=recipient.recipient_id,
            zone=place.zone,
            aware_at=main.aware_at,
            day_0=main.day_0,
            due_at=due.due_at,
            due_on=due.due_on,
            due_strict_at=due_strict_at,
            due_strict_on=due_strict_at.astimezone(zone).date(),
            questions=tuple(dict.fromkeys((*shown.questions, *(() if resolved else (UNRESOLVED,))))),
            causes=tuple(causes),
            ended=ended,
            settled=sent and state == "received",
            follow_up_owed=owed,
            rule_sha256=shown.rule.sha256,
            calendar_sha256=calendar_sha256,
            factors=factors_of(shown.rule, self.steps[end]),
            runs=tuple(candidates),
        )

    def _follow_up(self, oid: str, end: int, sent: tuple[int, ...]) -> tuple[int, ...]:
        """The case versions the recipient does not hold."""
        told = self.history.told.get(oid)
        latest = max((told.latest if told else self.steps[end].case_version, *sent))
        return tuple(one.version for one in self.versions if one.version > latest)

    def _owed(self, owed: tuple[int, ...], rule: Rule) -> DutyCause:
        step = next(step for step in self.steps if step.aggregate.startswith("case/") and step.version == owed[-1])
        which = ", ".join(str(number) for number in owed)
        words = rule.follow_up.words
        return cause(
            step,
            "follow_up_owed",
            Words(
                f"The recipient has not seen version {which} of the case. {words.en}",
                f"Nơi nhận chưa có phiên bản {which} của ca. {words.vi}",
            ),
        )


_KEPT = Words(
    "Later information would give a later strict date; the date already announced is kept.",
    "Thông tin sau cho hạn nghiêm ngặt muộn hơn; hạn đã thông báo được giữ nguyên.",
)


def _shown(candidates: Sequence[Candidate]) -> Candidate:
    """The run that names the duty: the most urgent rule that still counts, its earliest run."""
    counting = [one for one in candidates if one.counts] or list(candidates)
    return min(counting, key=lambda one: (one.rule.urgency, one.begins))


def _same_reading(before: Obligation, rule: Rule, calendar_sha256: str) -> bool:
    """Under the same files the strict date never moves later; a new file is activated by a person and may move it."""
    if before.state == "ended" or before.rule_sha256 != rule.sha256:
        return False
    return before.calendar_sha256 == calendar_sha256
