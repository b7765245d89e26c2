"""When a duty ends without a report: rarely, and never quietly.

- It rested only on unanswered questions, and a clinician or investigator (with a reason) or a signature answered them.
- It was stated and is now denied: only a signed assessment, fresh for everything known, ends it. An amendment alone
  does not, and once that signature is stale the duty stands again with its old date.
- What follows a report is told since, or a named person has signed that nothing is lacking or significant (`significant`).
- The case is void: at once when nothing replaces it, else when the replacement has been received.
"""

from __future__ import annotations

from collections.abc import Sequence

from services.sae_notifier.rules.candidate import Candidate, truths_of
from services.sae_notifier.rules.rule import Rule
from services.sae_notifier.rules.step import Step
from services.sae_notifier.rules.words import Why, Words
from shared.case import CaseReport

NULLIFIED = Why("nullified", "The case is void and nothing replaces it.", "Ca đã bị hủy và không có ca thay thế.")
REPLACED = Why(
    "replaced",
    "The case is void; the case that replaces it has been received and carries the first awareness.",
    "Ca đã bị hủy; ca thay thế đã được nhận và giữ thời điểm biết đầu tiên.",
)
ANSWERED = Why(
    "answered_not_reportable",
    "The open questions were answered, and the answers make no report due.",
    "Các câu hỏi bỏ ngỏ đã được trả lời và không làm phát sinh nghĩa vụ báo cáo.",
)
SIGNED = Why(
    "not_reportable_signed",
    "A signed assessment of everything known says that no report is due.",
    "Bản đánh giá đã ký trên toàn bộ thông tin hiện có cho thấy không phải báo cáo.",
)
TOLD_SINCE = Why(
    "told_since",
    "The recipient has since been told a version of the case that contains it.",
    "Nơi nhận sau đó đã được báo phiên bản của ca có nội dung này.",
)
COMPLETE_AS_SENT = Why(
    "complete_as_sent",
    "A named person has signed that the report which the recipient received was complete; that report met this duty.",
    "Có người ký xác nhận báo cáo mà nơi nhận đã nhận là đầy đủ; báo cáo đó đã đáp ứng nghĩa vụ này.",
)
NOT_SIGNIFICANT = Why(
    "not_significant",
    "A named person has signed that what became known holds no significant news for this recipient.",
    "Có người ký xác nhận thông tin mới biết không có nội dung quan trọng đối với nơi nhận này.",
)
TAKEN_OVER = Why(
    "taken_over",
    "The telling that this followed was turned down: what was signed about it no longer stands, and an earlier duty owes it again.",
    "Lần báo trước đó đã bị từ chối: nội dung đã ký về lần báo đó không còn hiệu lực và một nghĩa vụ trước đó nợ lại nội dung này.",
)
WAITS = Words(
    "The case is void, but the case that replaces it has not been received; the duty stands until then.",
    "Ca đã bị hủy nhưng ca thay thế chưa được nhận; nghĩa vụ vẫn còn cho đến khi đó.",
)


def ending_of_void(latest: CaseReport, replacement_received: bool) -> Why | None:
    """What a nullification ends: everything at once, or once the case that takes its place is here."""
    if latest.nullified is None:
        return None
    if latest.nullified.replaced_by is None:
        return NULLIFIED
    return REPLACED if replacement_received else None


def ending_of(
    rules: Sequence[Rule],
    steps: Sequence[Step],
    candidates: Sequence[Candidate],
    latest: CaseReport,
    replacement_received: bool,
) -> Why | None:
    """Why the duty has ended, or `None` while it stands."""
    void = ending_of_void(latest, replacement_received)
    if void is not None:
        return void
    if any(truths_of(rule, steps)[-1] is not False for rule in rules):
        return None
    if steps[-1].signed:
        return SIGNED
    return None if any(one.counts for one in candidates) else ANSWERED
