"""The board's tables for many events, beside polars alone counting the same rows: what our rules cost above bare group-bys."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import UTC, date, datetime

import polars as pl

from bench.results import Results
from bench.stage import ROOT
from services.dsmb.domain import Dataset, Plan
from services.dsmb.domain.dataset import EVENTS, LEFT_OUT, SUBJECTS, TIMES, Columns
from services.dsmb.tables import closed_tables, open_tables
from services.dsmb.tables.frames import Frames
from shared import trial as trials

TRIAL_FILE = ROOT / "deploy/trials/vinmec-cp-bmmnc.yaml"
ROUNDS = 5
CUT = datetime(2027, 6, 30, tzinfo=UTC)
TERMS = 120


def measure(results: Results, *, events: int) -> None:
    """The best of some rounds each, in this process; rows are ready before the clock starts."""
    plan = Plan.of(trials.load(TRIAL_FILE.read_text(encoding="utf-8"), TRIAL_FILE.name))
    data = rows(events)
    frames = Frames.of(data)
    ours = best(lambda: closed_tables(data, plan, []))
    pooled = best(lambda: open_tables(data, plan))
    bare = best(lambda: group_bys(frames))
    results.note(f"dsmb: closed tables of {events:,} events, ms", ours * 1000)
    results.note(f"dsmb: open tables of {events:,} events, ms", pooled * 1000)
    results.note("dsmb: bare polars group-bys of the same rows, ms", bare * 1000)
    results.note("dsmb: closed tables, times bare polars", ours / bare)


def best(work: Callable[[], object]) -> float:
    found = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        work()
        found.append(time.perf_counter() - begun)
    return min(found)


def group_bys(frames: Frames) -> None:
    """Children and events by period and arm, by each kind, by grade, by term; time by period and arm."""
    by = ["span", "arm"]
    events = frames.events
    for kind in (pl.lit(value=True), pl.col("serious"), pl.col("related"), pl.col("grade") >= 3):
        events.filter(kind).group_by(by).agg(pl.col("subject").n_unique(), pl.len())
    events.group_by([*by, "grade"]).agg(pl.col("subject").n_unique(), pl.len())
    events.group_by([*by, "term_code"]).agg(pl.col("subject").n_unique(), pl.len())
    frames.times.group_by(by).agg((pl.col("last") - pl.col("first") + 1).sum())


def rows(events: int) -> Dataset:
    """Events of children in two arms, each in three periods; dates and grades by a seeded chance."""
    chance = random.Random(20260310)
    children = max(58, events // 10)
    enrolled = date(2026, 1, 1).toordinal()
    made = Dataset(("X", "Y"), Columns(SUBJECTS), Columns(TIMES), Columns(EVENTS), dict.fromkeys(LEFT_OUT, 0))
    last = CUT.date().toordinal()
    for child in range(children):
        code, arm = f"VN01-{child:06d}", "XY"[child % 2]
        made.subjects.add(code, arm, 2, False, True)
        treated = enrolled + (0 if arm == "X" else 273)
        for span, first in (("whole", enrolled), ("exposed", treated), ("after_first", treated)):
            made.times.add(code, arm, span, first, last)
    for number in range(events):
        child = chance.randrange(children)
        code, arm = f"VN01-{child:06d}", "XY"[child % 2]
        day, grade = chance.randrange(enrolled + 273, last), chance.choice([1, 1, 1, 2, 2, 3, 4, None])
        term = f"{10000000 + chance.randrange(TERMS)}"
        said = chance.choice(["yes", "no", "unknown"])
        flags = chance.random() < 0.1, chance.random() < 0.02, chance.random() < 0.4
        for span in ("whole", "exposed", "after_first"):
            made.events.add(code, arm, span, f"e{number}", day, grade, *flags, said, "unknown", term, term)
    return made
