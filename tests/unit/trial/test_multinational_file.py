"""The second shipped trial: made up, and whole enough for every authority's rules and for reports in E2B(R3)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from services.sae_notifier.e2b import Profile, judge, read, write
from services.sae_notifier.handlers.law import part_of
from services.sae_notifier.handlers.registered import sender_of, source_of, study_of
from services.sae_notifier.rules import read_trial_part
from services.trial_check import check_with_law
from shared.errors import Refused
from shared.trial import Trial, TrialInvalid, load
from tests.unit.sae_notifier.e2b.build import CASE, FACTS, NOW, message

DEPLOY = Path(__file__).parents[3] / "deploy"
FILE = DEPLOY / "trials" / "demo-multinational.yaml"
TEXT = FILE.read_text(encoding="utf-8")
FIRST = (DEPLOY / "trials" / "vinmec-cp-bmmnc.yaml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def trial() -> Trial:
    return load(TEXT, FILE.name)


def test_it_fits_its_law_and_says_that_it_is_made_up(trial: Trial) -> None:
    checked = check_with_law(FILE, DEPLOY / "rules", DEPLOY / "calendars")
    assert checked.ok, checked.problems
    assert trial.illustrative
    assert any("ILLUSTRATIVE" in one and one.startswith("study:") for one in checked.notices)
    assert "MADE-UP" in TEXT.splitlines()[0]
    addresses = [one.address for one in trial.recipients] + [one.email for site in trial.sites for one in site.contacts]
    assert not [one for one in addresses if "@" in one and not one.endswith(".invalid")]
    assert not [one for one in addresses if one.startswith("https://") and not one.endswith(".invalid")]


def test_the_plan_and_the_catalogue_are_the_first_trial_s(trial: Trial) -> None:
    first = load(FIRST, "first.yaml")
    for part in ("arms", "visits", "rehabilitation", "age", "safety_window_months", "exposures", "rsi", "dsmb_charter"):
        assert getattr(trial, part) == getattr(first, part), part
    assert first.rule_files == ("vn.yaml", "protocol.yaml"), "the others are switched off there"
    assert set(trial.rule_files) == {*first.rule_files, "us.yaml", "eu.yaml"}
    assert first.flags == {}
    assert (first.study, first.safety_sender) == (None, None)


def test_it_answers_what_the_rules_ask_of_a_trial(trial: Trial) -> None:
    assert trial.flags == {"ind": True, "same_substance_in_eu": False}
    assert trial.countries_with_site == {"VN", "US", "NL"}
    part = part_of(trial)
    assert read_trial_part(part.text()) == part, "kept and read again it is the same law"
    assert [one.id for one in trial.recipients_of("investigators")] == [
        "investigator_vn",
        "investigator_us",
        "investigator_nl",
    ]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('ind_number: "000000"', 'ind_number: "IND 000000"', "ind_number"),
        ("eu_number: 2099-500000-00-00", "eu_number: 2099-50-00", "eu_number"),
        ("  sponsor_number: DEMO-CP-II\n", "", "`sponsor_number:`"),
        ("  e2b_id: DEMO-SPONSOR\n", "", "`e2b_id:`"),
        ("  country: VN\n  telephone", "  country: Vietnam\n  telephone", "country"),
        ("profile: fda-premarket", "profile: fda", "'ich' or 'fda-premarket'"),
        (
            "    e2b: {profile: ich, batch_receiver: EVTEST, receiver: EVTEST}\n",
            "",
            "`e2b` belongs to the report format e2b_r3",
        ),
        ("same_substance_in_eu: false", "same_substance_in_eu: perhaps", "write true or false"),
    ],
)
def test_a_registration_that_is_wrong_is_refused_with_its_line(old: str, new: str, says: str) -> None:
    assert old in TEXT
    with pytest.raises(TrialInvalid) as refused:
        load(TEXT.replace(old, new, 1), "t.yaml")
    line = TEXT[: TEXT.index(old)].count("\n") + 1
    (problem,) = refused.value.problems
    assert says in problem.detail
    assert abs(int(problem.detail.split(":")[1]) - line) <= 12, problem.detail


@pytest.mark.parametrize("key", ["study", "safety_sender"])
def test_a_receiver_of_e2b_needs_sender_and_study(key: str) -> None:
    start = TEXT.index(f"\n{key}:\n") + 1
    end = start + next(
        at for at, char in enumerate(TEXT[start:]) if TEXT[start + at - 1] == "\n" and at and char not in " #"
    )
    with pytest.raises(TrialInvalid) as refused:
        load(TEXT[:start] + TEXT[end:], "t.yaml")
    assert all(f"no `{key}`" in one.detail for one in refused.value.problems)
    assert len(refused.value.problems) == 2, "FDA and EudraVigilance"


def test_reports_made_from_it_break_no_rule_of_their_receivers(trial: Trial) -> None:
    """What the file says of sender and study is enough for both profiles, and is not the sponsor's to fill in later."""
    facts = replace(FACTS, sender=sender_of(trial), study=study_of(trial), source=source_of(trial, "DEMO-NL"))
    assert facts.source.country == "NL"
    for recipient in (one for one in trial.recipients if one.e2b is not None):
        assert recipient.e2b is not None and trial.safety_sender is not None
        profile: Profile = recipient.e2b.profile
        sent = message(
            profile,
            batch_sender=trial.safety_sender.e2b_id,
            sender=trial.safety_sender.e2b_id,
            batch_receiver=recipient.e2b.batch_receiver,
            receiver=recipient.e2b.receiver,
        )
        xml = write(CASE, facts, profile, sent)
        assert [one for one in judge(read(xml), profile, now=NOW) if one.severity == "error"] == []
        assert b"2099-500000-00-00" in xml


def test_a_file_without_them_is_refused_by_name() -> None:
    first = load(FIRST, "first.yaml")
    for ask in (sender_of, study_of):
        with pytest.raises(Refused, match="add it and activate"):
            ask(first)
    assert source_of(first, "VINMEC").country == "VN"


def test_a_case_number_begins_with_the_country_of_its_site(trial: Trial) -> None:
    numbers = [trial.case_number(2026, 7, one.id) for one in trial.sites]
    assert [number[:2] for number in numbers] == [one.country for one in trial.sites]
    assert len({number[:2] for number in numbers}) > 1
    assert trial.case_number(2026, 7) == trial.case_number(2026, 7, "NOWHERE") == numbers[0]
