"""The story moved to now: nothing in the future, its order kept, the distances up to the report kept exactly."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examples import replay
from services.ae_intake.commands import RecordBatch, RecordExposure, RecordMeasurement, RecordSubject, SubmitCase
from services.demo.night import AWARE_BEFORE, LAST_STEP, STORY, free_child, instant, night
from shared.case.moment import Moment

MODELS = {
    "/api/v1/subjects": RecordSubject,
    "/api/v1/exposures": RecordExposure,
    "/api/v1/batches": RecordBatch,
    "/api/v1/measurements": RecordMeasurement,
    "/api/v1/cases": SubmitCase,
}
NOWS = st.datetimes(datetime(2024, 1, 1), datetime(2030, 12, 31), timezones=st.just(UTC))


def moments(value: Any) -> Iterator[dict[str, str]]:
    """Every moment, in the order in which it stands."""
    if isinstance(value, list):
        for one in value:
            yield from moments(one)
    elif isinstance(value, dict):
        if value.keys() == {"value", "zone"}:
            yield value
        else:
            for one in value.values():
                yield from moments(one)


def told_to_the_minute(steps: tuple[replay.Step, ...]) -> list[datetime]:
    found = [one for step in steps for request in step.requests for one in moments(request.body)]
    return [instant(one) for one in found if len(one["value"]) >= 16]


@settings(deadline=None, max_examples=40)
@given(NOWS)
def test_nothing_lies_in_the_future_and_the_site_knew_a_little_while_ago(now: datetime) -> None:
    steps = night("VN01-055", now)
    for step in steps:
        for request in step.requests:
            for one in moments(request.body):
                assert not Moment(**one).is_future(now), (request.key, one)
    aware = instant(steps[1].requests[0].body["site_aware"])
    assert AWARE_BEFORE <= now - aware < AWARE_BEFORE + timedelta(minutes=1)


@settings(deadline=None, max_examples=40)
@given(NOWS)
def test_what_came_first_still_comes_first(now: datetime) -> None:
    before = told_to_the_minute(tuple(step for step in replay.story(STORY) if step.number <= LAST_STEP))
    after = told_to_the_minute(night("VN01-041", now))
    assert len(before) == len(after) > 30
    for (one, other), (moved_one, moved_other) in zip(pairwise(before), pairwise(after), strict=True):
        assert (one <= other) == (moved_one <= moved_other) or one == other or moved_one == moved_other


@settings(deadline=None, max_examples=40)
@given(NOWS)
def test_the_infusion_ended_fourteen_hours_before_the_fever(now: datetime) -> None:
    steps = night("VN01-041", now)
    infusion = next(one.body for one in steps[0].requests if one.body.get("kind") == "bm_mnc_infusion")
    onset = instant(steps[1].requests[0].body["events"][0]["onset"])
    assert onset - instant(infusion["end"]) == timedelta(hours=14)


def test_another_child_is_another_child_everywhere_and_the_server_can_read_it() -> None:
    ids: dict[str, str] = {}
    for step in night("VN01-077", datetime(2026, 11, 23, 5, tzinfo=UTC)):
        for request in step.requests:
            ready = request.resolved(ids)
            assert "VN01-041" not in f"{ready.path} {ready.body}"
            if ready.method == "POST":
                MODELS[ready.path].model_validate(ready.body)
                ids[request.key] = ready.body.get("batch_id", "id")
            ids |= {f"{request.key}#{index}": "id" for index in range(len(request.body.get("events", ())))}


@pytest.mark.parametrize(
    ("taken", "child"), [((), "VN01-041"), (("VN01-041", "VN01-042"), "VN01-043"), (("VN01-040",), "VN01-041")]
)
def test_a_story_told_again_is_about_the_next_child(taken: tuple[str, ...], child: str) -> None:
    assert free_child(set(taken)) == child
