"""A trial file that is wrong is refused with file, line, column and remedy; one test per way of being wrong."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.trial_check import check_with_law
from shared.errors import FieldProblem, Refused
from shared.trial import TrialInvalid, check, load

TEXT = (Path(__file__).parents[3] / "deploy" / "trials" / "vinmec-cp-bmmnc.yaml").read_text(encoding="utf-8")


def problems_of(text: str) -> list[str]:
    with pytest.raises(TrialInvalid) as caught:
        load(text, "t.yaml")
    assert isinstance(caught.value, Refused)
    return [problem.detail for problem in caught.value.problems]


def changed(old: str, new: str) -> tuple[str, int]:
    """The file with the first `old` replaced, and the line of the change."""
    assert old in TEXT
    return TEXT.replace(old, new, 1), TEXT[: TEXT.index(old)].count("\n") + 1


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("desk_zone: Asia/Ho_Chi_Minh", "desk_zone: Asia/Hanoi", "unknown time zone"),
        ("desk_zone:", "desk_zones:", "did you mean `desk_zone`?"),
        ("subjects_planned: 58", "subjects_planned: many", "write a whole number"),
        ("subjects_planned: 58", "subjects_planned: 0", "greater than or equal to 1"),
        ("  value: new_technique", "  value: device", "'new_technique' or 'drug'"),
        ("  value: false", "  value: no", "write true or false"),
        ("doubt: D2", "doubt: perhaps", "doubt"),
        ('ctcae_version: "5.0"', 'ctcae_version: "4.03"', "'5.0' or '6.0'"),
        ("kind: lumbar_puncture", "kind: spinal_tap", "'bm_mnc_infusion'"),
        ("last_visit: T18", "last_visit: T19", "there is no visit 'T19'"),
        ("last_visit: T18", "last_visit: T6", "not one of arm B"),
        ("control_until_month: 9", "control_until_month: 8", "make the two agree"),
        ("  max_years: 10", "  max_years: 0", "lies below min_years"),
        ("{number: 2, month: 6,", "{number: 3, month: 6,", "not numbered 1, 2"),
        ("recipients: [necbr, astt, di_adr]", "recipients: [necbr, moh]", "there is no recipient 'moh'"),
        ("report_format: vn_sae_form", "report_format: cioms_2", "'vn_sae_form', 'cioms_i' or 'e2b_r3'"),
        ("  - id: astt", "  - id: necbr", "a second time"),
        ("  - id: vn_authorities", "  - id: iec", "rules could mean either"),
        (
            "  - name: vn_day_0",
            "  - name: vn_regime",
            "a place of its own",
        ),
        ("- person: safety-1", "- person: safety-9", "not among the persons"),
        ("stand_ins: [safety-2]", "stand_ins: [safety-1]", "cannot stand in for themselves"),
        ('starts: "07:00"', 'starts: "7 am"', "write a time"),
        (
            "{kind: mail, address: safety-1@example.org}",
            '{kind: webhook, address: "https://alerts.example.org/safety-1"}',
            "no mail address",
        ),
        ("address: necbr-sae@example.org", "address: by phone", "needs an e-mail"),
        ("effective_to: 2026-06-30", "effective_to: null", "both in force on 2026-07-01"),
        ("effective_to: 2026-06-30", "effective_to: 2020-01-01", "lies before effective_from"),
        ("effective_from: 2024-09-01", "effective_from: last spring", "write a date"),
        ("max_listed_grade: 2", "max_listed_grade: 5", "go together"),
        ('- code: "10047700"', '- code: "10016558"', "listed twice"),
        ('theta: "0.968276"', 'theta: "1.5"', "between 0 and 1"),
        ('theta: "0.968276"', 'theta: "0.95"', "p0, the prior and theta say"),
        ("{events: 6, up_to_n: 24}", "{events: 6, up_to_n: 25}", "says 6 events at 25 children"),
        ("max_n: 58", "max_n: 58000000", "max_n"),
        ('prior_alpha: "0.20"', 'prior_alpha: "1e9"', "between 0.001 and 1000"),
        ("value: arms_with_control", "value: some_arms", "not one of the choices"),
        ('days_per_year: "365.25"', 'days_per_year: "360"', "between 365 and 366"),
        ("small_cell_below: 5", "small_cell_below: 1", "small_cell_below"),
        ("{events: 3, up_to_n: 7}", "{events: 3, up_to_n: 1}", "must rise"),
        ("up_to_n: 58}", "up_to_n: 57}", "must reach max_n"),
        ('"VN-VINMEC-{year}-{seq:06d}"', '"VN-VINMEC-{seq:06d}"', "must hold {year} and {seq}"),
        ('"VN-VINMEC-{year}-{seq:06d}"', '"VN-{year}-{seq:06q}"', "cannot be filled in"),
        ("rule_files: [vn.yaml", "rule_files: [../vn.yaml", "without a folder"),
        ("  id: null", "  id: NCT00000000", "and not both"),
        ("phase: II", "phase: II\nsha256: abc", "own hash"),
        ("phase: II", "phase: II\nphase: III", "a second time"),
        ("phase: II", "phase: [II", "not readable as YAML"),
        ("phase: II", "phase: &p II", None),
        ("phase: II", "phase: !!python/object:os.system II", "tag"),
        ("phase: II", "? [a]\n: b\nphase: II", "plain"),
    ],
)
def test_each_mistake_names_its_place_and_its_remedy(old: str, new: str, says: str | None) -> None:
    text, line = changed(old, new)
    if says is None:
        load(text, "t.yaml")
        return
    details = problems_of(text)
    told = next((one for one in details if says in one), None)
    assert told is not None, details
    match = re.match(r"t\.yaml:(\d+):(\d+): (.+); (.+)$", told, re.DOTALL)
    assert match, told
    # Some mistakes only show where the other half of the contradiction stands; none is further than its own block.
    assert abs(int(match[1]) - line) <= 20 or "both in force" in says or "exposures" in told, told


def test_the_place_is_exact() -> None:
    text, line = changed("desk_zone: Asia/Ho_Chi_Minh", "desk_zone: Asia/Hanoi")
    assert problems_of(text) == [
        f"t.yaml:{line}:12: desk_zone: unknown time zone 'Asia/Hanoi'; use an IANA name such as Asia/Ho_Chi_Minh"
    ]


def test_a_missing_kind_of_exposure_is_named() -> None:
    start = TEXT.index("  - kind: opioid")
    end = TEXT.index("  - kind: antibiotic")
    assert any("nothing is said about opioid" in one for one in problems_of(TEXT[:start] + TEXT[end:]))


def test_an_alias_is_refused_because_a_hash_must_read_the_same_to_everyone() -> None:
    text, _ = changed("phase: II", "phase: &p II\ncase: *p")
    assert any("alias" in one for one in problems_of(text))


def test_an_alias_is_named_where_it_stands_not_where_its_anchor_does() -> None:
    text = TEXT + "later:\n  - &a 1\n  - *a\n"
    assert problems_of(text)[0].startswith(f"t.yaml:{text.count(chr(10))}:5: later.1: an alias")


DEPLOY = Path(__file__).parents[3] / "deploy"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("    value: earliest_of_site_and_desk", "    value: tomorrow", "use one of earliest_of_site_and_desk"),
        ("  - name: vn_culture_day", "  - name: vn_cultur_day", "unknown setting"),
    ],
)
def test_what_the_law_s_files_do_not_know_is_refused_with_its_line(
    tmp_path: Path, old: str, new: str, says: str
) -> None:
    text, line = changed(old, new)
    file = tmp_path / "t.yaml"
    file.write_text(text, encoding="utf-8")
    (problem,) = check_with_law(file, DEPLOY / "rules", DEPLOY / "calendars").problems
    assert problem.detail.startswith(f"{file}:{line}:")
    assert says in problem.detail


def test_a_recipient_that_a_rule_names_and_nobody_is_refused(tmp_path: Path) -> None:
    text, _ = changed("  - id: vn_authorities", "  - id: vn_authority")
    file = tmp_path / "t.yaml"
    file.write_text(text, encoding="utf-8")
    (problem,) = check_with_law(file, DEPLOY / "rules", DEPLOY / "calendars").problems
    assert "`vn_authorities`" in problem.detail
    groups = text[: text.index("\nduty_groups:")].count("\n") + 2
    assert int(problem.detail.removeprefix(f"{file}:").split(":")[0]) in (groups, groups + 1)


def test_a_broken_rule_file_is_named_with_its_line(tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    shutil.copytree(DEPLOY / "rules", rules)
    law = (rules / "vn.yaml").read_text(encoding="utf-8")
    (rules / "vn.yaml").write_text(law.replace("unit: working_days", "unit: fortnights", 1), encoding="utf-8")
    found = check_with_law(DEPLOY / "trials" / "vinmec-cp-bmmnc.yaml", rules, DEPLOY / "calendars").problems
    line = law[: law.index("unit: working_days")].count("\n") + 1
    assert any(one.detail.startswith(f"vn.yaml:{line}:") for one in found)


def test_several_mistakes_are_told_at_once() -> None:
    text = TEXT.replace("subjects_planned: 58", "subjects_planned: x").replace("desk_zone: Asia", "desk_zone: Azia")
    assert len(problems_of(text)) == 2


@pytest.mark.parametrize("text", ["", "- a\n", "null\n", "just words", "\x07", "a: " + "[" * 5000, "--- 1\n--- 2\n"])
def test_what_is_no_trial_at_all_is_refused_in_words(text: str) -> None:
    assert problems_of(text)[0].startswith("t.yaml:")


def test_unreadable_files_are_problems_not_exceptions(tmp_path: Path) -> None:
    assert "cannot be read" in check(tmp_path / "absent.yaml").problems[0].detail
    latin = tmp_path / "latin.yaml"
    latin.write_bytes("sponsor: Vi\xean".encode("latin-1"))
    assert "UTF-8" in check(latin).problems[0].detail


LINES = TEXT.splitlines(keepends=True)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_no_damage_to_the_file_raises_anything_but_a_refusal(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(LINES) - 1))
    kind = data.draw(st.sampled_from(["drop", "double", "indent", "noise"]))
    line = LINES[at]
    noise = data.draw(st.text(max_size=12))
    put = {"drop": "", "double": line * 2, "indent": "  " + line, "noise": line.rstrip("\n") + noise + "\n"}[kind]
    problems: tuple[FieldProblem, ...] = ()
    try:
        load("".join([*LINES[:at], put, *LINES[at + 1 :]]), "t.yaml")
    except TrialInvalid as refusal:
        problems = refusal.problems or (FieldProblem("", "a refusal without a problem"),)
    assert all(re.match(r"t\.yaml:\d+:\d+: ", one.detail) and one.remedy for one in problems)
