"""Section 4: what was done with the study product, and what followed."""

from __future__ import annotations

from services.sae_notifier.forms import reasons
from services.sae_notifier.forms.facts import Facts, exposure_name
from services.sae_notifier.forms.fields import Column, Section, Table, Value, Values, absent
from services.sae_notifier.forms.vocabulary import ACTION
from services.sae_notifier.forms.words import Words
from shared.case import Exposure


def section(facts: Facts) -> Section:
    columns = (
        Column(Words("Sản phẩm hoặc thủ thuật", "Product or procedure"), 40),
        Column(Words("Xử lý với sản phẩm", "Action taken"), 30),
        Column(
            Words("Biến cố có giảm sau khi ngừng hoặc giảm liều?", "Did the event abate after stopping or reducing?"),
            36,
        ),
        Column(Words("Có tái xuất hiện khi dùng lại?", "Did it recur on giving it again?"), 34),
    )
    rows = tuple(_row(facts, one) for one in facts.study())
    table = Table("action", Words("Xử lý", "Action"), columns, rows, reasons.NO_EXPOSURE)
    return Section(
        4,
        Words("Xử lý với sản phẩm; ngừng và dùng lại", "Action with the product; de-challenge, re-challenge"),
        (table,),
    )


def _row(facts: Facts, one: Exposure) -> tuple[Values, ...]:
    action = absent(reasons.NOT_ASKED) if one.action_taken == "unknown" else Value(ACTION[one.action_taken])
    changed = one.action_taken in {"withdrawn", "reduced", "unknown"}
    asked = absent(reasons.NOT_ASKED if changed else reasons.NOT_APPLICABLE)
    return exposure_name(one), (action,), (asked,), (asked,)
