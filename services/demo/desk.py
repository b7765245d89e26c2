"""One case as the safety officer on duty sees it: duties, alerts, tellings, documents."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from services.demo.people import NotAsTold, People
from services.demo.words import Say

OWED = ("open", "rejected")


class Desk:
    """`officer` is who was called first; `case_id` is empty until the case has been reported."""

    def __init__(self, people: People, say: Say) -> None:
        self._people, self._say = people, say
        self.officer, self.case_id = "safety-officer-1", ""

    def duties(self) -> list[dict[str, Any]]:
        found = self._people.get(self.officer, f"/api/v1/obligations?case_id={self.case_id}")["obligations"]
        return sorted(found, key=lambda one: (one["due_at"], one["rule_id"], one["recipient"]))

    def owed(self) -> list[dict[str, Any]]:
        """Those that nobody has been told under, or whose telling was turned down."""
        return [one for one in self.duties() if one["state"] in OWED]

    def duty(self, obligation_id: str) -> dict[str, Any]:
        return self._people.get(self.officer, f"/api/v1/obligations/{obligation_id}")["obligation"]

    def alerts(self, state: str = "") -> list[dict[str, Any]]:
        query = f"case_id={self.case_id}" + (f"&state={state}" if state else "")
        return self._people.get(self.officer, f"/api/v1/alerts?{query}")["alerts"]

    def confirm(self, note: str) -> None:
        """Every open alert of this case, by name."""
        for alert in self.alerts("open"):
            done = self._people.post(self.officer, f"/api/v1/alerts/{alert['alert_id']}/confirm", {"note": note})
            what = f"{alert['kind']} {alert['threshold'] or ''}".strip()
            at = self._say.when(datetime.fromisoformat(done["confirmed_at"]))
            self._say.line(
                f"{done['confirmed_by']} confirms ({what}), {at}.", f"{done['confirmed_by']} xác nhận ({what}), {at}."
            )

    def filings(self) -> list[dict[str, Any]]:
        """Oldest first."""
        found = self._people.get(self.officer, f"/api/v1/filings?case_id={self.case_id}")["filings"]
        return sorted(found, key=lambda one: (one["filed_at"], one["message_number"]))

    def documents(self) -> list[dict[str, Any]]:
        found = self._people.get(self.officer, f"/api/v1/documents?case_id={self.case_id}")["documents"]
        return sorted(found, key=lambda one: one["made_at"])

    def content(self, document: dict[str, Any]) -> bytes:
        """Its bytes; raises NotAsTold when they are not what their SHA-256 says."""
        content = self._people.send(self.officer, "GET", document["path"]).content
        if hashlib.sha256(content).hexdigest() != document["sha256"]:
            raise NotAsTold(f"document {document['document_id']} is not what its SHA-256 says")
        return content
