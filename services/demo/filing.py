"""Telling each recipient in its own way: the form, the filing, and the proof that it arrived."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Any

from services.demo.people import NotAsTold, People, until
from services.demo.words import Say
from shared.clock import Clock
from shared.trial import Trial

MAILED_WITHIN_S = 30.0
_METHODS = {"mail": "mail", "post": "post", "portal": "portal", "hand": "hand"}
_WORDS = {
    "mail": ("by mail", "qua thư điện tử"),
    "post": ("by post", "qua bưu điện"),
    "portal": ("by portal", "qua cổng"),
    "hand": ("by hand", "trao tay"),
}


class Filing:
    """Plays the safety officer `user` at one duty after another."""

    def __init__(self, people: People, trial: Trial, say: Say, clock: Clock, user: str) -> None:
        self._people, self._trial, self._say, self._clock, self._user = people, trial, say, clock, user

    def fulfil(self, duty: dict[str, Any], version: int) -> None:
        """Make the form of this case version, send it, record its arrival. Raises NotAsTold when one of them fails."""
        recipient = self._trial.recipient(duty["recipient"])
        if recipient is None:
            raise NotAsTold(f"the trial file knows no recipient {duty['recipient']}")
        method = _METHODS.get(recipient.channel, "hand")
        form = until(lambda: self._form(duty, version), 15, f"form of version {version}")
        filed = self._people.post(
            self._user, f"/api/v1/obligations/{duty['obligation_id']}/filings", self._body(method, form["document_id"])
        )
        if method == "mail":
            filed = until(lambda: self._sent(filed), MAILED_WITHIN_S, f"250 for the mail to {recipient.id}")
        receipt = self._people.post(self._user, f"/api/v1/filings/{filed['filing_id']}/receipts", self._receipt(method))
        name = self._say.pick(recipient.name.en, recipient.name.vi)
        sent, arrived = (datetime.fromisoformat(at) for at in (filed["sent_at"], receipt["at"]))
        how = self._say.pick(*_WORDS[method])
        taken = self._say.pick(" (the mail server said 250)", " (máy chủ thư trả lời 250)") if method == "mail" else ""
        self._say.line(
            f"{name}: form of version {form['case_version']}, sent {how} at {self._say.when(sent)}{taken}; "
            f"received at {arrived.astimezone():%H:%M:%S} – {receipt['kind']}: {receipt['reference']}",
            f"{name}: biểu mẫu phiên bản {form['case_version']}, gửi {how} lúc {self._say.when(sent)}{taken}; "
            f"đã nhận lúc {arrived.astimezone():%H:%M:%S} – {receipt['kind']}: {receipt['reference']}",
        )

    def _form(self, duty: dict[str, Any], version: int) -> dict[str, Any] | None:
        """The desk may still be a moment behind the news; a form of what was known before would tell too little."""
        form = self._people.post(self._user, f"/api/v1/obligations/{duty['obligation_id']}/documents")
        return form if form["case_version"] == version else None

    def _body(self, method: str, document_id: str) -> dict[str, Any]:
        body: dict[str, Any] = {"method": method, "document_id": document_id}
        if method != "mail":
            body |= {"sent_at": self._clock.now().isoformat(), "reference": f"DEMO-{method.upper()}-{document_id[-4:]}"}
        return body

    def _sent(self, filed: dict[str, Any]) -> dict[str, Any] | None:
        listed = self._people.get(self._user, f"/api/v1/filings?case_id={filed['case_id']}")["filings"]
        found = next(one for one in listed if one["filing_id"] == filed["filing_id"])
        if found["state"] == "failed":
            raise NotAsTold(f"the mail {filed['message_number']} was given up: {found['error']}")
        return found if found["state"] == "sent" else None

    def _receipt(self, method: str) -> dict[str, Any]:
        at = self._clock.now().isoformat()
        if method == "mail":
            reference = self._say.pick("their answer by mail (demonstration)", "thư trả lời của nơi nhận (minh họa)")
            return {"verdict": "received", "kind": "answer", "at": at, "reference": reference}
        words = self._say.pick("stamped receipt (demonstration)", "giấy biên nhận đóng dấu (minh họa)")
        proof = {"name": "receipt.txt", "type": "text/plain", "base64": base64.b64encode(words.encode()).decode()}
        return {"verdict": "received", "kind": "proof", "at": at, "reference": words, "proof": proof}
