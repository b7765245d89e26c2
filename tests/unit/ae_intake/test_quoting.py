"""A reason may say why; it may not carry on what is taken back."""

from __future__ import annotations

import unicodedata

import pytest

from services.ae_intake.quoting import repeats

STORY = "Sốt cao từ đêm qua, mẹ cháu là Nguyễn Thị Ánh, ở cạnh nhà bác Lan; bé tỉnh."


@pytest.mark.parametrize(
    "reason",
    [
        STORY,
        f"it said: {STORY.upper()}",
        "names the mother, Nguyễn Thị Ánh",
        unicodedata.normalize("NFD", "names the mother, Nguyễn Thị Ánh"),
        "nguyen thi anh is the mother",
        "Thị Ánh is the mother",
        "a neighbour called Lan",
        "a neighbour called LAN",
    ],
)
def test_a_name_out_of_the_text_is_noticed_however_it_is_written(reason: str) -> None:
    assert repeats(reason, STORY)


@pytest.mark.parametrize(
    "reason",
    [
        "names a mother",
        "nêu tên người nhà",
        "Nêu tên mẹ và một người hàng xóm",
        "Sốt: the text names a relative",
        "tên",
    ],
)
def test_a_reason_without_a_name_is_taken(reason: str) -> None:
    assert not repeats(reason, STORY)


def test_a_name_typed_without_capitals_is_noticed_where_the_reason_has_them() -> None:
    assert repeats("it names Nguyen Thi Anh", "me chau la nguyen thi anh")
    assert not repeats("it names a mother", "me chau la nguyen thi anh")
    assert not repeats("why", "")
