"""Did it get better after stopping? Not applicable to what is given once, which is not a negative answer."""

from __future__ import annotations

from datetime import datetime

from services.causality.domain.pair import Pair
from services.causality.domain.temporal import counted, span
from services.causality.methods.who_umc import Withdrawal
from services.causality.words import ACTIONS, OUTCOMES, Words

_BETTER = ("recovered", "recovering", "recovered_with_sequelae")


def withdrawal(pair: Pair, now: datetime) -> tuple[Withdrawal, Words]:
    """From the action taken and the outcome; improvement while the drug went on speaks against it."""
    event, exposure = pair.event, pair.exposure
    action, outcome = ACTIONS[exposure.action_taken], OUTCOMES[event.outcome]
    if pair.single:
        return "not_applicable", Words(
            "Not applicable: given once, nothing to withdraw.", "Không áp dụng: dùng một lần, không có gì để ngừng."
        )
    if pair.delay.window is not None and pair.delay.window.anchor == "stop":
        return "unknown", Words(
            "A withdrawal effect: what counts is whether it got better when restarted; ask.",
            "Hội chứng ngừng thuốc: điều cần biết là có đỡ khi dùng lại không; hãy hỏi.",
        )
    if exposure.action_taken in ("withdrawn", "reduced"):
        stopped, ended = counted(exposure.end, now), counted(event.end, now)
        if stopped is not None and ended is not None and span(ended)[1] < span(stopped)[0]:
            return "no", Words("It ended before the drug was stopped.", "Biến cố hết trước khi ngừng thuốc.")
        if event.outcome in _BETTER:
            return "yes", Words(
                f"Action taken: {action.en}; outcome: {outcome.en}.",
                f"Xử trí: {action.vi}; kết cục: {outcome.vi}.",
            )
        if event.outcome == "not_recovered":
            return "no", Words(
                f"Action taken: {action.en}; not recovered.",
                f"Xử trí: {action.vi}; chưa hồi phục.",
            )
    elif exposure.action_taken in ("unchanged", "increased") and event.outcome in _BETTER:
        return "no", Words(
            f"It got better although the drug went on ({action.en}).",
            f"Đỡ dù vẫn dùng thuốc ({action.vi}).",
        )
    return "unknown", Words(
        f"Not clear (action taken: {action.en}; outcome: {outcome.en}).",
        f"Chưa rõ (xử trí: {action.vi}; kết cục: {outcome.vi}).",
    )
