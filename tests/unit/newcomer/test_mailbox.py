"""The demonstration's mailbox opens only when it is one, and reads what it kept."""

from __future__ import annotations

from email.message import EmailMessage
from pathlib import Path

import pytest

from services.mailbox import kept, wanted
from shared.errors import NotFound
from shared.settings import Settings

NAME = "20261123T050000Z-0001"


@pytest.mark.parametrize(
    ("environ", "answer"),
    [
        ({}, True),
        ({"TOCSIN_DEMO": "0"}, False),
        ({"TOCSIN_SMTP_URL": "smtp://127.0.0.1:1025"}, False),
    ],
)
def test_it_opens_only_in_a_demonstration_without_a_mail_server(
    environ: dict[str, str], answer: bool, tmp_path: Path
) -> None:
    assert wanted(Settings.load(environ | {"TOCSIN_VAR": str(tmp_path)})) is answer


def test_a_mail_is_read_with_its_attachment(tmp_path: Path) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "tocsin@example.org", "necbr-sae@example.org", "[SAE] báo cáo"
    mail["Date"], mail["X-Tocsin-Alert-Id"] = "Mon, 23 Nov 2026 05:00:00 +0000", "a1"
    mail.set_content("Kính gửi Hội đồng\n")
    mail.add_attachment(b"%PDF-1.7", maintype="application", subtype="pdf", filename="VN-1.pdf")
    (tmp_path / f"{NAME}.eml").write_bytes(mail.as_bytes())
    mails, count = kept.newest(tmp_path, 10)
    assert count == 1
    assert (mails[0].subject, mails[0].text) == ("[SAE] báo cáo", "Kính gửi Hội đồng\n")
    assert ("X-Tocsin-Alert-Id", "a1") in mails[0].headers
    assert [(one.name, one.content) for one in mails[0].attachments] == [("VN-1.pdf", b"%PDF-1.7")]
    assert mails[0].sent_at is not None and mails[0].sent_at.hour == 5


def test_garbage_is_shown_not_raised(tmp_path: Path) -> None:
    (tmp_path / f"{NAME}.eml").write_bytes(b"\xff\xfe not a mail\r\nDate: never\r\n\r\n\xff")
    assert kept.newest(tmp_path, 10)[0][0].sent_at is None


@pytest.mark.parametrize("name", ["../secrets", "20261123T050000Z-0002", ""])
def test_only_mails_can_be_asked_for(name: str, tmp_path: Path) -> None:
    (tmp_path / "secrets.eml").write_bytes(b"x")
    (tmp_path / "mail").mkdir()
    with pytest.raises(NotFound):
        kept.raw(tmp_path / "mail", name)
