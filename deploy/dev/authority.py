"""A simulated authority in a process of its own: it takes E2B(R3) files, judges them, and answers with acknowledgements.

`python -m deploy.dev.authority --schemas DIR [--profile ich|fda-premarket] [--mode accept] [--drop IN OUT] [--with-parent]`

HTTP: `POST /in` (a report), `GET /out`, `GET /out/NAME`, `DELETE /out/NAME` (answers), `GET /received` (what came, with
counts), `GET /given` (what it has answered), `DELETE /received` (new books), `GET /mode` and `POST /mode` with
`{"mode": "reject", "reasons": ["…"]}`. With `--drop` it also watches a directory and answers into another. What is not valid
is rejected in every mode that answers.

accept: loaded. warn: loaded, with a warning. reject: valid and yet turned down, with reasons. late: accepts after `delay_s`.
twice: the same answer two times. again: accepts, then rejects the same. never: takes it and stays silent. garbage: answers
with no acknowledgement. unmatched: answers about another batch. unavailable: 503. deaf: takes it, and its own answer is lost.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import threading
import time
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import unquote

from deploy.dev.ports import LOOPBACK, free_ports
from deploy.dev.process import hold
from services.sae_notifier.e2b import AckReport, Finding, Profile, XmlRefused, as_profile, read, validate
from services.sae_notifier.e2b.ack import MessageCode
from services.sae_notifier.e2b.ack_write import Answer, write_ack

ModeName = Literal[
    "accept",
    "warn",
    "reject",
    "late",
    "twice",
    "again",
    "never",
    "garbage",
    "unmatched",
    "unavailable",
    "deaf",
]
NAME = "AUTHORITY-TEST"
TAKEN = "taken"
DEFAULT_REASONS = ("C.3.4.8: Data value required for tag emailAddress", "E.i.2.1b contains invalid value")


@dataclass(frozen=True)
class Mode:
    mode: ModeName = "accept"
    delay_s: float = 3.0
    """How late `late` is."""
    reasons: tuple[str, ...] = DEFAULT_REASONS

    @classmethod
    def of(cls, given: dict[str, Any]) -> Mode:
        made = cls(**given)
        if made.mode not in get_args(ModeName):
            raise ValueError(f"mode must be one of {', '.join(get_args(ModeName))}")
        return replace(made, reasons=tuple(str(one) for one in made.reasons), delay_s=float(made.delay_s))


@dataclass(frozen=True)
class Received:
    """One file as it came; `times` counts deliveries of these very bytes."""

    number: str
    case_number: str
    created: str
    sha256: str
    times: int
    findings: tuple[str, ...]


@dataclass(frozen=True)
class Reply:
    """One answer and what it says: of which message (N.1.2) and with which code; both empty where it is no acknowledgement."""

    content: bytes
    number: str = ""
    code: MessageCode | Literal[""] = ""


@dataclass(frozen=True)
class Given:
    """One answer that was put into the outbox."""

    name: str
    number: str
    code: str
    sha256: str


@dataclass(frozen=True)
class Header:
    batch_number: str = ""
    batch_sent: str = ""
    batch_sender: str = ""
    case_number: str = ""
    created: str = ""


class Authority:
    """Its books: what it received, what it has answered, what still lies in its outbox."""

    def __init__(self, schemas: Path, profile: Profile, mode: Mode, on_answer: Any = None) -> None:
        self.schemas, self.mode = schemas, mode
        self.profile: Profile = profile
        self.received: dict[str, Received] = {}
        self.outbox: dict[str, bytes] = {}
        self.given: list[Given] = []
        self._numbers: dict[str, str] = {}
        self._due: list[tuple[float, list[Reply]]] = []
        self._lock = threading.Lock()
        self._count = 0
        self._on_answer = on_answer

    def take(self, xml: bytes) -> str:
        """Book one delivery and line up its answers; returns the receipt number. The same bytes again are booked, and not
        answered again."""
        digest = hashlib.sha256(xml).hexdigest()
        with self._lock:
            if self._again(digest):
                return f"R-{digest[:12]}"
            header = _header(xml)
            twin = self._numbers.setdefault(header.batch_number, digest)
            mode = self.mode
        found = validate(xml, self.profile, self.schemas)
        errors = [_words(one) for one in found if one.severity == "error"]
        if twin != digest:
            errors.insert(0, "N.1.2: Case Rejected as Message No and Sender Combination already Exists")
        with self._lock:
            if self._again(digest):  # delivered twice at the same time
                return f"R-{digest[:12]}"
            self.received[digest] = Received(
                header.batch_number, header.case_number, header.created, digest, 1, tuple(errors)
            )
            answers = self._answers(header, errors, mode)
            self._due.append((time.monotonic() + (mode.delay_s if mode.mode == "late" else 0.0), answers))
        self.release()
        return f"R-{digest[:12]}"

    def _again(self, digest: str) -> bool:
        """Book one more delivery of what is known; False for what is not."""
        before = self.received.get(digest)
        if before is not None:
            self.received[digest] = replace(before, times=before.times + 1)
        return before is not None

    def forget(self) -> None:
        """Close the books and begin new ones."""
        with self._lock:
            self.received.clear()
            self.outbox.clear()
            self.given.clear()
            self._numbers.clear()
            self._due.clear()

    def release(self) -> None:
        """Put what is due into the outbox."""
        with self._lock:
            ready = [one for one in self._due if one[0] <= time.monotonic()]
            self._due = [one for one in self._due if one not in ready]
            for _, answers in ready:
                for answer in answers:
                    self._count += 1
                    name = f"{self._count:06}.ack"
                    digest = hashlib.sha256(answer.content).hexdigest()
                    self.given.append(Given(name, answer.number, answer.code, digest))
                    self.outbox[name] = answer.content
                    if self._on_answer is not None:
                        self._on_answer(name, answer.content)

    def _answers(self, header: Header, errors: list[str], mode: Mode) -> list[Reply]:
        if mode.mode == "never":
            return []
        if mode.mode == "garbage":
            return [Reply(b"<html><body>502 Bad Gateway</body></html>")]
        if errors:
            return [self._ack(header, "AR", "CR", errors)]
        if mode.mode == "reject":
            return [self._ack(header, "AR", "CR", list(mode.reasons))]
        if mode.mode == "unmatched":
            other = replace(header, batch_number="SOMEBODY-ELSE-1", case_number="XX-SOMEBODY-1")
            return [self._ack(other, "AA", "CA", [])]
        if mode.mode == "warn":
            return [self._ack(header, "AE", "CA", ["W0009: G.k.2.2 should match the name registered"])]
        good = self._ack(header, "AA", "CA", [])
        if mode.mode == "twice":
            return [good, good]
        return [good, self._ack(header, "AR", "CR", list(mode.reasons))] if mode.mode == "again" else [good]

    def _ack(self, header: Header, code: MessageCode, report: str, errors: list[str]) -> Reply:
        now = datetime.now(UTC).replace(microsecond=0)
        content = write_ack(
            Answer(
                number=f"ACK-{header.batch_number}-{code}-{len(self.received)}"[:100],
                sender=NAME,
                receiver=header.batch_sender or "UNKNOWN",
                created_at=now,
                message_code=code,
                batch_number=header.batch_number,
                batch_sent=header.batch_sent,
                reports=(AckReport(header.case_number, report, tuple(errors), created=header.created),),
            )
        )
        return Reply(content, header.batch_number, code)


def _header(xml: bytes) -> Header:
    try:
        back = read(xml)
    except XmlRefused:
        return Header()
    report = back.reports[0] if back.reports else None
    return Header(
        back.batch.text("N.1.2") or "",
        back.batch.text("N.1.5") or "",
        back.batch.text("N.1.3") or "",
        (report and report.text("C.1.1")) or "",
        (report and report.text("N.2.r.4")) or "",
    )


def _words(one: Finding) -> str:
    return f"{one.element or one.xpath}: {one.en} ({one.rule})"


class Drop(threading.Thread):
    """Watches a directory, takes each file that appears out of it, and answers into another.

    A file that stayed would be a new one to the next process, and be answered twice.
    """

    def __init__(self, authority: Authority, inbox: Path) -> None:
        super().__init__(daemon=True)
        self._authority, self._inbox, self._taken = authority, inbox, inbox / TAKEN
        self._taken.mkdir(exist_ok=True)
        self.ended = threading.Event()

    def run(self) -> None:
        while not self.ended.wait(0.1):
            self._authority.release()
            for path in sorted(self._inbox.glob("*.xml")):
                content = path.read_bytes()
                path.replace(self._taken / path.name)
                self._authority.take(content)


def _handler(authority: Authority) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            authority.release()
            if self.path == "/livez":
                self._answer({"status": "ok"})
            elif self.path == "/received":
                self._answer([asdict(one) for one in list(authority.received.values())])
            elif self.path == "/given":
                self._answer([asdict(one) for one in list(authority.given)])
            elif self.path == "/mode":
                self._answer(asdict(authority.mode))
            elif self.path == "/out":
                self._answer({"answers": sorted(authority.outbox)})
            elif (content := authority.outbox.get(self._name())) is not None:
                self._answer(content, content_type="application/xml")
            else:
                self._answer({"detail": "no such page"}, status=404)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.path == "/mode":
                try:
                    authority.mode = Mode.of(json.loads(body))
                except (ValueError, TypeError) as why:
                    self._answer({"detail": str(why)}, status=422)
                    return
                self._answer(asdict(authority.mode))
            elif self.path == "/in" and authority.mode.mode == "unavailable":
                self._answer({"detail": "closed"}, status=503)
            elif self.path == "/in":
                receipt = authority.take(body)
                if authority.mode.mode == "deaf":
                    self.close_connection = True  # it has the file; whoever sent it will never hear so
                    return
                self._answer({"status": "taken"}, status=202, receipt=receipt)
            else:
                self._answer({"detail": "no such page"}, status=404)

        def do_DELETE(self) -> None:
            if self.path == "/received":
                authority.forget()
                self._answer({"status": "forgotten"})
                return
            known = authority.outbox.pop(self._name(), None)
            self._answer({"status": "forgotten"}, status=200 if known is not None else 404)

        def log_message(self, format: str, *args: object) -> None:
            return

        def _name(self) -> str:
            head, _, name = self.path.rpartition("/")
            return unquote(name) if head == "/out" else ""

        def _answer(
            self, what: object, *, status: int = 200, content_type: str = "application/json", receipt: str = ""
        ) -> None:
            body = what if isinstance(what, bytes) else json.dumps(what, ensure_ascii=False).encode()
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            if receipt:
                self.send_header("Receipt-Number", receipt)
            self.end_headers()
            self.wfile.write(body)

    return Handler


def main() -> None:
    """Run until SIGTERM; prints one JSON line with its address."""
    parser = argparse.ArgumentParser(prog="python -m deploy.dev.authority", description=__doc__)
    parser.add_argument("--host", default=LOOPBACK)
    parser.add_argument("--port", type=int, default=0, help="0 picks a free one")
    parser.add_argument("--schemas", type=Path, required=True, help="the official schemas: it validates what it gets")
    parser.add_argument("--profile", default="ich")
    parser.add_argument("--mode", default="accept", choices=get_args(ModeName))
    parser.add_argument("--delay-s", type=float, default=3.0)
    parser.add_argument("--drop", nargs=2, type=Path, metavar=("IN", "OUT"), default=None)
    parser.add_argument("--with-parent", action="store_true", help="end when standard input does")
    asked = parser.parse_args()
    drop: tuple[Path, Path] | None = tuple(asked.drop) if asked.drop else None

    def into(name: str, content: bytes) -> None:
        if drop is not None:
            part = drop[1] / f".{name}"
            part.write_bytes(content)
            part.replace(drop[1] / name)

    authority = Authority(asked.schemas, as_profile(asked.profile), Mode(asked.mode, asked.delay_s), into)
    port = asked.port or free_ports(1)[0]
    server = ThreadingHTTPServer((asked.host, port), _handler(authority))
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    watcher = Drop(authority, drop[0]) if drop is not None else None
    if watcher is not None:
        watcher.start()

    def stop() -> None:
        if watcher is not None:
            watcher.ended.set()
        server.shutdown()
        server.server_close()

    hold(json.dumps({"url": f"http://{LOOPBACK}:{port}"}), stop, with_parent=asked.with_parent)


if __name__ == "__main__":
    main()
