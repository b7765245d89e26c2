"""What a report begets: the rest of an incomplete one, and what became known after it."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from services.sae_notifier.rules import Duty, Told
from shared.case import CaseReport, Nullification, Obligation, Seriousness
from tests.unit.sae_notifier.rules.cases import DIED, HOSPITALISED, UNANSWERED, moment, stored
from tests.unit.sae_notifier.rules.susar import case, duties, says, sponsor
from tests.unit.sae_notifier.rules.susar import given as exposure

FIRST = case(DIED)


def sent(duty: Duty, at: str = "2026-03-12T10:00", state: str = "filed") -> Obligation:
    return stored(duty, state, at)


def after(
    *cases: CaseReport, at: str = "2026-03-12T10:00", state: str = "filed", versions: tuple[int, ...] = (1,)
) -> dict[tuple[str, str, int], Duty]:
    """The first version was sent to FDA, EudraVigilance and one investigator at that time in Hanoi; then the rest came."""
    first = duties(cases[0])
    reports = [first["US-IND", "fda", 1], first["EU-SUSAR", "ev", 1], first["US-IND", "inv_nl", 1]]
    told = {one.obligation_id: Told(versions[0], versions[-1], versions) for one in reports}
    return duties(*cases, obligations=[sent(one, at, state) for one in reports], told=told)


def test_nothing_follows_a_report_that_was_not_sent() -> None:
    assert not any(group in ("EU-SUSAR-FULL", "US-IND-FULL", "EU-FU", "US-FU") for group, _, _ in duties(FIRST))
    assert after(FIRST)["EU-SUSAR-FULL", "ev", 1].rule_id == "EU-SUSAR-8"


def test_eight_days_run_from_the_report_and_never_past_the_fifteenth_for_the_alarms() -> None:
    early = after(FIRST, at="2026-03-12T10:00")["EU-SUSAR-FULL", "ev", 1]
    assert (str(early.day_0), str(early.due_on), early.zone) == ("2026-03-12", "2026-03-20", "Europe/Amsterdam")
    late = after(FIRST, at="2026-03-16T20:00")["EU-SUSAR-FULL", "ev", 1]
    assert str(late.due_on) == "2026-03-24"
    # Nine in Hanoi on the ninth is in the ninth in Amsterdam too, so the fifteenth day is the 24th; New York is a day before.
    assert str(late.due_strict_on) <= "2026-03-24"
    overdue = after(FIRST, at="2026-03-20T10:00")["EU-SUSAR-FULL", "ev", 1]
    assert (str(overdue.due_on), str(overdue.due_strict_on)) == ("2026-03-28", "2026-03-24")


def test_the_united_states_want_the_whole_within_the_fifteen_days() -> None:
    duty = after(FIRST)["US-IND-FULL", "fda", 1]
    assert (duty.rule_id, str(duty.due_on), str(duty.due_strict_on)) == ("US-IND-7-FULL", "2026-03-24", "2026-03-23")


def test_a_report_of_fifteen_days_is_complete_by_itself() -> None:
    found = after(case(HOSPITALISED))
    assert not any(group.endswith("-FULL") for group, _, _ in found)


def test_what_was_told_since_is_owed_no_more() -> None:
    second = case(DIED, number=2, day="13")
    assert after(FIRST, second)["EU-SUSAR-FULL", "ev", 1].ended is None
    done = after(FIRST, second, versions=(1, 2))
    assert [done[group, "ev", 1].ended is not None for group in ("EU-SUSAR-FULL", "EU-FU")] == [True, True]
    assert done["EU-SUSAR", "ev", 1].follow_up_owed == ()


def test_news_after_the_report_starts_fifteen_days_again() -> None:
    found = after(FIRST, case(DIED, number=2, day="13"))
    for group, who in (("EU-FU", "ev"), ("US-FU", "fda"), ("US-FU", "inv_nl")):
        assert (str(found[group, who, 1].day_0), str(found[group, who, 1].due_on)) == ("2026-03-13", "2026-03-28")
    assert ("US-FU", "inv_us", 1) not in found, "who was told nothing is owed the report, not its follow-up"


def test_the_oldest_news_sets_the_date_until_it_is_told() -> None:
    second, third = case(DIED, number=2, day="13"), case(DIED, number=3, day="16")
    found = after(FIRST, second, third)
    assert [key for key in found if key[:2] == ("EU-FU", "ev")] == [("EU-FU", "ev", 1)]
    assert str(found["EU-FU", "ev", 1].due_on) == "2026-03-28"
    again = after(FIRST, second, third, versions=(1, 2))
    assert again["EU-FU", "ev", 1].ended is not None
    assert str(again["EU-FU", "ev", 2].due_on) == "2026-03-31"


def test_news_that_began_a_report_of_its_own_is_not_owed_twice() -> None:
    found = after(case(HOSPITALISED), case(DIED, number=2, day="13"))
    assert str(found["EU-SUSAR", "ev", 2].due_on) == "2026-03-20"
    assert ("EU-FU", "ev", 1) not in found


def test_news_whose_own_report_ended_is_owed_to_who_holds_the_first() -> None:
    """A death after a report of a stay in hospital, then signed as expected and unrelated: the recipient must still hear of it."""
    first, died = case(HOSPITALISED), case(DIED, says("no"), number=2, day="13")
    reports = [duties(first)[key] for key in (("US-IND", "fda", 1), ("EU-SUSAR", "ev", 1))]
    told = {one.obligation_id: Told(1, 1, (1,)) for one in reports}
    signed = sponsor(1, 2, related="no", expected="yes", at="2026-03-14T09:00")
    found = duties(first, died, obligations=[sent(one) for one in reports], told=told, views=[signed])
    for group, who in (("EU-FU", "ev"), ("US-FU", "fda")):
        assert found[group, who, 1].ended is None
        assert found[group, who, 1].causes[0].version == 2


def test_a_correction_of_what_was_given_takes_nothing_back_from_who_holds_a_report() -> None:
    """The infusion's day is corrected to after the event; two recipients hold a report, and what became known since is theirs."""
    died = case(DIED, number=2, day="13")
    reports = [duties(FIRST)[key] for key in (("US-IND", "fda", 1), ("EU-SUSAR", "ev", 1))]
    told = {one.obligation_id: Told(1, 1, (1,)) for one in reports}
    before = duties(FIRST, died, obligations=[sent(one) for one in reports], told=told)
    later = [exposure(start="2026-03-10", version=2)]
    found = duties(FIRST, died, obligations=[sent(one) for one in reports], told=told, exposures=later)
    begotten = {key for key in before if key[0] in ("EU-FU", "US-FU", "EU-SUSAR-FULL", "US-IND-FULL")}
    assert len(begotten) == 4 and begotten <= set(found)
    for key in begotten:
        assert found[key].ended is None
        assert (found[key].due_at, found[key].due_strict_at) == (before[key].due_at, before[key].due_strict_at)


def test_a_second_death_is_a_report_of_its_own_and_no_mere_news() -> None:
    """Everyone was told of one fatal event within seven days; another of the same case counts from its own news."""
    second = case(DIED, number=2, day="25")
    second = second.model_copy(
        update={"events": (*second.events, second.events[0].model_copy(update={"event_id": "e2"}))}
    )
    first = duties(FIRST)
    reports = [first[key] for key in (("US-IND", "fda", 1), ("EU-SUSAR", "ev", 1), ("VN-SAE", "necbr", 1))]
    told = {one.obligation_id: Told(1, 1, (1,)) for one in reports}
    found = duties(FIRST, second, obligations=[sent(one) for one in reports], told=told)
    assert str(found["EU-SUSAR", "ev", 2].due_on) == "2026-04-01"
    assert str(found["US-IND", "fda", 2].due_on) == "2026-04-01"
    assert str(found["VN-SAE", "necbr", 2].due_on) == "2026-04-03"
    same = duties(FIRST, case(DIED, number=2, day="25"), obligations=[sent(one) for one in reports], told=told)
    assert not any(generation == 2 for group, _, generation in same if group in ("US-IND", "EU-SUSAR", "VN-SAE"))


def test_a_view_given_after_the_report_is_news_and_no_graver_report() -> None:
    """It was sent as suspected and unexpected already, for want of an answer."""
    found = after(FIRST, case(DIED, says("yes"), number=2, day="13"))
    assert ("EU-SUSAR", "ev", 2) not in found
    assert str(found["EU-FU", "ev", 1].due_on) == "2026-03-28"


def test_a_rejection_takes_back_nothing_that_was_begun() -> None:
    begun, rejected = after(FIRST), after(FIRST, state="rejected")
    assert rejected["EU-SUSAR-FULL", "ev", 1].due_at == begun["EU-SUSAR-FULL", "ev", 1].due_at
    assert rejected["EU-SUSAR", "ev", 1].due_at == begun["EU-SUSAR", "ev", 1].due_at


def test_sent_again_later_the_rest_is_not_owed_later() -> None:
    first = after(FIRST)["EU-SUSAR-FULL", "ev", 1]
    report = duties(FIRST)["EU-SUSAR", "ev", 1]
    again = duties(FIRST, obligations=[sent(report, "2026-03-18T10:00"), stored(first)])["EU-SUSAR-FULL", "ev", 1]
    assert (again.due_at, again.due_strict_at) == (first.due_at, first.due_strict_at)


def test_sent_again_later_the_bell_stays_where_it_was() -> None:
    """Two at night in Hanoi is still the day before in Amsterdam: the strict date stands a day before the legal one."""
    first = after(FIRST, at="2026-03-12T02:00")["EU-SUSAR-FULL", "ev", 1]
    assert first.due_strict_at < first.due_at
    report = duties(FIRST)["EU-SUSAR", "ev", 1]
    again = duties(FIRST, obligations=[sent(report, "2026-03-13T10:00"), stored(first)])["EU-SUSAR-FULL", "ev", 1]
    assert (again.due_at, again.due_strict_at) == (first.due_at, first.due_strict_at)


def test_a_void_case_ends_what_completes_and_owes_the_news_of_it() -> None:
    void = case(DIED, number=2, day="13", nullified=Nullification(reason="no such child"))
    found = after(FIRST, void)
    assert found["EU-SUSAR-FULL", "ev", 1].ended is not None
    assert found["EU-FU", "ev", 1].ended is None


def test_news_without_a_time_is_provisional_and_strict_by_its_receipt() -> None:
    late = case(DIED, number=2, day="13", news_known=None)
    duty = after(FIRST, late)["EU-FU", "ev", 1]
    assert duty.provisional_why == ("news_time_missing",)
    assert duty.due_strict_at <= duty.due_at
    told_late = case(DIED, number=2, day="20", news_known=moment("2026-03-13T09:00"))
    assert str(after(FIRST, told_late)["EU-FU", "ev", 1].day_0) == "2026-03-13"


def test_a_replay_makes_the_same_duties() -> None:
    cases = (FIRST, case(DIED, number=2, day="13"))
    once = after(*cases)
    assert after(*cases) == once
    assert all(one.due_strict_at <= one.due_at < datetime(2027, 1, 1, tzinfo=UTC) for one in once.values())


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.sampled_from([DIED, HOSPITALISED, UNANSWERED]), min_size=1, max_size=5),
    st.sets(st.integers(1, 5)),
    st.sampled_from(["filed", "received", "rejected"]),
)
def test_no_news_is_lost_between_two_tellings(told_as: list[Seriousness], sent_too: set[int], state: str) -> None:
    """Whatever was sent when: a version after the last telling is owed to the recipient of the first report."""
    cases = tuple(case(one, number=number, day=f"{8 + number:02}") for number, one in enumerate(told_as, start=1))
    versions = tuple(sorted({1} | {one for one in sent_too if one <= len(cases)}))
    found = after(*cases, at="2026-03-09T12:00", state=state, versions=versions)
    mine = [one for one in found.values() if one.recipient_id == "ev" and one.ended is None]
    for duty in found.values():
        assert duty.due_strict_at <= duty.due_at
    if versions[-1] < len(cases):
        assert any(one.group == "EU-FU" or (one.group == "EU-SUSAR" and one.generation > 1) for one in mine)
    else:
        assert not any(one.group == "EU-FU" for one in mine)
    stored_now = tuple(stored(one, "ended" if one.ended else "open") for one in found.values() if one.group == "EU-FU")
    report = next(one for one in found.values() if one.group == "EU-SUSAR" and one.generation == 1)
    again = duties(
        *cases,
        obligations=(*stored_now, sent(report, "2026-03-09T12:00", state)),
        told={report.obligation_id: Told(versions[0], versions[-1], versions)},
    )
    for key, duty in found.items():
        if duty.group == "EU-FU" and duty.ended is None:
            assert again[key].due_at <= duty.due_at


def turned_fatal(at: str = "2026-03-21T10:00", *, told: tuple[int, ...] = (2,)) -> dict[tuple[str, str, int], Duty]:
    """A stay in hospital known on the ninth, a death known on the nineteenth, one report of both sent at that time."""
    cases = (case(HOSPITALISED), case(DIED, number=2, day="19"))
    reports = [duties(*cases)[key] for key in (("US-IND", "fda", 1), ("EU-SUSAR", "ev", 1))]
    return duties(
        *cases,
        obligations=[sent(one, at) for one in reports],
        told={one.obligation_id: Told(told[0], told[-1], told) for one in reports},
    )


def test_a_death_gives_no_more_time_than_the_fifteen_days_that_stood() -> None:
    """The whole was owed on the twenty-fourth before anybody died; the days of the law alone would end in April or on the 29th."""
    assert str(duties(case(HOSPITALISED))["US-IND", "fda", 1].due_on) == "2026-03-24"
    found = turned_fatal()
    for group, who, rule, stood in (
        ("US-IND-FULL", "fda", "US-IND-7-FULL", "US-IND-15"),
        ("EU-SUSAR-FULL", "ev", "EU-SUSAR-8", "EU-SUSAR-15"),
    ):
        duty = found[group, who, 1]
        assert (duty.rule_id, str(duty.due_on)) == (rule, "2026-03-24")
        assert str(duty.due_strict_on) <= "2026-03-24" and duty.ended is None
        said = next(one for one in duty.causes if one.code == "earlier_date_stood")
        assert stood in said.why_en and stood in said.why_vi and "24/03/2026" in said.why_vi
        assert str(duty.day_0) == "2026-03-09", "day 0 is that of the date that stood"


def test_a_case_fatal_from_the_first_has_the_days_of_its_own_rule() -> None:
    duty = after(FIRST)["US-IND-FULL", "fda", 1]
    assert not any("earlier" in one.code for one in duty.causes)


def test_news_sent_with_the_report_of_a_death_keeps_its_bell() -> None:
    """Told whole on the ninth; news of the thirteenth was due on the 28th, and went out with an incomplete report of a death."""
    cases = (case(HOSPITALISED), case(HOSPITALISED, number=2, day="13"), case(DIED, number=3, day="16"))
    first = duties(cases[0])
    reports = [first[key] for key in (("US-IND", "fda", 1), ("EU-SUSAR", "ev", 1))]
    told = {one.obligation_id: Told(1, 1, (1,)) for one in reports}
    sent_first = [sent(one) for one in reports]
    open_now = duties(*cases, obligations=sent_first, told=told)
    graver = [open_now[key] for key in (("US-IND", "fda", 2), ("EU-SUSAR", "ev", 2))]
    told |= {one.obligation_id: Told(3, 3, (3,)) for one in graver}
    found = duties(*cases, obligations=[*sent_first, *(sent(one, "2026-03-23T10:00") for one in graver)], told=told)
    for news, full, who, rule in (
        ("US-FU", "US-IND-FULL", "fda", "US-FU-15"),
        ("EU-FU", "EU-SUSAR-FULL", "ev", "EU-FU-15"),
    ):
        assert found[news, who, 1].ended is not None
        assert found[full, who, 2].due_strict_at == open_now[news, who, 1].due_strict_at
        assert str(found[full, who, 2].due_on) == "2026-03-31", "in law a death is news of its own day"
        assert any(one.code == "earlier_strict_date_stood" and rule in one.why_en for one in found[full, who, 2].causes)


class Desk:
    """One recipient told by a careful person: what is owed first is sent first, and what completes a report stays open."""

    def __init__(self, who: str, groups: tuple[str, str, str]) -> None:
        self.who, (self.report, self.news, self.full) = who, groups
        self.cases: list[CaseReport] = []
        self.told: dict[str, Told] = {}
        self.filed: dict[str, str] = {}
        self.known: dict[str, Obligation] = {}

    def look(self) -> dict[tuple[str, str, int], Duty]:
        kept: tuple[Obligation, ...] = tuple(self.known.values())
        found = {
            key: one
            for key, one in duties(*self.cases, obligations=kept, told=self.told).items()
            if one.recipient_id == self.who
        }
        for one in found.values():
            at = self.filed.get(one.obligation_id)
            state = "filed" if at else "ended" if one.ended else "open"
            self.known[one.obligation_id] = stored(one, state, at)
        return found

    def send(self, at: str) -> datetime | None:
        """Tell the newest version under what is owed; gives the strict date by which the whole of it was owed."""
        found = self.look()
        owed = [
            one
            for one in found.values()
            if one.ended is None and one.obligation_id not in self.filed and one.group in (self.report, self.news)
        ]
        if not owed:
            return None
        duty = min(owed, key=lambda one: (one.group != self.report, one.due_strict_at))
        standing = [
            one.due_strict_at
            for one in found.values()
            if one.ended is None and one.obligation_id not in self.filed and one.group in (self.news, self.full)
        ]
        version = self.cases[-1].version
        self.told[duty.obligation_id] = Told(version, version, (version,))
        self.filed[duty.obligation_id] = at
        self.look()
        whole = self.look().get((self.full, self.who, duty.generation)) if duty.rule_id.endswith("-7") else None
        if whole is not None:  # an incomplete report takes over what stood
            assert all(whole.due_strict_at <= one for one in standing)
        return (whole or duty).due_strict_at


@settings(deadline=None, max_examples=80)
@given(
    st.lists(
        st.tuples(st.integers(1, 4), st.sampled_from([DIED, HOSPITALISED, UNANSWERED]), st.booleans()), max_size=5
    ),
    st.sampled_from([DIED, HOSPITALISED, UNANSWERED]),
    st.sampled_from([("fda", ("US-IND", "US-FU", "US-IND-FULL")), ("ev", ("EU-SUSAR", "EU-FU", "EU-SUSAR-FULL"))]),
)
def test_graver_news_never_moves_the_date_of_the_whole(
    story: list[tuple[int, Seriousness, bool]], first: Seriousness, desk: tuple[str, tuple[str, str, str]]
) -> None:
    """The same days and the same sendings, once as told and once with every version a stay in hospital and nothing more."""
    mild, grave = Desk(*desk), Desk(*desk)
    mild.cases.append(case(HOSPITALISED))
    grave.cases.append(case(first))
    day = 9
    for number, (days, serious, send) in enumerate([*story, (1, HOSPITALISED, True)], start=2):
        day += days
        for one, told_as in ((mild, HOSPITALISED), (grave, serious)):
            before = one.look()
            one.cases.append(case(told_as, number=number, day=f"{day:02}"))
            after_it = one.look()
            for key, duty in before.items():
                if duty.ended is None and duty.obligation_id not in one.filed and after_it[key].ended is None:
                    assert after_it[key].due_strict_at <= duty.due_strict_at
                    # An assumption that a clinician answers lets go of the legal date; what was stated never does.
                    assert after_it[key].due_at <= duty.due_at or told_as == HOSPITALISED
        if send:
            at = f"2026-03-{day:02}T20:00"
            by_then, whole = mild.send(at), grave.send(at)
            if by_then is not None and whole is not None:
                assert whole <= by_then
