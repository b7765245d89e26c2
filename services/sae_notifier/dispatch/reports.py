"""Reports to authorities, ethics committees and the sponsor, by mail or to the computer of a recipient."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime

from services.sae_notifier import store
from services.sae_notifier.channels import Attachment, Channel, Gateway, Handed, HandoverFailed, Message, Parcel
from services.sae_notifier.dispatch.acting import Acting
from services.sae_notifier.dispatch.handing import hand_over
from services.sae_notifier.e2b import SchemasMissing, as_profile, validate
from services.sae_notifier.handlers import attempts, icsr
from services.sae_notifier.store import FilingRow, FormRow
from shared import metrics
from shared.canonical import sha256
from shared.failpoint import hit
from shared.trial import Transport


class Reports:
    """What was stored is what leaves, or nothing does. `gateways` by the name of their endpoint."""

    def __init__(self, acting: Acting, channels: Mapping[str, Channel], gateways: Mapping[str, Gateway]) -> None:
        self.acting, self.channels, self.gateways = acting, channels, gateways

    async def claim(self, now: datetime) -> list[FilingRow]:
        return await asyncio.to_thread(
            self.acting.db.transact, lambda tx: attempts.claim(self.acting.notifier, tx, now)
        )

    async def send(self, filing: FilingRow) -> None:
        """Mail or transmit one report and settle it."""
        document = await asyncio.to_thread(self.acting.db.read, lambda tx: store.form(tx, filing.document_id))
        answer, receipt = "250", ""
        if document is None:
            error: str | None = "the document was lost with a database: make the form again and file that one"
        elif sha256(document.content) != document.sha256:
            error = "the stored document is not the one that was made: run `tocsin audit verify`, make the form again"
        elif filing.method == "gateway":
            error, answer, receipt = await self._transmit(filing, document)
        else:
            error = await hand_over(self.channels, "mail", self._letter(filing, document))
        hit("filing.after_send")
        now = self.acting.clock.now()
        hit("notify.before_receipt")
        settled = await asyncio.to_thread(
            self.acting.db.transact,
            lambda tx: attempts.settle(
                self.acting.notifier, tx, filing.filing_id, error=error, answer=answer, now=now, receipt=receipt
            ),
        )
        if settled.state == "failed":
            await asyncio.to_thread(self.acting.ring, "delivery_failed", f"filing:{filing.filing_id}")

    async def _transmit(self, filing: FilingRow, document: FormRow) -> tuple[str | None, str, str]:
        """(error, what the other side said, its receipt number). Judged once more: nothing that is not valid now leaves."""
        transport = icsr.transport_of(self.acting.notifier.trial, filing.recipient_id)
        gateway = self.gateways.get(transport.endpoint) if transport is not None else None
        if transport is None or gateway is None:
            return "no address of this recipient's computer is configured: set TOCSIN_ENDPOINTS", "", ""
        try:
            wrong = await asyncio.to_thread(self._judge, filing, document, transport)
            if wrong:
                return f"the file is not valid any more ({', '.join(wrong[:5])}): make it anew", "", ""
        except SchemasMissing:
            return "the official E2B(R3) schemas are not installed: run `tocsin e2b fetch-schemas`", "", ""
        parcel = Parcel(filing.message_number, bytes(document.content), document.sha256)
        error, handed = None, Handed("")
        try:
            async with asyncio.timeout(12.0):
                handed = await gateway.hand_over(parcel)
        except HandoverFailed as failed:
            error = str(failed)
        except TimeoutError:
            error = f"{transport.kind}: no answer in time"
        outcome = "failed" if error else "taken"
        metrics.DELIVERIES.labels(service="sae_notifier", channel=transport.kind, outcome=outcome).inc()
        return error, handed.said, handed.receipt

    def _judge(self, filing: FilingRow, document: FormRow, transport: Transport) -> list[str]:
        """The rules that the file breaks. Raises SchemasMissing."""
        numbers = self.acting.db.read(lambda tx: store.icsr(tx, filing.document_id))
        if numbers is None:
            return ["numbers"]
        now = max(self.acting.clock.now(), numbers.created_at)
        found = validate(
            bytes(document.content),
            as_profile(numbers.profile),
            self.acting.notifier.electronic.schemas_dir,
            now=now,
            initial=numbers.initial,
        )
        return [f"{one.element or one.layer} {one.rule}" for one in found if one.severity == "error"]

    def _letter(self, filing: FilingRow, document: FormRow) -> Message:
        recipient = self.acting.notifier.trial.recipient(filing.recipient_id)
        kind = (
            "báo cáo lần đầu / initial report"
            if not document.follow_up
            else f"báo cáo bổ sung {document.follow_up} / follow-up {document.follow_up}"
        )
        return Message(
            message_id=f"<{filing.message_number}@tocsin.invalid>",
            to=filing.address,
            subject=f"[SAE] {filing.case_number} v{filing.case_version}: {kind}",
            text=(
                f"Kính gửi {recipient.name.vi if recipient else ''}\n\n"
                f"Đính kèm {kind}. Đề nghị trả lời thư này để xác nhận đã nhận.\n"
                f"Please answer this mail to confirm receipt.\n\n"
                f"{filing.message_number}\nSHA-256 (PDF): {document.sha256}\n"
            ),
            data={"message_number": filing.message_number, "sha256": document.sha256},
            attachments=(Attachment(f"{filing.message_number}.pdf", "application/pdf", bytes(document.content)),),
            wants_receipt=True,
        )
