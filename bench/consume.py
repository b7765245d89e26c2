"""A consumer that comes back to a full log: cases per second of one process, and what it keeps in memory."""

from __future__ import annotations

import asyncio
import time

from bench import preload
from bench.results import Results
from bench.stage import ROOT, Process, Stage
from shared import trial as trials

TRIAL_FILE = ROOT / "deploy/trials/vinmec-cp-bmmnc.yaml"
STUCK_S = 60.0
_EFFECT = {"causality": "assessments", "sae_notifier": "duties"}


def measure(stage: Stage, results: Results, *, cases: int, events: int) -> None:
    """`cases` on the log, then each consumer alone; then `events` more for the memory of one of them."""
    trial_id = trials.load(TRIAL_FILE.read_text(encoding="utf-8"), TRIAL_FILE.name).id
    there = asyncio.run(preload.publish(stage.kafka.bootstrap, preload.cases(cases, trial_id)))
    for service, verb in (("causality", "assessed"), ("sae_notifier", "clocked")):
        process = stage.service(service)
        used = process.cpu_s()
        seconds = _until(stage, process, service, there)
        made = stage.query(f"SELECT count(*) FROM {service}.{_EFFECT[service]}")[0][0]
        results.note(f"cases {verb} per second by one process", cases / seconds)
        results.note(f"events consumed per second by {service}", there / seconds)
        results.note(f"{service}: {_EFFECT[service]} made", float(str(made)))
        results.note(f"{service}: CPU ms per case", (process.cpu_s() - used) * 1000 / cases)
        if service == "causality":
            _memory(stage, process, results, trial_id, events)
        stage.stop(process)


def _memory(stage: Stage, process: Process, results: Results, trial_id: str, events: int) -> None:
    before = process.rss_mb()
    at = _position(stage, "causality")
    done = asyncio.run(preload.publish(stage.kafka.bootstrap, preload.measurements(events, trial_id)))
    _until(stage, process, "causality", at + done)
    results.note("causality: memory before, MB", before)
    results.note(f"causality: memory after {events:,} more events, MB", process.rss_mb())


def _until(stage: Stage, process: Process, service: str, target: int) -> float:
    """Seconds from the first event consumed until `target` have been (its own events on the log count as they come)."""
    first = moved = time.monotonic()
    start = at = _position(stage, service)
    while at < target:
        time.sleep(0.1)
        now, seen = time.monotonic(), _position(stage, service)
        if seen != at:
            if at == start:
                first = now
            at, moved = seen, now
        if now - moved > STUCK_S:
            raise RuntimeError(f"{service} ({process.url}) stands at {at} of {target}")
    return max(time.monotonic() - first, 0.05)


def _position(stage: Stage, service: str) -> int:
    (row,) = stage.query(f"SELECT coalesce(sum(next_offset), 0) FROM {service}.cursors")
    return int(str(row[0]))
