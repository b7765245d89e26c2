"""Rule and calendar files: what is unknown, missing or contradictory refuses the file and names the line."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.sae_notifier.rules import FileRefused, Rulebook, load_calendar, load_rules
from tests.unit.sae_notifier.rules.cases import CALENDARS, ROOT, RULES, trial

VN = (ROOT / "deploy" / "rules" / "vn.yaml").read_text()
DAYS = (ROOT / "deploy" / "calendars" / "vn.yaml").read_text()


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("trigger: sae_in_vietnam and fatal_lt\n", "trigger: sae_in_vietnam and fatall\n", "unknown fact or predicate"),
        (
            "trigger: sae_in_vietnam and fatal_lt\n",
            "trigger: sae_in_vietnam and fatal_lt ==\n",
            "not a boolean expression",
        ),
        ("trigger: sae_in_vietnam and fatal_lt\n", "trigger: site_country\n", "not a yes/no fact"),
        ("trigger: sae_in_vietnam and fatal_lt\n", "trigger: __import__('os')\n", "not allowed"),
        ("trigger: sae_in_vietnam and fatal_lt\n", "trigger: vn_regime == 'drugs'\n", "never 'drugs'"),
        ("trigger: sae_in_vietnam and fatal_lt\n", "trigger: serious == 'yes'\n", "cannot be compared"),
        ("trigger: sae_in_vietnam and fatal_lt\n", "trigger: true\n", "must be text"),
        ("unit: working_days}", "unit: working_day}", "use one of calendar_days"),
        ("{number: 7,", "{number: -7,", "not negative"),
        ("{number: 7,", "{number: 0,", "greater than 0"),
        ('aware: "setting:vn_day_0"', 'aware: "setting:vn_regime"', "is not a setting over"),
        ('aware: "setting:vn_day_0"', "aware: sponsor", "unknown awareness"),
        ("    format: vn_sae_form\n", "    format: vn_sae_form\n    colour: red\n", "unknown field `colour`"),
        ("    group: VN-SAE\n", "", "`group` is missing"),
        ("[vn_authorities, institutional_ethics]", "[]", "tells nobody"),
        ("effective_to: 2026-02-26", "effective_to: soon", "must be a date"),
        ("effective_to: 2026-02-26", "effective_to: 2026-03-26", "overlaps the entry of line"),
        ("zone: Asia/Ho_Chi_Minh", "zone: Asia/Hanoi", "unknown zone"),
        ("calendar: VN\n", "", "working days need a `calendar`"),
        ("default: new_technique", "default: cosmetic", "use one of new_technique"),
        ("authority: VN\n", "authority: VN\nauthority: VN\n", "not readable as YAML"),
    ],
)
def test_a_broken_rule_file_is_refused_with_its_line(old: str, new: str, says: str) -> None:
    broken = VN.replace(old, new, 1)
    assert broken != VN
    with pytest.raises(FileRefused, match=says.replace("(", r"\(")) as refused:
        load_rules(broken, "vn.yaml")
    (first, *_) = [one for one in refused.value.problems if says in one.detail]
    file, line = first.pointer.split(":")
    assert file == "vn.yaml"
    assert 1 <= int(line) <= broken.count("\n") + 1
    if new and "\n    " not in new and "overlaps" not in says and "authority" not in new:
        assert abs(int(line) - line_of(broken, new)) <= 1


EU = (ROOT / "deploy" / "rules" / "eu.yaml").read_text()


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("rules: [EU-SUSAR-7], occasion: sent", "rules: [EU-SUSAR-9], occasion: sent", "no rule of this file"),
        ("rules: [EU-SUSAR-7], occasion: sent", "rules: [], occasion: sent", "names no rule"),
        ("occasion: sent", "occasion: heard", "use one of sent, news"),
        ("counted_from: report, ", "", "`counted_from` is missing"),
        ("no_later_than: 15", "no_later: 15", "unknown field `no_later`"),
        ("within: [EU-SUSAR-15, EU-FU-15]", "within: [EU-SUSAR-16]", "no report of this file"),
        ("within: [EU-SUSAR-15, EU-FU-15]", "within: [EU-SUSAR-8]", "no report of this file"),
        ("group: EU-SUSAR-FULL", "group: EU-SUSAR", "a group of its own"),
        (
            "    after: {rules: [EU-SUSAR-7], occasion",
            "    trigger: susar\n    after: {rules: [EU-SUSAR-7], occasion",
            "`trigger`",
        ),
    ],
)
def test_a_broken_rule_about_what_follows_is_refused(old: str, new: str, says: str) -> None:
    broken = EU.replace(old, new, 1)
    assert broken != EU
    with pytest.raises(FileRefused, match=says):
        load_rules(broken, "eu.yaml")


def test_all_problems_are_told_at_once() -> None:
    broken = VN.replace("{number: 7,", "{number: 0,").replace("calendar: VN\n", "")
    with pytest.raises(FileRefused) as refused:
        load_rules(broken, "vn.yaml")
    assert len(refused.value.problems) >= 4


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("country: VN", "country: XX", "does not know"),
        ("weekly_rest: [saturday, sunday]", "weekly_rest: [caturday]", "unknown day of the week"),
        ("is: make_up", "is: makeup", "use one of"),
        ('"11-24"', '"24-11"', "not a day of the year"),
        ("setting: vn_culture_day", "setting: vn_culture", "use one of vn_culture_day"),
        ("date: 2026-01-10", "date: 2026-01-02", "already given"),
        ("    source: Notice 12729/VPCP-KGVX of 25 December 2025\n", "", "`source` is missing"),
    ],
)
def test_a_broken_calendar_is_refused(old: str, new: str, says: str) -> None:
    broken = DAYS.replace(old, new, 1)
    assert broken != DAYS
    with pytest.raises(FileRefused, match=says):
        load_calendar(broken, "vn.yaml")


def test_a_week_without_work_is_refused() -> None:
    every = "weekly_rest: [monday, tuesday, wednesday, thursday, friday, saturday, sunday]"
    with pytest.raises(FileRefused, match="never ends"):
        load_calendar(DAYS.replace("weekly_rest: [saturday, sunday]", every), "vn.yaml")


@pytest.mark.parametrize("text", ["", "- a", "a: [", "\t", "!!python/object:os.system {}", "a: &x [*x]"])
def test_what_is_no_rule_file_is_refused(text: str) -> None:
    with pytest.raises(FileRefused):
        load_rules(text, "x.yaml")


def test_one_rule_lives_in_one_file() -> None:
    with pytest.raises(FileRefused, match="already in"):
        Rulebook.load({"a.yaml": VN, "b.yaml": VN})


def test_the_shipped_rules_say_what_the_law_says() -> None:
    numbers = {(one.rule_id, one.deadline.number, one.deadline.unit) for one in RULES.rules}
    assert numbers == {
        ("VN-SAE-7WD", 7, "working_days"),
        ("VN-SAE-15WD", 15, "working_days"),
        ("VN-URGENT", 24, "at_once"),
        ("SP-INV-24H", 24, "hours"),
        ("US-IND-7", 7, "calendar_days"),
        ("US-IND-15", 15, "calendar_days"),
        ("US-IND-7-FULL", 15, "calendar_days"),
        ("US-FU-15", 15, "calendar_days"),
        ("EU-SUSAR-7", 7, "calendar_days"),
        ("EU-SUSAR-15", 15, "calendar_days"),
        ("EU-SUSAR-8", 8, "calendar_days"),
        ("EU-FU-15", 15, "calendar_days"),
    }
    for rule in RULES.rules:
        said = rule.explain()
        assert rule.rule_id in said.en
        assert rule.basis.vi in said.vi
        assert 0 < float(rule.confidence) <= 1
        assert rule.source


def test_a_trial_that_cannot_be_served_is_named() -> None:
    assert RULES.problems_with(trial(), CALENDARS) == ()
    lost = replace(trial({"vn_regime": "both", "typo": "x"}), recipients={}, authorities=frozenset({"VN", "XX"}))
    found = "\n".join(RULES.problems_with(lost, {}))
    for part in ("no rule file for XX", "`vn_authorities`", "no calendar VN", "unknown setting `typo`", "'both'"):
        assert part in found
    assert "`sponsor`" not in found  # the protocol's file is switched off
