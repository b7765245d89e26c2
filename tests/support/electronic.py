"""A trial whose ADR centre is reached by computer, and a world in which that computer is a list in memory.

The shipped trial, with `di_adr` as an E2B(R3) recipient and an invented sender: nobody's name, no real identifier.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from services.sae_notifier import store
from services.sae_notifier.channels import Gateway, Handed, HandoverFailed, Parcel, Waiting
from services.sae_notifier.dispatch import Dispatcher
from services.sae_notifier.e2b import AckReport, read
from services.sae_notifier.e2b.ack import MessageCode
from services.sae_notifier.e2b.ack_write import Answer, write_ack
from services.sae_notifier.handlers import filings, icsr
from services.sae_notifier.handlers.notifier import Electronic
from services.sae_notifier.store import AckRow, FilingRow, FormRow, ReceiptRow
from shared import trial as trials
from shared.case import Obligation
from shared.trial import Trial
from tests.support import deeds
from tests.support.e2b import SCHEMAS
from tests.support.world import OFFICER, World

SHIPPED = Path(__file__).parents[2] / "deploy/trials/vinmec-cp-bmmnc.yaml"
RECIPIENT, ENDPOINT = "di_adr", "adr-centre"
_SENDER = """
safety_sender:
  e2b_id: TESTSENDER
  organisation: Trial sponsor
  department: Safety desk
  title: Dr
  given_name: On-call
  family_name: Safety officer
  street: 1 Example Street
  city: Hanoi
  state: Hanoi
  postcode: "10000"
  country: VN
  telephone: "+84240000000"
  fax: "+84240000001"
  email: safety@example.org
study:
  name: CP-II$Bone-marrow cells in cerebral palsy
  sponsor_number: BMMNC-CP-II
  registrations: [{number: TEST-0001, country: VN}]
  condition: Spastic cerebral palsy
  ind_number: "123456"
"""


def trial_text(kind: str = "http_gateway", profile: str = "ich", answer_within_hours: int = 48) -> str:
    """The trial file; `kind` is how the centre's computer is reached."""
    receivers = ("ZZFDATST_PREMKT", "CBER_IND") if profile == "fda-premarket" else ("NRA-TEST", "NRA-TEST")
    named = f"{{profile: {profile}, batch_receiver: {receivers[0]}, receiver: {receivers[1]}}}"
    transport = f"""    report_format: e2b_r3
    e2b: {named}
    transport: {{kind: {kind}, endpoint: {ENDPOINT}, answer_within_hours: {answer_within_hours}}}
"""
    shipped = SHIPPED.read_text(encoding="utf-8")
    head, found, tail = shipped.partition("    address: di-adr-sae@example.org\n")
    assert found
    return head + found + tail.replace("    report_format: vn_sae_form\n", transport, 1) + _SENDER


def trial(**how: Any) -> Trial:
    return trials.load(trial_text(**how), "electronic.yaml")


@dataclass
class Desk:
    """An authority's computer in memory; what it took survives a crash of ours. `refuses` and `deaf` are told in words."""

    taken: list[Parcel] = field(default_factory=list)
    outbox: dict[str, bytes] = field(default_factory=dict)
    refuses: bool = False
    deaf: bool = False
    """It takes the file, and its answer is lost on the way."""
    receipts: bool = True
    counted: int = 0

    async def hand_over(self, parcel: Parcel) -> Handed:
        if self.refuses:
            raise HandoverFailed("http_gateway: answered 503")
        self.taken.append(parcel)
        if self.deaf:
            raise HandoverFailed("http_gateway: ReadTimeout")
        return Handed("answered 202", f"R-{parcel.sha256[:12]}" if self.receipts else "")

    async def answers(self) -> list[Waiting]:
        return [Waiting(name, content) for name, content in sorted(self.outbox.items())]

    async def done_with(self, name: str) -> None:
        self.outbox.pop(name, None)

    def answer(self, content: bytes) -> None:
        self.counted += 1
        self.outbox[f"{self.counted:04}.ack"] = content

    def ack(self, parcel: Parcel, code: MessageCode, report: str = "", *errors: str, **changed: Any) -> bytes:
        """An acknowledgement of that file; `changed` are fields of the answer."""
        back = read(parcel.content)
        first = back.reports[0]
        given: dict[str, Any] = {
            "number": f"ACK-{self.counted}-{parcel.number}",
            "sender": "AUTHORITY-TEST",
            "receiver": "TESTSENDER",
            "created_at": changed.pop("at"),
            "message_code": code,
            "batch_number": parcel.number,
            "batch_sent": back.batch.text("N.1.5") or "",
            "reports": (AckReport(first.text("C.1.1") or "", report, errors, created=first.text("N.2.r.4") or ""),)
            if report
            else (),
        }
        return write_ack(Answer(**(given | changed)))


class ElectronicWorld(World):
    """A World whose ADR centre answers by computer. `desk` is that computer; it outlives a crash."""

    def __init__(self, *, schemas: Path = SCHEMAS, **how: Any) -> None:
        self.desk = Desk()
        self.schemas = schemas
        self._trial = trial(**how)
        super().__init__()

    def _open(self) -> None:
        self.trial = self._trial
        super()._open()
        electronic = Electronic(self.schemas, frozenset({ENDPOINT}))
        self.notifier = replace(self.notifier, electronic=electronic)
        notifier = self.services["sae_notifier"]
        channels = {"mail": self.mail, "webhook": self.hooks}
        address = self.settings.base_url
        self.dispatcher = Dispatcher(
            notifier.db, self.notifier, self.clock, channels, address, self._ring, self._gateways()
        )

    def _gateways(self) -> dict[str, Gateway]:
        return {ENDPOINT: self.desk}

    def fetch(self) -> int:
        """Take in whatever the authority has answered."""
        return self.loop.run_until_complete(self.dispatcher.answers.fetch())

    def duty(self, case_id: str) -> Obligation:
        """The first duty towards the centre."""
        return next(one for one in deeds.duties(self, case_id) if one.recipient_id == RECIPIENT)

    def make(self, obligation_id: str) -> FormRow:
        db, now = self["sae_notifier"].db, self.clock.now()
        made = db.read(lambda tx: icsr.draft(self.notifier, tx, obligation_id, now))
        prepared = icsr.judged(self.notifier, made, now)
        return db.transact(lambda tx: icsr.keep(self.notifier, tx, made, prepared, OFFICER, now))

    def transmit(self, obligation_id: str, document_id: str | None = None) -> FilingRow:
        """Make the electronic report and line it up to be sent."""
        given = document_id or self.make(obligation_id).document_id
        now = self.clock.now()
        return self["sae_notifier"].db.transact(
            lambda tx: filings.file(
                self.notifier,
                tx,
                obligation_id=obligation_id,
                document_id=given,
                method="gateway",
                user_id=OFFICER,
                now=now,
            )
        )

    def filing(self, filing_id: str) -> FilingRow:
        row = self["sae_notifier"].db.read(lambda tx: store.filing(tx, filing_id))
        assert row is not None
        return row

    def receipts(self, filing_id: str) -> list[ReceiptRow]:
        return self["sae_notifier"].db.read(lambda tx: store.receipts_of(tx, [filing_id]))

    def acks(self, state: str | None = None) -> list[AckRow]:
        return self["sae_notifier"].db.read(lambda tx: store.acks(tx, state=state))

    def kinds(self, case_id: str | None = None) -> list[str]:
        """Kinds of the alerts opened, oldest first."""
        return [one.kind for one in reversed(deeds.alerts_of(self, case_id))]

    def ack(self, code: MessageCode, report: str = "", *errors: str, nth: int = -1, **changed: Any) -> bytes:
        return self.desk.ack(self.desk.taken[nth], code, report, *errors, at=self.clock.now(), **changed)


def reported(world: ElectronicWorld, subject_id: str = "VN01-007", **event: Any) -> str:
    """A coded, life-threatening case of a known child; returns its id."""
    body = deeds.report(
        subject_id,
        aware=world.clock.now(),
        seriousness=deeds.seriousness(life_threatening="yes"),
        **({"term_code": "10027199"} | event),
    )
    case_id = deeds.submit(world, body)["case_id"]
    world.drain()
    return case_id
