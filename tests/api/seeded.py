"""An installation in which every route finds something: a child with everything recorded, a case on its whole way, things that wait."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field

from shared.audit import SERVICE_STREAM
from shared.bus import parking
from shared.bus.port import Delivery
from shared.db import Tx
from tests.api.world import ApiWorld, at

PNG = base64.b64encode(b"\x89PNG stamped receipt").decode()


@dataclass
class Seeded:
    """Ids by the name of the path parameter that takes them; `child` is the child of all of them."""

    world: ApiWorld
    child: str = ""
    ids: dict[str, str] = field(default_factory=dict)
    ends: dict[str, str] = field(default_factory=dict)

    def path(self, template: str) -> str:
        """A path template with everything filled in by what exists; what ends a thing for good gets one of its own."""
        parts = template.removeprefix("/api/v1").split("/")
        ids = self.ids | (self.ends if parts[-1] in ("void", "nullify") else {})
        if parts[1] == "ops":
            ids |= {"parked_id": ids[f"{parts[2]}.{parts[-1]}"]} if "{" in template else {}
        ids |= {"identity": ids.get(f"{parts[1]}.identity", "none")}
        for name, value in ids.items():
            template = template.replace("{" + name + "}", value)
        return template


def seeded(world: ApiWorld) -> Seeded:
    made = Seeded(world)
    made.ids = _told(world)
    made.ends = _told(world)
    made.child = made.ids["subjects.identity"]
    case = {"case_id": made.ids["case_id"]}
    rejected = world.post("/api/v1/cases", "clinician", content=b"not json")
    world.drain()
    officer = "safety-officer-1"
    duties = world.get(f"/api/v1/obligations?case_id={case['case_id']}", officer).json()["obligations"]
    duty = next(one for one in duties if one["rule_id"] == "VN-SAE-7WD")
    by_hand = {"method": "hand", "sent_at": "2026-03-10T19:30:00Z", "reference": "CV-12"}
    filing = world.post(f"/api/v1/obligations/{duty['obligation_id']}/filings", officer, json=by_hand).json()
    proof = {"name": "stamp.png", "type": "image/png", "base64": PNG}
    told = {"verdict": "received", "kind": "proof", "at": "2026-03-10T19:40:00Z", "reference": "12/NEC", "proof": proof}
    receipt = world.post(f"/api/v1/filings/{filing['filing_id']}/receipts", officer, json=told).json()
    cut = world.post("/api/v1/dsmb/cuts", "dsmb-member", json={"purpose": "regular review"}).json()
    odd = {"file": {"name": "odd.ack", "base64": base64.b64encode(b"no answer").decode()}}
    ack = world.post("/api/v1/acknowledgements", officer, json=odd).json()
    alert = world.get(f"/api/v1/alerts?case_id={case['case_id']}", officer).json()["alerts"][0]
    made.ids |= {
        "version": "1",
        "language": "vi",
        "cut_id": cut["cut_id"],
        "rejected_id": rejected.json()["rejected_id"],
        "obligation_id": duty["obligation_id"],
        "alert_id": alert["alert_id"],
        "filing_id": filing["filing_id"],
        "document_id": filing["document_id"],
        "receipt_id": receipt["receipt_id"],
        "ack_id": ack["ack_id"],
    }
    for service in world.app.state.runtimes:
        for verb in ("replay", "discard"):
            made.ids[f"{service}.{verb}"] = parked(world, service, world.log.all()[0])
    world.drain()
    return made


def _told(world: ApiWorld) -> dict[str, str]:
    """A child with one of everything, and a case about it."""
    child = world.child()
    batch = world.post("/api/v1/batches", "clinician", json={"batch_id": f"B-{child}", "subject_id": child})
    fever = {"subject_id": child, "test": "body_temperature", "value": "39.2", "unit": "Cel", "taken": at("2026-03-11")}
    measurement = world.post("/api/v1/measurements", "clinician", json=fever)
    assert batch.status_code == measurement.status_code == 201
    return {
        "subjects.identity": child,
        "exposures.identity": world.infusion(child),
        "batches.identity": f"B-{child}",
        "measurements.identity": measurement.json()["measurement_id"],
        "case_id": world.case(child)["case_id"],
    }


BROKEN = Delivery("tocsin.safety", 0, 1_000, "VN01-099", b"{", (("ce_id", b"x"),))


def parked(world: ApiWorld, service: str, delivery: Delivery = BROKEN) -> str:
    """An event set aside, by itself one that nobody can read; returns its id."""
    run = world.app.state.runtimes[service]

    def unit(tx: Tx) -> str:
        now = world.clock.now()
        row = parking.park(tx, delivery, reason="undecodable", detail="not JSON", retry=False, now=now)
        run.audit.lock(tx, SERVICE_STREAM)
        run.audit.record(tx, stream=SERVICE_STREAM, actor="system", action="parked an event", at=now, rows=[row])
        return row.parked_id

    return run.db.transact(unit)
