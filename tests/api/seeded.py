"""An installation in which every route finds something: a child with everything recorded, a case on its whole way, things that wait."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field

from shared.bus import parking
from shared.bus.port import Delivery
from tests.api.world import ApiWorld, at

PNG = base64.b64encode(b"\x89PNG stamped receipt").decode()


@dataclass
class Seeded:
    """Ids by the name of the path parameter that takes them; `child` is the child of all of them."""

    world: ApiWorld
    child: str = ""
    ids: dict[str, str] = field(default_factory=dict)

    def path(self, template: str) -> str:
        """A path template with everything filled in by what exists."""
        kind = template.removeprefix("/api/v1").split("/")[1]
        for name, value in self.ids.items():
            template = template.replace("{" + name + "}", value)
        return template.replace("{identity}", self.ids.get(f"{kind}.identity", "none"))


def seeded(world: ApiWorld) -> Seeded:
    made = Seeded(world)
    child = made.child = world.child()
    exposure = world.infusion(child)
    batch = world.post("/api/v1/batches", "clinician", json={"batch_id": "B-1", "subject_id": child})
    fever = {"subject_id": child, "test": "body_temperature", "value": "39.2", "unit": "Cel", "taken": at("2026-03-11")}
    measurement = world.post("/api/v1/measurements", "clinician", json=fever)
    assert batch.status_code == measurement.status_code == 201
    case = world.case(child)
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
    alert = world.get(f"/api/v1/alerts?case_id={case['case_id']}", officer).json()["alerts"][0]
    made.ids = {
        "case_id": case["case_id"],
        "version": "1",
        "subjects.identity": child,
        "exposures.identity": exposure,
        "batches.identity": "B-1",
        "measurements.identity": measurement.json()["measurement_id"],
        "rejected_id": rejected.json()["rejected_id"],
        "obligation_id": duty["obligation_id"],
        "alert_id": alert["alert_id"],
        "filing_id": filing["filing_id"],
        "document_id": filing["document_id"],
        "receipt_id": receipt["receipt_id"],
        "parked_id": parked(world, "sae_notifier"),
    }
    world.drain()
    return made


def parked(world: ApiWorld, service: str, *, content: bytes = b"{") -> str:
    """An event that could not be read, set aside; returns its id. What it holds is nobody's but the log's."""
    number = len(world.get(f"/api/v1/ops/{service}/parked", "admin").json()["parked"])
    broken = Delivery("tocsin.safety", 0, 1_000 + number, "VN01-099", content, (("ce_id", b"x"),))
    run = world.app.state.runtimes[service]

    def unit(tx: object) -> str:
        now = world.clock.now()
        row = parking.park(tx, broken, reason="undecodable", detail="not JSON", retry=False, now=now)  # type: ignore[arg-type]
        run.audit.lock(tx, "service")
        run.audit.record(tx, stream="service", actor="system", action="parked an event", at=now, rows=[row])
        return row.parked_id

    return run.db.transact(unit)
