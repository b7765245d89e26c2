"""Vietnam's decision table, enumerated: every answer to every criterion, every regime, every country."""

from __future__ import annotations

from itertools import product

import pytest

from shared.case import CRITERIA, Answer, Seriousness
from shared.case.seriousness import of_case
from tests.unit.sae_notifier.rules.cases import VN, duties, event, to, trial, version

ANSWERS: tuple[Answer, ...] = ("yes", "no", "unknown")
COMBINATIONS = list(product(ANSWERS, repeat=len(CRITERIA)))


@pytest.mark.parametrize("regime", ["new_technique", "drug"])
@pytest.mark.parametrize("death", ANSWERS)
def test_every_combination_of_criteria(regime: str, death: Answer) -> None:
    for answers in COMBINATIONS:
        if answers[0] != death:
            continue
        serious = Seriousness.model_validate(dict(zip(CRITERIA, answers, strict=True)))
        case = version(events=[event(serious, admission="none")])
        found = [one for one in duties(case, facts=trial({"vn_regime": regime})) if one.group == "VN-SAE"]
        if "yes" not in answers and "unknown" not in answers:
            assert found == []
            continue
        short = answers[0] != "no" or answers[1] != "no"
        assert {one.rule_id for one in found} == {"VN-SAE-7WD" if short else "VN-SAE-15WD"}
        assert sorted(one.recipient_id for one in found) == sorted(VN)
        assert {one.due_on.isoformat() for one in found} == {"2026-03-18" if short else "2026-03-30"}
        assert of_case(case).serious
        assert of_case(case).fatal_or_life_threatening == short


@pytest.mark.parametrize(
    ("fields", "rule_id"),
    [
        ({"outcome": "fatal"}, "VN-SAE-7WD"),
        ({"grades": [{"grade": 5}]}, "VN-SAE-7WD"),
        ({"grades": [{"grade": 4}]}, None),
        ({"admission": "unplanned"}, "VN-SAE-15WD"),
        ({"admission": "planned"}, None),
        ({"admission": "planned", "admission_prolonged": "yes"}, "VN-SAE-15WD"),
    ],
)
def test_what_makes_an_event_serious_without_a_ticked_criterion(fields: dict[str, object], rule_id: str | None) -> None:
    harmless = Seriousness.model_validate(dict.fromkeys(CRITERIA, "no"))
    found = duties(version(events=[event(harmless, **fields)]))
    assert {one.rule_id for one in to("necbr", found)} == ({rule_id} if rule_id else set())


@pytest.mark.parametrize(("country", "expected"), [("VN", 4), ("NL", 0), (None, 4)])
def test_a_site_abroad_is_not_vietnams_and_an_unknown_site_is(country: str | None, expected: int) -> None:
    found = [one for one in duties(version(), facts=trial(country=country)) if one.group == "VN-SAE"]
    assert len(found) == expected


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"vn_urgent_notice": "on"}, {"necbr", "astt", "iec"}),
        ({"vn_urgent_notice": "on", "vn_regime": "drug"}, set()),
        ({"vn_urgent_notice": "off"}, set()),
        ({"vn_urgent_notice": "perhaps"}, {"necbr", "astt", "iec"}),
    ],
)
def test_the_urgent_notice_depends_on_the_regime_and_on_a_named_doubt(
    settings: dict[str, str], expected: set[str]
) -> None:
    found = [one for one in duties(version(serious=Seriousness()), facts=trial(settings)) if one.group == "VN-URGENT"]
    assert {one.recipient_id for one in found} == expected
    for one in found:
        assert one.due_strict_at == one.due_at
        assert (one.due_at - one.aware_at).total_seconds() == 24 * 3600


def test_a_case_without_an_event_counts_as_the_worst() -> None:
    assert {one.rule_id for one in to("necbr", duties(version(events=[])))} == {"VN-SAE-7WD"}


def test_the_worst_event_decides_and_facts_of_two_events_never_mix() -> None:
    harmless = event(Seriousness.model_validate(dict.fromkeys(CRITERIA, "no")), event_id="e2")
    assert {one.rule_id for one in to("necbr", duties(version(events=[harmless, event()])))} == {"VN-SAE-15WD"}


def test_each_recipient_has_one_duty_of_its_own() -> None:
    found = duties(version())
    assert [one.recipient_id for one in found if one.group == "SP-INV"] == ["sponsor"]
    assert len({one.obligation_id for one in found}) == len(found) == 5
