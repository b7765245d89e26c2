"""Section 8: the institutional ethics committee's opinion, completed by hand."""

from __future__ import annotations

from services.sae_notifier.forms import reasons
from services.sae_notifier.forms.facts import Facts
from services.sae_notifier.forms.fields import Prose, Section, Signing, Tick, Ticks, absent
from services.sae_notifier.forms.words import Words


def section(facts: Facts) -> Section:
    del facts
    choices = {
        "continue": Words("Tiếp tục nghiên cứu", "Continue the study"),
        "suspend": Words("Tạm dừng nghiên cứu", "Suspend the study"),
        "stop": Words("Ngừng nghiên cứu", "Stop the study"),
    }
    blocks = (
        Prose(
            "committee_opinion",
            Words("Ý kiến của Hội đồng đạo đức cấp cơ sở", "Opinion of the institutional ethics committee"),
            (absent(reasons.BY_HAND),),
            by_hand=True,
        ),
        Ticks(
            "committee_proposal",
            Words("Đề xuất", "Proposal"),
            tuple(Tick(key, label, False) for key, label in choices.items()),
            reasons.BY_HAND,
        ),
        Signing("committee_signature", Words("Đại diện Hội đồng đạo đức", "For the ethics committee"), reasons.BY_HAND),
    )
    return Section(8, Words("Ý kiến của Hội đồng đạo đức", "Opinion of the ethics committee"), blocks)
