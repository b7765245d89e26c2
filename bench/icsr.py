"""Electronic reports written, judged, read back and compared, beside lxml alone parsing and validating the very same bytes."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from lxml import etree

from bench.results import Results
from services.sae_notifier.e2b import Profile, installed, prepare
from services.sae_notifier.e2b.oids import BATCH_ROOT
from services.sae_notifier.e2b.schema import schema_file
from tests.unit.sae_notifier.e2b.build import CASE, FACTS, NOW, message

PROFILES: tuple[Profile, ...] = ("ich", "fda-premarket")


def measure(results: Results, schemas_dir: Path, *, seconds: float) -> None:
    """One process, one whole case with its history, both receivers. Schemas are compiled before the clock starts."""
    if not installed(schemas_dir):
        print(f"  icsr: LEFT OUT, no E2B(R3) schemas in {schemas_dir}; set TOCSIN_E2B_SCHEMAS", flush=True)
        return
    schema = etree.XMLSchema(etree.parse(schema_file(schemas_dir, BATCH_ROOT)))
    parser = etree.XMLParser(no_network=True, resolve_entities=False)
    for profile in PROFILES:
        sent = message(profile)
        xml = prepare(CASE, FACTS, profile, sent, schemas_dir, now=NOW).xml

        def ours(profile: Profile = profile) -> object:
            return prepare(CASE, FACTS, profile, message(profile), schemas_dir, now=NOW)

        def bare(xml: bytes = xml) -> object:
            return schema.validate(etree.fromstring(xml, parser).getroottree())

        mine, theirs = _per_second(ours, seconds), _per_second(bare, seconds)
        results.note(f"icsr: {profile}, {len(xml):,} bytes, written + validated + read back per second", mine)
        results.note(f"icsr: {profile}, lxml parse + schema of the same bytes per second", theirs)
        results.note(f"icsr: {profile}, times the work of bare lxml", theirs / mine)


def _per_second(work: Callable[[], object], seconds: float) -> float:
    done, begun = 0, time.perf_counter()
    while time.perf_counter() - begun < seconds:
        work()
        done += 1
    return done / (time.perf_counter() - begun)
