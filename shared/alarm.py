"""The bell of last resort: one mail and one webhook when the machinery itself is in danger.

It needs no bus, no database and no event loop, and it cannot carry patient data: a kind from a fixed list, the service,
a place made of code characters and a number are all it can say. At most one ring per (kind, service) in `every_s`; what
was held back is counted in the next one. Call it from any thread; from a coroutine `asyncio.to_thread(bell.ring, …)`.
"""

from __future__ import annotations

import hmac
import json
import re
import smtplib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime
from hashlib import sha256
from typing import Literal, get_args
from urllib.parse import urlsplit

import httpx

from shared import metrics
from shared.clock import Clock, SystemClock
from shared.ids import new_id
from shared.telemetry import get_logger

log = get_logger(__name__)

Kind = Literal[
    "outbox_stuck",
    "consumer_stuck",
    "position_invalid",
    "version_gap",
    "same_version_other_bytes",
    "event_parked",
    "unknown_event_type",
    "breaker_open",
    "topic_misconfigured",
    "audit_broken",
    "seal_failed",
    "loop_died",
    "roster_exhausted",
    "delivery_failed",
    "answer_failed",
    "answers_closed",
    "deadline_engine_failed",
    "rules_invalid",
    "held",
    "not_judged_anew",
    "submission_rejected",
    "test",
]
SENTENCES: dict[str, tuple[str, str]] = {
    "outbox_stuck": ("Sự kiện nghiêm trọng chưa lên được sổ ghi.", "A serious event has not reached the log."),
    "consumer_stuck": ("Dịch vụ không đọc được sổ ghi.", "A service has stopped reading the log."),
    "position_invalid": ("Vị trí đọc không khớp với sổ ghi.", "A reading position does not match the log."),
    "version_gap": ("Thiếu một phiên bản sự kiện.", "A version of an event is missing."),
    "same_version_other_bytes": ("Hai nội dung khác nhau cùng một phiên bản.", "One version came with two contents."),
    "event_parked": ("Một sự kiện phải để riêng chờ xử lý.", "An event was parked and waits for a person."),
    "unknown_event_type": ("Loại sự kiện chưa biết.", "An event of an unknown type arrived."),
    "breaker_open": ("Dịch vụ tự dừng vì lỗi quá nhiều.", "A consumer stopped itself: too many failures."),
    "topic_misconfigured": ("Sổ ghi bị cấu hình sai.", "The log is configured wrongly."),
    "audit_broken": ("Nhật ký kiểm tra không còn nguyên vẹn.", "The audit trail does not verify."),
    "seal_failed": ("Không niêm phong được nhật ký kiểm tra.", "The audit trail could not be sealed."),
    "loop_died": ("Một tiến trình nền đã chết.", "A background loop died."),
    "roster_exhausted": (
        "Không ai trong danh sách trực xác nhận cảnh báo.",
        "Nobody on the roster confirmed an alert.",
    ),
    "delivery_failed": ("Không gửi được cảnh báo hoặc báo cáo.", "An alert or a report could not be delivered."),
    "answer_failed": ("Không nhận được một tệp phản hồi.", "A file that came back could not be taken in."),
    "answers_closed": ("Không lấy được phản hồi từ nơi nhận.", "The answers of a recipient cannot be fetched."),
    "deadline_engine_failed": ("Không tính được thời hạn.", "A deadline could not be computed."),
    "rules_invalid": ("Quy tắc hoặc lịch không hợp lệ.", "Rules or calendars are invalid."),
    "held": (
        "Dịch vụ tạm giữ: sổ ghi có nhiều hơn cơ sở dữ liệu.",
        "A service is held: its log knows more than its database.",
    ),
    "not_judged_anew": (
        "Sau khi phục hồi, hồ sơ của một trẻ chưa đánh giá lại được.",
        "After a restore a child could not be judged anew.",
    ),
    "submission_rejected": (
        "Một báo cáo gửi đến không nhận được; bản gửi đang chờ trên bàn an toàn, chưa gọi ai.",
        "A submission could not be taken; it stands on the desk and has called nobody.",
    ),
    "test": ("Đây là chuông thử.", "This is a test of the bell."),
}
_PLACE = re.compile(r"^[A-Za-z0-9_.:/\[\]#=+-]{0,160}$")


@dataclass(frozen=True)
class Rung:
    """What became of one ring: `held` back by the rate limit, or the channels that took it and those that did not."""

    held: bool
    taken: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()


@dataclass
class _Last:
    at: float = float("-inf")
    held: int = 0


class Bell:
    """`mail_to` and `webhook_url` may be empty; with neither, every ring is logged as unheard and counted so."""

    def __init__(
        self,
        *,
        smtp_url: str = "",
        mail_from: str = "",
        mail_to: str = "",
        webhook_url: str = "",
        webhook_secret: bytes = b"",
        base_url: str = "",
        clock: Clock | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        every_s: float = 600.0,
        retry_s: float = 30.0,
        timeout_s: float = 5.0,
    ) -> None:
        self._smtp_url, self._mail_from, self._mail_to = smtp_url, mail_from, mail_to
        self._webhook_url, self._webhook_secret, self._base_url = webhook_url, webhook_secret, base_url
        self._clock, self._monotonic = clock or SystemClock(), monotonic
        self._every_s, self._retry_s, self._timeout_s = every_s, retry_s, timeout_s
        self._last: dict[tuple[str, str], _Last] = {}
        self._lock = threading.Lock()

    def ring(self, kind: Kind, service: str, *, place: str = "", count: int | None = None) -> Rung:
        """Ring once; a failing send never raises. `place` is a code (`tocsin.safety[3]`, an event id), never text."""
        if kind not in SENTENCES:
            raise ValueError(f"alarm kind {kind!r} is not in shared.alarm.Kind")
        place = place if _PLACE.fullmatch(place) else "(withheld)"
        metrics.ALARMS_RUNG.labels(service=service, kind=kind).inc()
        log.critical("alarm", service=service, kind=kind, path=place, count=count, detail=SENTENCES[kind][1])
        with self._lock:
            last = self._last.setdefault((kind, service), _Last())
            if self._monotonic() - last.at < self._every_s:
                last.held += 1
                return Rung(held=True)
            last.at, held, last.held = self._monotonic(), last.held, 0
        outcome = self._send(kind, service, place, count, held)
        if not outcome.taken:
            with self._lock:  # nobody heard it: let the next one through soon
                last.at = self._monotonic() - self._every_s + self._retry_s
                last.held += held + 1
        return outcome

    def _send(self, kind: str, service: str, place: str, count: int | None, held: int) -> Rung:
        taken: list[str] = []
        failed: list[str] = []
        channels = (("mail", self._mail, self._mail_to), ("webhook", self._webhook, self._webhook_url))
        for name, send, target in channels:
            if not target:
                continue
            try:
                send(kind, service, place, count, held)
                taken.append(name)
            except Exception as error:  # the bell must not bring down whoever rings it
                failed.append(name)
                metrics.ALARM_FAILURES.labels(service=service, channel=name).inc()
                log.critical("alarm.unheard", service=service, kind=kind, channel=name, exc_info=error)
        if not taken and not failed:
            metrics.ALARM_FAILURES.labels(service=service, channel="none").inc()
            log.critical("alarm.unheard", service=service, kind=kind, channel="none", remedy="set TOCSIN_ALARM_MAIL")
        return Rung(held=False, taken=tuple(taken), failed=tuple(failed))

    def _mail(self, kind: str, service: str, place: str, count: int | None, held: int) -> None:
        vietnamese, english = SENTENCES[kind]
        message = EmailMessage()
        message["Subject"] = f"[Tocsin] {service}: {kind}"
        message["From"] = self._mail_from
        message["To"] = self._mail_to
        message["Date"] = format_datetime(self._clock.now())
        message["Message-ID"] = f"<alarm-{new_id()}@tocsin.invalid>"
        message["Auto-Submitted"] = "auto-generated"
        lines = [vietnamese, english, "", f"service: {service}", f"kind: {kind}", f"place: {place or '-'}"]
        lines += [f"count: {count}"] if count is not None else []
        lines += [f"held back since the last one: {held}"] if held else []
        lines += [f"address: {self._base_url}"] if self._base_url else []
        message.set_content("\n".join(lines))
        server = urlsplit(self._smtp_url)
        with smtplib.SMTP(server.hostname or "localhost", server.port or 25, timeout=self._timeout_s) as smtp:
            if server.scheme == "smtp+starttls":
                smtp.starttls()
            if server.username:
                smtp.login(server.username, server.password or "")
            smtp.send_message(message)

    def _webhook(self, kind: str, service: str, place: str, count: int | None, held: int) -> None:
        body = json.dumps(
            {
                "alarm": kind,
                "service": service,
                "place": place,
                "count": count,
                "held_back": held,
                "text_vi": SENTENCES[kind][0],
                "text_en": SENTENCES[kind][1],
                "at": self._clock.now().isoformat(),
            },
            ensure_ascii=False,
        ).encode()
        signature = hmac.new(self._webhook_secret, body, sha256).hexdigest()
        headers = {"content-type": "application/json", "x-tocsin-signature": f"sha256={signature}"}
        response = httpx.post(self._webhook_url, content=body, headers=headers, timeout=self._timeout_s)
        response.raise_for_status()


assert frozenset(get_args(Kind)) == SENTENCES.keys()
