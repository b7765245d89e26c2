"""The example data: the published counts, payloads the intake reads, a story that can be moved to tonight."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from examples import replay
from examples.make_cohort import cohort
from services.ae_intake.commands import (
    AmendCase,
    RecordAllocation,
    RecordBatch,
    RecordExposure,
    RecordMeasurement,
    RecordSubject,
    SubmitCase,
)
from shared.case import CRITERIA, Exposure, Subject
from shared.case.periods import period_at, periods
from shared.trial import findings, load

ROOT = Path(__file__).parents[3]
COHORT, MENINGITIS = ROOT / "examples" / "cohort", ROOT / "examples" / "meningitis"
FILE = ROOT / "deploy" / "trials" / "vinmec-cp-bmmnc.yaml"
TRIAL = load(FILE.read_text(encoding="utf-8"), FILE.name)
MODELS = {
    "/api/v1/subjects": RecordSubject,
    "/api/v1/exposures": RecordExposure,
    "/api/v1/allocations": RecordAllocation,
    "/api/v1/batches": RecordBatch,
    "/api/v1/measurements": RecordMeasurement,
    "/api/v1/cases": SubmitCase,
}
NOW = datetime(2026, 11, 23, tzinfo=UTC)


class AnyId(dict[str, str]):
    """What a server would have answered: some id for whatever was sent before; an unknown key fails."""

    def sent(self, request: replay.Request) -> None:
        self[request.key] = f"id-{len(self)}"
        for index in range(len(request.body.get("events", ()))):
            self[f"{request.key}#{index}"] = f"id-{len(self)}"


def bodies(name: str) -> list[dict[str, Any]]:
    return [one["body"] for one in json.loads((COHORT / f"{name}.json").read_text(encoding="utf-8"))]


def test_the_generator_gives_the_committed_bytes() -> None:
    for name, text in cohort().items():
        assert (COHORT / name).read_text(encoding="utf-8") == text, f"{name}: run python examples/make_cohort.py"


def test_the_counts_are_the_published_ones() -> None:
    assert len(bodies("subjects")) == 40
    events = [(case["subject_id"], event) for case in bodies("cases") for event in case["events"]]
    with_term = {
        code: {child for child, event in events if event["term_code"] == code} for code in ("10016558", "10047700")
    }
    assert {code: len(children) for code, children in with_term.items()} == {"10016558": 12, "10047700": 9}
    assert all(entry["grade"] <= 2 for _, event in events for entry in event["grades"])
    assert all(event["seriousness"] == dict.fromkeys(CRITERIA, "no") for _, event in events)


def test_a_fever_has_the_temperature_of_its_grade_and_nobody_else_has_one() -> None:
    peaks: dict[str, float] = {}
    for one in bodies("measurements"):
        if one["test"] == "body_temperature":
            peaks[one["subject_id"]] = max(float(one["value"]), peaks.get(one["subject_id"], 0.0))
    grades = {
        case["subject_id"]: event["grades"][0]["grade"]
        for case in bodies("cases")
        for event in case["events"]
        if event["term_code"] == "10016558"
    }
    for child, peak in peaks.items():
        assert (0 if peak < 38.0 else 1 if peak <= 39.0 else 2) == grades.get(child, 0), child


def test_every_laboratory_value_has_its_unit_and_lies_within_its_limits() -> None:
    for one in bodies("measurements"):
        assert one["unit"]
        if one["test"] != "body_temperature":
            assert float(one["lower_limit"] or 0) <= float(one["value"]) <= float(one["upper_limit"])


def test_every_payload_of_the_cohort_is_one_the_intake_reads_and_refers_to_what_came_before() -> None:
    ids = AnyId()
    for request in replay.cohort(COHORT):
        ready = request.resolved(ids)
        MODELS[ready.path].model_validate(ready.body)
        assert request.key not in ids
        ids.sent(request)
    assert len(ids) > 1000


def test_the_cohort_keeps_to_the_plan_and_its_events_follow_an_infusion() -> None:
    stamp: dict[str, Any] = {"version": 1, "trial_id": TRIAL.id, "recorded_at": NOW}
    subjects = {one["subject_id"]: Subject(**one, **stamp) for one in bodies("subjects")}
    arms = {one["subject_id"]: one["arm"] for one in bodies("allocations")}
    given: dict[str, list[Exposure]] = {child: [] for child in subjects}
    for index, one in enumerate(bodies("exposures")):
        given[one["subject_id"]].append(Exposure(exposure_id=str(index), **one, **stamp))
        assert one.get("name") is None or TRIAL.catalogue(one["kind"]).agent(one["name"]) is not None
    for child, subject in subjects.items():
        assert findings(TRIAL, subject, given[child]) == ()
        arm = TRIAL.arm(arms[child])
        assert arm is not None and subject.enrolled is not None
        first = min(one.start.value for one in given[child] if one.kind == "bm_mnc_infusion" and one.start)
        begun, enrolled = (int(at[:4]) * 12 + int(at[5:7]) for at in (first, subject.enrolled.value))
        assert abs(begun - enrolled - arm.infusions[0].month) <= 1, "a child is infused by the calendar of its arm"
    for case in bodies("cases"):
        for event in SubmitCase.model_validate(replay.resolve(case, AnyIdForAll())).events:
            found = period_at(periods(subjects[case["subject_id"]], given[case["subject_id"]]), event.onset)
            assert found["first_9_months"] == "yes"


class AnyIdForAll(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "id"


def test_the_story_can_be_sent_in_order() -> None:
    ids = AnyId()
    steps = replay.story(MENINGITIS)
    assert [step.number for step in steps] == list(range(6))
    for request in (one for step in steps for one in step.requests):
        ready = request.resolved(ids)
        assert "{" not in ready.path
        if ready.method == "POST":
            MODELS[ready.path].model_validate(ready.body)
            ids.sent(request)
        else:
            assert request.if_match in ids
        if ready.method == "PATCH" and "/cases/" in ready.path:
            AmendCase.model_validate(ready.body)


def test_the_first_report_has_six_fields_and_comes_fourteen_hours_after_the_infusion() -> None:
    steps = replay.story(MENINGITIS)
    report = steps[1].requests[0].body
    assert set(report) == {"subject_id", "reporter_role", "events", "given", "site_aware", "source"}
    assert set(report["events"][0]) == {"verbatim", "onset", "seriousness"}
    infusion = next(one.body for one in steps[0].requests if one.body.get("kind") == "bm_mnc_infusion")
    onset = datetime.fromisoformat(report["events"][0]["onset"]["value"])
    assert onset - datetime.fromisoformat(infusion["end"]["value"]) == timedelta(hours=14)


def test_the_story_moves_to_just_before_now_and_keeps_its_hours() -> None:
    steps = replay.story(MENINGITIS)
    now = datetime(2027, 3, 2, 1, 30, tzinfo=UTC)
    later = [step.moved(replay.days_until(steps, now)) for step in steps]
    assert replay.days_until(tuple(later), now) == 0
    aware = later[1].requests[0].body["site_aware"]
    assert aware["value"].endswith("T02:20")
    assert later[0].requests[0].body["birth"] == {"value": "2022-07", "zone": "Asia/Ho_Chi_Minh"}
    assert later[1].requests[0].body["events"][0]["verbatim"] == steps[1].requests[0].body["events"][0]["verbatim"]


def test_a_reference_to_what_was_never_sent_is_noticed() -> None:
    with pytest.raises(KeyError):
        replay.resolve({"exposure_key": "never"}, {})


def test_children_are_codes_only() -> None:
    for path in (*COHORT.glob("*.json"), *MENINGITIS.glob("*.json")):
        text = path.read_text(encoding="utf-8")
        assert set(re.findall(r'"subject_id": "([^"]*)"', text)) <= {f"VN01-{n:03d}" for n in range(1, 42)}
        assert "@" not in text
