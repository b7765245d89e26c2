"""The loops that act on the world: calls and mails, alarms by the clock, new rounds. Any instance may run all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from services.sae_notifier import store
from services.sae_notifier.channels import Attachment, Channel, Gateway, Handed, HandoverFailed, Message, Parcel
from services.sae_notifier.e2b import SchemasMissing, as_profile, validate
from services.sae_notifier.handlers import Notifier, acks, activation, alerts, duties, filings, icsr, withdrawing
from services.sae_notifier.store import AlertRow, CallRow, FilingRow, FormRow
from shared import metrics
from shared.alarm import Kind
from shared.canonical import sha256
from shared.clock import Clock
from shared.db import Database, DatabaseAway, Tx
from shared.errors import Conflict
from shared.failpoint import hit
from shared.supervise import pause
from shared.telemetry import get_logger
from shared.trial import Transport

log = get_logger(__name__)
POLL_S = 0.5
ANSWERS_S = 2.0
CLOSED_FOR = timedelta(minutes=10)
"""A rejection nobody can read is a clock that runs unseen."""
_KINDS = {
    "sae": ("Biến cố nghiêm trọng mới", "New serious adverse event"),
    "sae_upgraded": ("Biến cố nay gây tử vong hoặc đe dọa tính mạng", "The event is now fatal or life-threatening"),
    "sterility": ("Cấy vô khuẩn dương tính sau khi xuất lô", "Positive sterility culture after release"),
    "parked": ("Sự kiện nghiêm trọng chưa xử lý được", "A serious event could not be processed"),
    "rejected": ("Báo cáo bị từ chối", "A report was rejected"),
    "filing_failed": ("Không gửi được báo cáo", "A report could not be sent"),
    "dsmb_rule": ("Vượt ngưỡng một quy tắc dừng của hội đồng", "A stopping rule of the safety board was crossed"),
    "alarm": ("Thời hạn báo cáo", "Reporting deadline"),
    "ack_parked": ("Phản hồi không khớp báo cáo nào", "An answer fits no report of ours"),
    "ack_overdue": ("Chưa có phản hồi cho báo cáo đã gửi", "No answer came to a report that was sent"),
}


def alert_words(alert: AlertRow, base_url: str) -> tuple[str, str]:
    """(subject, text) of an alert: a code and a link, nothing about the child."""
    vi, en = _KINDS.get(alert.kind, ("Cảnh báo", "Alert"))
    number = alert.case_number or "-"
    when = f" [{alert.threshold}]" if alert.threshold else ""
    text = (
        f"{vi}{when}\n{en}{when}\n\n"
        f"Ca / Case: {number}\n"
        f"{base_url}/alerts/{alert.alert_id}\n\n"
        "Đăng nhập và xác nhận bằng tên của bạn; nếu không ai xác nhận, người trực tiếp theo sẽ được gọi.\n"
        "Sign in and confirm by name; while nobody confirms, the next person on the roster is called.\n"
    )
    return f"[Tocsin] {number}: {vi} / {en}{when}", text


class Dispatcher:
    """`channels` by kind (`mail`, `webhook`), `gateways` by endpoint; `ring(kind, place)` is the bell of last resort."""

    def __init__(
        self,
        db: Database,
        notifier: Notifier,
        clock: Clock,
        channels: Mapping[str, Channel],
        base_url: str,
        ring: Callable[[Kind, str], object],
        gateways: Mapping[str, Gateway] | None = None,
    ) -> None:
        self.gateways = gateways or {}
        self._closed_since: dict[str, datetime] = {}
        self.db, self.notifier, self.clock = db, notifier, clock
        self.channels, self.base_url, self.ring = channels, base_url, ring

    async def calls_loop(self, stop: asyncio.Event) -> None:
        """Hand over due calls and mails at once when woken, at the latest every half second."""
        while not stop.is_set():
            await self.notifier.wake.wait(POLL_S)
            try:
                while await self.hand_over_due() and not stop.is_set():
                    pass
            except DatabaseAway as error:
                log.warning("dispatch.database_away", detail=str(error))
                await pause(stop, 1.0)

    async def hand_over_due(self) -> int:
        """One pass: claim, send at the same time, settle each; returns how many were tried."""
        now = self.clock.now()
        calls = await asyncio.to_thread(self.db.transact, lambda tx: alerts.claim(self.notifier, tx, now))
        told = await asyncio.to_thread(self.db.transact, lambda tx: filings.claim(self.notifier, tx, now))
        if calls or told:
            hit("notify.after_claim")
        await asyncio.gather(*(self._call(call) for call in calls), *(self._tell(filing) for filing in told))
        return len(calls) + len(told)

    async def _call(self, call: CallRow) -> None:
        alert = await asyncio.to_thread(self.db.read, lambda tx: store.alert(tx, call.alert_id))
        assert alert is not None
        subject, text = alert_words(alert, self.base_url)
        data = {
            "alert_id": alert.alert_id,
            "kind": alert.kind,
            "case_number": alert.case_number or "",
            "threshold": alert.threshold or "",
            "link": f"{self.base_url}/alerts/{alert.alert_id}",
            "person": call.person,
        }
        error = await self._hand_over(call.channel, Message(call.message_id, call.address, subject, text, data))
        hit("notify.after_send")
        now = self.clock.now()
        settled = await asyncio.to_thread(
            self.db.transact, lambda tx: alerts.settle_call(self.notifier, tx, call, error=error, now=now)
        )
        if settled.state == "sent" and call.round == 1 and call.step == 0:
            waited = max(0.0, (now - alert.opened_at).total_seconds())
            metrics.ALERT_HANDOVER_SECONDS.labels(service="sae_notifier", channel=call.channel).observe(waited)
        if settled.state == "failed":
            await asyncio.to_thread(self.ring, "delivery_failed", f"call:{call.call_id}")

    async def _tell(self, filing: FilingRow) -> None:
        """Mail or transmit one report; what was stored is what leaves, or nothing does."""
        document = await asyncio.to_thread(self.db.read, lambda tx: store.form(tx, filing.document_id))
        answer, receipt = "250", ""
        if document is None:
            error: str | None = "the document was lost with a database: make the form again and file that one"
        elif sha256(document.content) != document.sha256:
            error = "the stored document is not the one that was made: run `tocsin audit verify`, make the form again"
        elif filing.method == "gateway":
            error, answer, receipt = await self._transmit(filing, document)
        else:
            error = await self._hand_over("mail", self._letter(filing, document))
        hit("filing.after_send")
        now = self.clock.now()
        hit("notify.before_receipt")
        settled = await asyncio.to_thread(
            self.db.transact,
            lambda tx: filings.settle_filing(
                self.notifier, tx, filing.filing_id, error=error, answer=answer, now=now, receipt=receipt
            ),
        )
        if settled.state == "failed":
            await asyncio.to_thread(self.ring, "delivery_failed", f"filing:{filing.filing_id}")

    async def _transmit(self, filing: FilingRow, document: FormRow) -> tuple[str | None, str, str]:
        """(error, what the other side said, its receipt number). Judged once more: nothing that is not valid now leaves."""
        transport = icsr.transport_of(self.notifier.trial, filing.recipient_id)
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
        numbers = self.db.read(lambda tx: store.icsr(tx, filing.document_id))
        if numbers is None:
            return ["numbers"]
        now = max(self.clock.now(), numbers.created_at)
        found = validate(
            bytes(document.content),
            as_profile(numbers.profile),
            self.notifier.electronic.schemas_dir,
            now=now,
            initial=numbers.initial,
        )
        return [f"{one.element or one.layer} {one.rule}" for one in found if one.severity == "error"]

    async def answers_loop(self, stop: asyncio.Event) -> None:
        """Every few seconds: what came back on each way. One that is closed keeps nobody else waiting."""
        while not await pause(stop, ANSWERS_S):
            try:
                await self.fetch_answers()
            except DatabaseAway as error:
                log.warning("answers.database_away", detail=str(error))

    async def fetch_answers(self) -> int:
        """One pass over every way; returns how many files were taken."""
        return sum(await asyncio.gather(*(self._fetch(name, one) for name, one in self.gateways.items())))

    async def _fetch(self, endpoint: str, gateway: Gateway) -> int:
        """Kept first, then taken away over there: a crash between shows the same file again, and it is known."""
        try:
            async with asyncio.timeout(30.0):
                waiting = await gateway.answers()
        except (HandoverFailed, TimeoutError) as failed:
            log.warning("answers.way_closed", place=endpoint, detail=str(failed) or "no answer in time")
            if self.clock.now() - self._closed_since.setdefault(endpoint, self.clock.now()) >= CLOSED_FOR:
                await asyncio.to_thread(self.ring, "answers_closed", f"answers:{endpoint}")
            return 0
        self._closed_since.pop(endpoint, None)
        taken = 0
        for one in waiting:
            arrived = acks.Arrived(one.content, endpoint, one.name)
            now = self.clock.now()
            try:
                await asyncio.to_thread(
                    self.db.transact, lambda tx, a=arrived, at=now: acks.take(self.notifier, tx, a, at)
                )
            except DatabaseAway:
                raise
            except Exception as error:
                log.error("answers.failed", place=endpoint, error_type=type(error).__name__)
                await asyncio.to_thread(self.ring, "answer_failed", f"answers:{endpoint}")
                continue
            hit("ack.after_take")
            taken += 1
            try:
                await gateway.done_with(one.name)
            except HandoverFailed as failed:
                log.warning("answers.way_closed", place=endpoint, detail=str(failed))
        return taken

    def missed(self) -> int:
        """Alarm every acknowledgement that did not come in time."""
        now = self.clock.now()
        late = self.db.read(lambda tx: [(row.filing_id, row.subject_id) for row in store.unanswered(tx, now)])
        return sum(
            self._apart(
                f"filing:{filing_id}",
                lambda tx, f=filing_id, s=subject_id: acks.missed(self.notifier, tx, f, s, now),
            )
            for filing_id, subject_id in late
        )

    def _letter(self, filing: FilingRow, document: FormRow) -> Message:
        recipient = self.notifier.trial.recipient(filing.recipient_id)
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

    async def _hand_over(self, kind: str, message: Message) -> str | None:
        """None when it was taken, else why not. An unknown channel or no address is a failure, never "delivered"."""
        channel = self.channels.get(kind)
        error: str | None = None
        if channel is None:
            error = f"no {kind} channel is configured"
        elif not message.to:
            error = "there is no address"
        else:
            try:
                async with asyncio.timeout(12.0):
                    await channel.hand_over(message)
            except HandoverFailed as failed:
                error = str(failed)
            except TimeoutError:
                error = f"{kind}: no answer in time"
        metrics.DELIVERIES.labels(service="sae_notifier", channel=kind, outcome="failed" if error else "taken").inc()
        return error

    async def alarms_loop(self, stop: asyncio.Event) -> None:
        """Once a second: thresholds that have passed, rounds that ended unheard, replaced cases. Runs apart from consuming."""
        beat = 0
        while not await pause(stop, 1.0):
            beat += 1
            try:
                await asyncio.to_thread(self.tick)
                if beat % 3 == 0:
                    await asyncio.to_thread(self.rounds)
                if beat % 10 == 0:
                    await asyncio.to_thread(self.replaced)
                    await asyncio.to_thread(self.missed)
            except DatabaseAway as error:
                log.warning("alarms.database_away", detail=str(error))

    def tick(self) -> int:
        """Raise every alarm whose time has come; returns how many thresholds were recorded."""
        now = self.clock.now()
        due = self.db.read(lambda tx: [(row.obligation_id, row.subject_id) for row in duties.near(tx, now)])
        return sum(
            self._apart(
                obligation_id,
                lambda tx, o=obligation_id, s=subject_id: duties.raise_alarms(self.notifier, tx, o, s, now),
            )
            for obligation_id, subject_id in due
        )

    async def law_loop(self, stop: asyncio.Event) -> None:
        """Once a second: whether other files were activated, here or elsewhere; then every case is judged by them."""
        wait = 1.0
        while not await pause(stop, wait):
            try:
                wait = 60.0 if await asyncio.to_thread(self.review) is None else 1.0
            except DatabaseAway as error:
                log.warning("law.database_away", detail=str(error))

    def review(self) -> int | None:
        """Judge every case by the activation that stands, unless that was done; gives the duties that moved, None when a
        case could not be judged: it is tried again, and until then keeps the dates it has."""
        name = activation.law_name(self.notifier.trial.id)
        if not self.db.read(lambda tx: store.is_published(tx, name, 1)):
            self.db.transact(lambda tx: activation.publish_first(self.notifier, tx, self.clock.now()))
        pending = self.db.read(activation.to_review)
        if pending is None:
            return 0
        number, cases = pending
        now = self.clock.now()
        moved = [
            self._apart(
                f"case:{case_id}",
                lambda tx, s=subject_id, c=case_id: activation.review_case(self.notifier, tx, s, c, now),
                failed=-1,
            )
            for subject_id, case_id in cases
        ]
        if -1 in moved:
            return None
        self.db.transact(lambda tx: activation.reviewed(self.notifier, tx, number, len(cases), self.clock.now()))
        return sum(moved)

    async def taken_back_loop(self, stop: asyncio.Event) -> None:
        """Every two seconds: what waits and whose document may not leave gets a new one; nobody waits for it, so it is made here."""
        while not await pause(stop, 2.0):
            try:
                await asyncio.to_thread(self.make_again)
            except DatabaseAway as error:
                log.warning("taken_back.database_away", detail=str(error))

    def make_again(self) -> int:
        """One pass; returns how many documents were made again."""
        now = self.clock.now()
        for child, redaction in self.db.read(lambda tx: store.left_to_withdraw(tx, now)):
            self._apart(
                f"child:{redaction}",
                lambda tx, c=child, r=redaction: withdrawing.withdraw_left(self.notifier, tx, c, r, now),
            )
        done, stuck = 0, set[tuple[str, str]]()
        for row in self.db.read(store.to_remake):
            place = (row.case_id, row.recipient_id)
            # Of one case, for one recipient, the older first: a report made later has a later time in it.
            made = False if place in stuck else self._make_again(row)
            done += bool(made)
            if made is None:
                stuck.add(place)
        return done

    def _make_again(self, row: FilingRow) -> bool | None:
        """Whether it was made; None when it could not be: that must not keep the others waiting, so the bell rings, and it
        is tried again."""
        try:
            if row.method == "gateway":
                return self._tell_anew(row)
            made = self.db.read(lambda tx: withdrawing.drafted_again(self.notifier, tx, row, self.clock.now()))
            pdf = filings.typeset(made)[0]
            now = self.clock.now()
            done = self.db.transact(lambda tx: withdrawing.remade(self.notifier, tx, row.filing_id, made, pdf, now))
        except DatabaseAway:
            raise
        except Conflict:  # words were taken back meanwhile: the next pass reads again
            return None
        except Exception as error:
            log.error("taken_back.not_made", filing_id=row.filing_id, error_type=type(error).__name__)
            self.ring("delivery_failed", f"filing:{row.filing_id}")
            return None
        return done is not None

    def _tell_anew(self, row: FilingRow) -> bool:
        made = self.db.read(lambda tx: withdrawing.drafted_anew(self.notifier, tx, row, self.clock.now()))
        now = self.clock.now()
        prepared = icsr.judged(self.notifier, made, now)
        document = self.db.transact(
            lambda tx: withdrawing.told_anew(self.notifier, tx, row.filing_id, made, prepared, now)
        )
        return document is not None

    def _apart(self, place: str, unit: Callable[[Tx], int], *, failed: int = 0) -> int:
        """One duty that cannot be computed must not silence the alarms of the others: the bell rings for it instead."""
        try:
            return self.db.transact(unit)
        except DatabaseAway:
            raise
        except Exception as error:
            log.error("deadline.failed", place=place, error_type=type(error).__name__)
            self.ring("deadline_engine_failed", place)
            return failed

    def rounds(self) -> int:
        now = self.clock.now()
        waiting = self.db.read(lambda tx: [row.alert_id for row in store.open_alerts_without_waiting_calls(tx)])
        begun = 0
        for alert_id in waiting:
            if self._apart(
                f"alert:{alert_id}", lambda tx, a=alert_id: int(alerts.next_round(self.notifier, tx, a, now))
            ):
                begun += 1
                self.ring("roster_exhausted", f"alert:{alert_id}")
        return begun

    def replaced(self) -> int:
        """Evaluate void cases and their replacements again: each may be another child's."""
        now = self.clock.now()
        pairs = self.db.read(lambda tx: duties.replaced_pairs(tx, now))

        def unit(subject_id: str, case_id: str) -> int:
            def run(tx: Tx) -> int:
                self.notifier.audit.lock(tx, subject_id)
                return len(duties.evaluate_case(self.notifier, tx, case_id, now))

            return self._apart(f"case:{case_id}", run)

        return sum(unit(subject_id, case_id) for subject_id, case_id in pairs)
