"""Telling a recipient's computer: the E2B(R3) file, the sending, and what was answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.demo.desk import Desk
from services.demo.people import NotAsTold, People, until
from services.demo.words import Say
from services.sae_notifier.e2b import elements_in, read
from services.sae_notifier.e2b.draft.narrative import NOT_SIGNED
from shared.trial import Recipient, Trial

KNOWN_WITHIN_S, SENT_WITHIN_S, ANSWERED_WITHIN_S = 30.0, 20.0, 60.0
OF_THE_MESSAGE = ("N.1.2", "N.1.5", "N.2.r.1", "N.2.r.4", "C.1.2")
"""Numbers and times that every file has of its own."""


@dataclass(frozen=True)
class Sent:
    """One file on its way: what was filed, and every value in it by data element."""

    recipient: Recipient
    duty: dict[str, Any]
    filing: dict[str, Any]
    values: Mapping[str, tuple[str, ...]]


class Electronic:
    """Plays the safety officer at the duties of recipients that are reached by computer."""

    def __init__(self, people: People, trial: Trial, say: Say, desk: Desk) -> None:
        self._people, self._trial, self._say, self._desk = people, trial, say, desk

    def recipient(self, duty: Mapping[str, Any]) -> Recipient | None:
        """Of this duty, when a computer takes its reports."""
        found = self._trial.recipient(duty["recipient"])
        return found if found is not None and takes_files(found) else None

    def send(self, duty: dict[str, Any], says: Callable[[Mapping[str, tuple[str, ...]]], bool] = bool) -> Sent:
        """Make the file, read it back, send it. Raises NotAsTold; Unexpected where the instance refuses.

        Sent is only one that `says` what it must and holds the signed assessment: the desk may be a moment behind the news.
        """
        recipient = self.recipient(duty)
        assert recipient is not None and recipient.e2b is not None
        with self._say.waiting("writing, validating, reading back …", "đang lập, kiểm tra, đọc lại …"):
            document, values = until(
                lambda: self._made(duty, says), KNOWN_WITHIN_S, "file that says what is known by now"
            )
        icsr = document["icsr"]
        if not icsr["may_be_sent"]:
            errors = [one["message"]["en"] for one in icsr["findings"] if one["severity"] == "error"]
            raise NotAsTold(f"the file {icsr['batch_number']} may not be sent: {'; '.join(errors)}")
        body = {"method": "gateway", "document_id": document["document_id"]}
        filed = self._people.post(self._desk.officer, f"/api/v1/obligations/{duty['obligation_id']}/filings", body)
        with self._say.waiting("handing it over …", "đang chuyển …"):
            filed = until(lambda: self._left(filed), SENT_WITHIN_S, f"sign that {filed['message_number']} has left")
        name = self._say.pick(recipient.name.en, recipient.name.vi)
        at = self._say.when(datetime.fromisoformat(filed["sent_at"]))
        warned = sum(one["severity"] == "warning" for one in icsr["findings"])
        self._say.line(
            f"{name}: E2B(R3), profile {recipient.e2b.profile}, {len(values)} data elements, valid by schema and rules "
            f"(warnings: {warned}), the same when read back. Sent as {filed['message_number']}, {at}. [{duty['rule_id']}]",
            f"{name}: E2B(R3), hồ sơ {recipient.e2b.profile}, {len(values)} thành phần dữ liệu, hợp lệ theo lược đồ và quy tắc "
            f"(cảnh báo: {warned}), đọc lại giống hệt. Đã gửi với số {filed['message_number']}, {at}. [{duty['rule_id']}]",
        )
        return Sent(recipient, duty, filed, values)

    def answered(self, sent: Sent) -> str:
        """`accepted` or `rejected`, once their acknowledgement is here."""
        number = sent.filing["message_number"]
        with self._say.waiting("waiting for the acknowledgement …", "đang chờ thông báo tiếp nhận …"):
            filed = until(
                lambda: self._answer(sent),
                ANSWERED_WITHIN_S,
                f"acknowledgement of {number} (/ledger#answers shows all)",
            )
        receipt = filed["receipts"][-1]
        name, verdict = self._say.pick(sent.recipient.name.en, sent.recipient.name.vi), filed["acceptance"]
        said = self._say.pick(verdict, {"accepted": "chấp nhận", "rejected": "từ chối"}[verdict])
        self._say.line(
            f"{name}: acknowledgement {receipt['reference']} of {number}: {said}.",
            f"{name}: thông báo {receipt['reference']} cho {number}: {said}.",
        )
        return verdict

    def complaints(self, sent: Sent) -> list[tuple[str, str, str]]:
        """Each reason of a rejection with the element it names and what the file says there (empty: nothing)."""
        reasons = self._filing(sent.filing)["receipts"][-1]["reasons"].splitlines()
        return [
            (reason, name, ", ".join(sent.values.get(name, ())))
            for reason in reasons
            for name in (elements_in(reason) or ("",))
        ]

    def _made(
        self, duty: Mapping[str, Any], says: Callable[[Mapping[str, tuple[str, ...]]], bool]
    ) -> tuple[dict[str, Any], Mapping[str, tuple[str, ...]]] | None:
        path = f"/api/v1/obligations/{duty['obligation_id']}/documents?kind=e2b_r3"
        document = self._people.post(self._desk.officer, path)
        values = values_in(self._desk.content(document))
        signed = not any(NOT_SIGNED in text for text in values.get("H.4", ()))
        return (document, values) if signed and says(values) else None

    def _filing(self, filed: Mapping[str, Any]) -> dict[str, Any]:
        found = next(one for one in self._desk.filings() if one["filing_id"] == filed["filing_id"])
        if found["state"] == "failed":
            raise NotAsTold(f"{found['message_number']} was given up: {found['error']}")
        return found

    def _left(self, filed: Mapping[str, Any]) -> dict[str, Any] | None:
        found = self._filing(filed)
        return found if found["sent_at"] else None

    def _answer(self, sent: Sent) -> dict[str, Any] | None:
        found = self._filing(sent.filing)
        return found if found["acceptance"] else None


def takes_files(recipient: Recipient) -> bool:
    """E2B(R3) by directories: the only way on which the demonstration can play the other side."""
    transport = recipient.transport
    return recipient.e2b is not None and transport is not None and transport.kind == "file_drop"


def values_in(xml: bytes) -> dict[str, tuple[str, ...]]:
    """Data element -> what the file says there, in its order."""
    found: dict[str, list[str]] = {}
    for block in read(xml).batch.walk():
        for name, cell in block.cells.items():
            found.setdefault(name, []).append(cell.text or cell.null or "")
    return {name: tuple(said) for name, said in found.items()}


def changed(before: Mapping[str, tuple[str, ...]], after: Mapping[str, tuple[str, ...]]) -> list[str]:
    """The data elements that say something else, but for a message's own numbers and times."""
    names = sorted(set(before) | set(after))
    return [one for one in names if one not in OF_THE_MESSAGE and before.get(one) != after.get(one)]
