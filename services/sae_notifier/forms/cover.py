"""The mail that carries a form: codes and hashes only, nothing about the child, in both languages."""

from __future__ import annotations

from dataclasses import dataclass

from services.sae_notifier.forms.form import Form


@dataclass(frozen=True)
class Cover:
    """Subject line and plain-text body; the filing adds its own message number and addresses."""

    subject: str
    body: str


def cover(form: Form, pdf_sha256: str) -> Cover:
    """The covering words of `form`, naming the attached PDF by its SHA-256."""
    number = form.report_number
    kind_vi = "báo cáo lần đầu" if number == 0 else f"báo cáo bổ sung lần {number}"
    kind_en = "initial report" if number == 0 else f"follow-up report no. {number}"
    to_vi = "; ".join(one.vi for one in form.addressees) or "Quý cơ quan"
    to_en = "; ".join(one.en or one.vi for one in form.addressees) or "the recipient"
    stamps = "".join(f"*** {stamp} ***\n" for stamp in form.stamps)
    codes = (
        f"{form.case_number}, v{form.case_version}\n"
        f"SHA-256 (PDF): {pdf_sha256}\n"
        f"SHA-256 (ca / case): {form.case_sha256}\n"
    )
    body = (
        f"{stamps}Kính gửi: {to_vi}\n\n"
        f"Đính kèm là {kind_vi} về biến cố bất lợi nghiêm trọng trong thử nghiệm lâm sàng, lập lúc {form.prepared}.\n"
        "Đề nghị xác nhận đã nhận bằng cách trả lời thư này, giữ nguyên số ca ở tiêu đề.\n\n"
        f"To: {to_en}\n\n"
        f"Attached is the {kind_en} of a serious adverse event in a clinical trial, prepared {form.prepared}.\n"
        "Please confirm receipt by answering this mail with the case number left in its subject.\n\n"
        f"{codes}"
    )
    subject = " ".join(f"[SAE] {form.case_number} v{form.case_version}: {kind_vi} / {kind_en}".split())
    return Cover(subject, body)
