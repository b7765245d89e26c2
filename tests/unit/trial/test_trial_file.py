"""The shipped trial file: what a service may ask of it, and that it says where it is not the sponsor's."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import get_args

import pytest

from shared.case.exposure import ExposureKind
from shared.trial import Trial, check, load

DEPLOY = Path(__file__).parents[3] / "deploy"
FILE = DEPLOY / "trials" / "vinmec-cp-bmmnc.yaml"


@pytest.fixture(scope="module")
def trial() -> Trial:
    return load(FILE.read_text(encoding="utf-8"), FILE.name)


def test_the_plan_is_the_protocol_s(trial: Trial) -> None:
    planned = {arm.id: [(one.month, one.window_days) for one in arm.infusions] for arm in trial.arms}
    assert planned == {"A": [(0, 21), (6, 21)], "B": [(9, 21), (15, 21)]}
    arm = trial.arm("B")
    assert arm is not None
    assert (arm.control_until_month, arm.last_visit) == (9, "T18")
    assert (trial.subjects_planned, trial.age.min_years, trial.age.max_years) == (58, 1, 10)
    assert (trial.rehabilitation.days_per_course, trial.rehabilitation.courses) == (10, 3)
    assert trial.ctcae_version == "5.0"


def test_every_kind_of_exposure_has_a_role(trial: Trial) -> None:
    assert {trial.catalogue(kind).kind for kind in get_args(ExposureKind)} == set(get_args(ExposureKind))
    assert trial.catalogue("bm_mnc_infusion").role == "IP"
    assert trial.catalogue("lumbar_puncture").role == trial.catalogue("sedation").role == "IP_ADMIN"
    assert trial.catalogue("bone_marrow_harvest").role == "HARVEST_PROC"
    assert trial.catalogue("piracetam").role == "AXMP"
    assert trial.investigational_kinds == {"bm_mnc_infusion", "lumbar_puncture", "sedation", "anaesthetic_agent"}


def test_the_harvest_counts_as_product_only_where_the_doubt_is_settled_so(trial: Trial) -> None:
    settled = trial.model_copy(
        update={"harvest_counts_as_ip": trial.harvest_counts_as_ip.model_copy(update={"value": True})}
    )
    assert "bone_marrow_harvest" in settled.investigational_kinds


def test_agents_are_found_whatever_the_case_and_know_their_route(trial: Trial) -> None:
    relaxants = trial.catalogue("muscle_relaxant")
    assert relaxants.agent(" Baclofen ") is not None
    assert relaxants.agent("aspirin") is None
    assert trial.catalogue("anaesthetic_agent").route_of("sevoflurane") == "inhalation"
    assert trial.catalogue("anaesthetic_agent").route_of("propofol") == "intravenous"
    assert trial.catalogue("antibiotic").route_of(None) == "intravenous"


def test_a_recipient_that_names_no_form_gets_the_vietnamese_one() -> None:
    text = FILE.read_text(encoding="utf-8").replace("    report_format: vn_sae_form\n", "", 1)
    text = text.replace("report_format: vn_sae_form", "report_format: cioms_i", 1)
    assert [one.report_format for one in load(text, FILE.name).recipients[:2]] == ["vn_sae_form", "cioms_i"]


def test_duty_groups_lead_to_recipients(trial: Trial) -> None:
    assert [one.id for one in trial.recipients_of("vn_authorities")] == ["necbr", "astt", "di_adr"]
    assert [one.id for one in trial.recipients_of("sponsor")] == ["sponsor"]
    assert trial.recipients_of("us_authorities") == ()
    assert all(one.name.vi and one.name.en and one.zone == "Asia/Ho_Chi_Minh" for one in trial.recipients)


def test_rule_files_may_name_a_recipient_or_a_group(trial: Trial) -> None:
    named = trial.recipients_by_name()
    assert [one.id for one in named["vn_authorities"]] == ["necbr", "astt", "di_adr"]
    assert [one.id for one in named["iec"]] == ["iec"]
    assert [one.id for one in named["sponsor"]] == ["sponsor"]
    assert trial.settings == {
        "vn_regime": "new_technique",
        "harvest_counts_as_ip": "false",
        "vn_day_0": "earliest_of_site_and_desk",
        "vn_urgent_notice": "on",
        "vn_culture_day": "working",
    }
    assert trial.kinds("IP") == {"bm_mnc_infusion"}
    assert trial.countries_with_site == {"VN"}


def test_no_address_leads_to_a_real_place() -> None:
    text = FILE.read_text(encoding="utf-8")
    assert text.count("@") == text.count("@example.org")
    assert text.count("https://") == text.count("https://alerts.example.org/")


def test_nothing_is_expected_and_everything_ours_is_marked(trial: Trial) -> None:
    assert trial.illustrative
    assert all(version.illustrative for version in trial.rsi)
    assert not any(term.signed for version in trial.rsi for term in version.terms)
    assert trial.registry.id is None
    assert trial.registry.why_unknown is not None


def test_the_reference_safety_information_in_force_changes_at_hanoi_midnight(trial: Trial) -> None:
    before = trial.rsi_at(datetime(2026, 6, 30, 16, 59, 59, tzinfo=UTC))
    after = trial.rsi_at(datetime(2026, 6, 30, 17, 0, tzinfo=UTC))
    assert before is not None
    assert after is not None
    assert (before.version, after.version) == ("illustrative-1", "illustrative-2")
    assert trial.rsi_at(datetime(2024, 8, 31, 16, 59, tzinfo=UTC)) is None
    fever = after.listed("10016558", "bm_mnc_infusion")
    assert fever is not None
    assert (fever.max_listed_grade, fever.fatal_listed) == (2, False)
    assert after.listed("10016558", "piracetam") is None
    assert before.listed("10019211", "lumbar_puncture") is None


def test_a_partial_onset_meets_every_version_it_may_fall_under(trial: Trial) -> None:
    def versions(first: datetime, last: datetime) -> list[str | None]:
        return [one.version if one else None for one in trial.rsi_between(first, last)]

    june = datetime(2026, 6, 1, tzinfo=UTC)
    july = datetime(2026, 7, 31, tzinfo=UTC)
    assert versions(june, june) == ["illustrative-1"]
    assert versions(june, july) == ["illustrative-1", "illustrative-2"]
    assert versions(datetime(2024, 1, 1, tzinfo=UTC), june) == ["illustrative-1", None]
    assert versions(datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 2, 1, tzinfo=UTC)) == [None]


def test_case_numbers_sites_and_dates(trial: Trial) -> None:
    assert trial.case_number(2026, 123) == "VN-VINMEC-2026-000123"
    site = trial.site_of("VN01-007")
    assert site is not None
    assert site.id == "VINMEC"
    assert trial.site_of("VN010-007") is None
    assert trial.site("ELSEWHERE") is None
    assert trial.local_date(datetime(2026, 3, 8, 17, 30, tzinfo=UTC)) == date(2026, 3, 9)


def test_the_stopping_boundary_is_the_one_calibrated(trial: Trial) -> None:
    rule = trial.dsmb_charter.stopping_rules[0]
    assert [rule.stop_at(n) for n in (1, 2, 3, 7, 8, 40, 58)] == [2, 2, 3, 3, 4, 9, 11]
    assert rule.stop_at(59) is None


def test_the_check_passes_and_says_what_a_person_should_know(tmp_path: Path) -> None:
    checked = check(FILE, rules_dir=DEPLOY / "rules", calendars_dir=DEPLOY / "calendars")
    assert checked.problems == ()
    assert checked.ok
    assert checked.trial is not None
    said = "\n".join(checked.notices)
    for word in ("ILLUSTRATIVE", "not expected", "D2", "D6", "D7", "D9", "registry: unknown"):
        assert word in said
    absent = check(FILE, rules_dir=tmp_path, calendars_dir=tmp_path)
    assert not absent.ok
    line = next(n for n, text in enumerate(FILE.read_text(encoding="utf-8").splitlines(), 1) if "rule_files" in text)
    assert absent.problems[0].detail.startswith(f"{FILE}:{line}:")


def test_the_hash_is_that_of_the_bytes(trial: Trial) -> None:
    text = FILE.read_text(encoding="utf-8")
    assert len(trial.sha256) == 64
    assert load(text + "# another comment\n", "x.yaml").sha256 != trial.sha256
