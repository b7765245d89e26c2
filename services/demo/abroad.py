"""The duties in other countries: one authority turns the report down, the data is corrected, it is accepted; then everybody else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import datetime
from typing import Any

from services import drop_boxes
from services.demo import correction
from services.demo.authorities import Authorities
from services.demo.desk import Desk
from services.demo.electronic import Electronic, Sent, changed, takes_files
from services.demo.filing import Filing
from services.demo.people import NotAsTold, Unexpected
from services.demo.words import Say
from services.sae_notifier.e2b import installed
from shared.settings import Settings
from shared.trial import Recipient, Trial

MOST_ROUNDS = 3
"""A report begets duties of its own, which beget none."""
SCHEMAS_MISSING = "e2b-schemas-missing"


class Abroad:
    """`tell` returns what the first authority said in the end; None where nothing could be sent electronically."""

    def __init__(self, settings: Settings, trial: Trial, say: Say, desk: Desk, electronic: Electronic) -> None:
        self._settings, self._trial, self._say, self._desk = settings, trial, say, desk
        self._electronic = electronic
        self.left_out = self._why_left_out()
        """Why no electronic report is sent, in both languages; None when they are."""

    @property
    def recipients(self) -> Sequence[Recipient]:
        return [one for one in self._trial.recipients if takes_files(one)]

    def look_first(self) -> None:
        """Raises NotAsTold where the instance would send to a place that nobody plays here."""
        if self.left_out is not None:
            return
        home = self._settings.var / drop_boxes.FOLDER
        if not drop_boxes.meant(self._settings, self._trial):
            raise NotAsTold(
                f"TOCSIN_ENDPOINTS names other places than {home}: the demonstration answers only there, lest a made-up case reach "
                "somebody's computer; start the instance and this command without it"
            )
        if not drop_boxes.there(self._settings.var, self._trial):
            raise NotAsTold(
                f"the instance does not use {home}, which `make run` and `make rehearsal` make: start it and this command with the "
                "same TOCSIN_VAR and TOCSIN_TRIAL, and both without TOCSIN_ENDPOINTS"
            )

    def tell(self, filing: Filing, version: int, correct: Callable[[], None]) -> str | None:
        """Everything that is still owed. `correct` puts the record right, and has the monitor judge it anew."""
        if self.left_out is not None:
            self._tell_left_out()
        if not self._desk.owed():
            return None
        with ExitStack() as stack:
            answer = self._first(stack, correct) if self.left_out is None else None
            for number in range(MOST_ROUNDS):
                owed = [
                    one for one in self._desk.owed() if self.left_out is None or not self._electronic.recipient(one)
                ]
                if not owed:
                    return answer
                if number == 0:
                    self._say.step("Everybody else abroad", "Các nơi nhận khác ở nước ngoài")
                else:
                    self._say.step("What these reports began", "Nghĩa vụ phát sinh từ các báo cáo này")
                self._round(owed, filing, version)
        return answer

    def _why_left_out(self) -> tuple[str, str] | None:
        if not self.recipients:
            return (
                (
                    f"the trial {self._trial.id} has no recipient with a computer for E2B(R3). The one that has: stop the instance, then "
                    "start it anew and this command with TOCSIN_TRIAL=deploy/trials/demo-multinational.yaml and a new TOCSIN_VAR."
                ),
                (
                    f"thử nghiệm {self._trial.id} không có nơi nhận E2B(R3) bằng máy tính. Muốn xem: dừng hệ thống, rồi khởi động lại "
                    "và chạy lệnh này với TOCSIN_TRIAL=deploy/trials/demo-multinational.yaml và TOCSIN_VAR mới."
                ),
            )
        if not installed(self._settings.e2b_schemas_dir):
            here = str(self._settings.e2b_schemas_dir)
            return self._no_schemas(here, here)
        return None

    @staticmethod
    def _no_schemas(en: str, vi: str) -> tuple[str, str]:
        return (
            (
                f"the official E2B(R3) schemas are not in {en}, and without them nothing may be sent. Remedy: "
                "`tocsin e2b fetch-schemas`, or TOCSIN_E2B_SCHEMAS names the directory where they are, for the instance and "
                "for this command."
            ),
            (
                f"chưa cài lược đồ E2B(R3) chính thức trong {vi}; không có thì không gửi gì. Cách khắc phục: "
                "`tocsin e2b fetch-schemas`, hoặc đặt TOCSIN_E2B_SCHEMAS là thư mục chứa chúng, cho hệ thống và cho lệnh này."
            ),
        )

    def _tell_left_out(self) -> None:
        assert self.left_out is not None
        self._say.step("Electronic reports: LEFT OUT", "Báo cáo điện tử: BỎ QUA")
        self._say.line(f"Left out, because {self.left_out[0]}", f"Bỏ qua, vì {self.left_out[1]}")

    def _first(self, stack: ExitStack, correct: Callable[[], None]) -> str | None:
        """Sent, turned down, corrected, sent again."""
        duty = self._strictest()
        recipient = self._electronic.recipient(duty)
        assert recipient is not None
        with self._say.waiting("starting the simulated authorities …", "đang khởi động cơ quan giả lập …"):
            boxes = drop_boxes.of(self._settings.var, self._trial)
            authorities = stack.enter_context(Authorities(self._settings.e2b_schemas_dir, boxes, self.recipients))
        name = recipient.name
        self._say.step(f"{name.en}: sent, and turned down", f"{name.vi}: đã gửi, và bị từ chối")
        self._say.line(
            "Simulated: a process of its own on this machine takes the files, validates them and answers "
            f"({self._settings.var / drop_boxes.FOLDER}); it ends with this command.",
            "Giả lập: một tiến trình riêng trên máy này nhận tệp, kiểm tra và trả lời "
            f"({self._settings.var / drop_boxes.FOLDER}); kết thúc cùng lệnh này.",
        )
        authorities.mode(recipient.id, "reject", correction.REASONS)
        try:
            sent = self._electronic.send(duty)
        except Unexpected as answer:
            if answer.code != SCHEMAS_MISSING:
                raise
            self.left_out = self._no_schemas("the place where the instance looks", "nơi hệ thống tìm")
            self._tell_left_out()
            return None
        self._expect(sent, "rejected")
        self._complained(sent)
        self._say.step("Corrected, made anew, accepted", "Sửa, lập lại, được chấp nhận")
        correct()
        authorities.mode(recipient.id, "accept")
        there = sent.values.get(correction.ELEMENT)
        again = self._electronic.send(
            self._desk.duty(duty["obligation_id"]), lambda values: values.get(correction.ELEMENT) != there
        )
        self._compare(sent, again)
        self._expect(again, "accepted")
        return "accepted"

    def _strictest(self) -> dict[str, Any]:
        """FDA's duty where there is one: its profile asks the most."""
        owed = [(self._electronic.recipient(one), one) for one in self._desk.owed()]
        reached = [(recipient, one) for recipient, one in owed if recipient is not None and recipient.e2b is not None]
        if not reached:
            raise NotAsTold("no duty is owed to a recipient that is reached by computer")
        premarket = [one for recipient, one in reached if recipient.e2b and recipient.e2b.profile == "fda-premarket"]
        return premarket[0] if premarket else reached[0][1]

    def _expect(self, sent: Sent, verdict: str) -> None:
        said = self._electronic.answered(sent)
        if said != verdict:
            raise NotAsTold(f"{sent.filing['message_number']} was {said}, not {verdict}: /ledger shows why")

    def _complained(self, sent: Sent) -> None:
        for reason, element, value in self._electronic.complaints(sent):
            self._say.line(f"Their reason: {reason}", f"Lý do: {reason}")
            held = value or self._say.pick("nothing", "không có gì")
            self._say.line(f"What we had sent in {element}: {held}.", f"Trong {element} ta đã gửi: {held}.")
        before, duty = sent.duty, self._desk.duty(sent.duty["obligation_id"])
        if duty["state"] != "rejected" or duty["due_at"] != before["due_at"]:
            raise NotAsTold(f"the duty is {duty['state']}, due {duty['due_at']}; before it was {before['due_at']}")
        due = self._say.when(datetime.fromisoformat(duty["due_at"]), duty["recipient_zone"])
        self._say.line(
            f"The duty is open again, with the date it always had: until {due}. /ledger/{duty['obligation_id']}",
            f"Nghĩa vụ mở lại, hạn vẫn như ban đầu: đến {due}. /ledger/{duty['obligation_id']}",
        )
        self._desk.confirm("turned down; the record is being corrected")

    def _compare(self, before: Sent, after: Sent) -> None:
        """What differs. Raises NotAsTold where the message kept its number."""
        if before.filing["message_number"] == after.filing["message_number"]:
            raise NotAsTold("the file made anew has the number of the one that was turned down")
        names = changed(before.values, after.values)
        was, now = (", ".join(one.values.get(correction.ELEMENT, ())) or "–" for one in (before, after))
        others = ", ".join(one for one in names if one != correction.ELEMENT) or "–"
        self._say.line(
            f"Both files read back: {correction.ELEMENT} {was} → {now}; with it, since a weight is a test result too: {others}. "
            "C.1.1 is the same, N.1.2 is another.",
            f"Đọc lại hai tệp: {correction.ELEMENT} {was} → {now}; kéo theo, vì cân nặng cũng là kết quả đo: {others}. "
            "C.1.1 giữ nguyên, N.1.2 là số khác.",
        )

    def _round(self, owed: Sequence[dict[str, Any]], filing: Filing, version: int) -> None:
        """All files leave before the first answer is waited for."""
        on_their_way = []
        for duty in owed:
            if self._electronic.recipient(duty):
                on_their_way.append(self._electronic.send(duty))
            else:
                filing.fulfil(duty, version)
        for sent in on_their_way:
            self._expect(sent, "accepted")
