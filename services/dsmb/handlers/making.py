"""From a manifest and its documents to both reports: nothing else goes in, so the same cut gives the same bytes for ever."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from services.dsmb.boundaries import state
from services.dsmb.domain import Child, Document, Manifest, children, dataset, watch
from services.dsmb.tables import closed_tables, columns_of, open_tables, withheld_because
from shared.canonical import canonical, sha256

Report = dict[str, Any]


@dataclass(frozen=True)
class Made:
    """Both reports as plain JSON; `withheld` says why the open one has no tables, if it has none."""

    closed: Report
    open: Report
    children: int
    withheld: str

    def body(self, kind: str) -> bytes:
        return canonical(self.closed if kind == "closed" else self.open)


def make(
    manifest: Manifest,
    documents: Iterable[Document],
    coding: Mapping[str, str],
    offsets: Mapping[str, Mapping[str, int]],
    parked: int,
    withheld: str,
) -> Made:
    """`offsets`, `parked` and `withheld` were settled when the cut was frozen, and are kept with it."""
    found = children(documents)
    data = dataset(found, manifest.plan, coding, manifest.at)
    withheld = withheld or withheld_because(data, manifest.plan)
    head = _head(manifest, offsets, parked, len(data.subjects))
    closed = closed_tables(data, manifest.plan, _states(manifest, found))
    opened = [] if withheld else open_tables(data, manifest.plan)
    return Made(
        closed=_report("closed", head | {"columns": columns_of(data)}, closed),
        open=_report("open", head | {"withheld": withheld}, opened),
        children=len(data.subjects),
        withheld=withheld,
    )


def _report(kind: str, head: Report, tables: list[dict[str, Any]]) -> Report:
    return {"header": {**head, "kind": kind, "tables_sha256": sha256(canonical(tables))}, "tables": tables}


def _head(manifest: Manifest, offsets: Mapping[str, Mapping[str, int]], parked: int, subjects: int) -> Report:
    plan = manifest.plan
    return {
        "cut_id": manifest.cut_id,
        "cut_at": manifest.at.isoformat(),
        "offsets": {topic: dict(places) for topic, places in offsets.items()},
        "manifest_sha256": manifest.sha256,
        "documents": len(manifest.entries),
        "subjects": subjects,
        "subjects_planned": plan.subjects_planned,
        "parked": parked,
        "program": manifest.program,
        "trial_id": plan.trial_id,
        "title_en": plan.title_en,
        "title_vi": plan.title_vi,
        "trial_sha256": plan.trial_sha256,
        "zone": plan.zone,
        "ctcae_version": plan.ctcae_version,
        "charter_version": plan.charter_version,
        "illustrative": plan.illustrative,
        "analysis": {
            "onset_clock": plan.onset_clock,
            "control_time": plan.control_time,
            "infusion_means": plan.infusion_means,
            "not_related_needs": plan.not_related_needs,
            "days_per_year": plan.days_per_year,
            "confidence": plan.confidence,
            "small_cell_below": plan.small_cell_below,
            "smallest_arm": plan.smallest_arm,
        },
    }


def _states(manifest: Manifest, found: Iterable[Child]) -> list[Any]:
    known = list(found)
    states = []
    for rule in manifest.plan.rules:
        seen = [watch(one, rule, manifest.plan, manifest.at) for one in known]
        states.append(state(rule, [one for one in seen if one is not None], manifest.at))
    return states
