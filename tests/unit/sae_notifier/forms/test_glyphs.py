"""Any text becomes printable, and nothing of it is lost."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from services.sae_notifier.forms.glyphs import NARROW, covered, plain, printable

VIETNAMESE = (
    "Trẻ sốt cao, co giật; đã dùng ceftriaxon — kết quả cấy: âm tính. ĂÂĐÊÔƠƯ ằẳẵắặ ầẩẫấậ ềểễếệ ồổỗốộ ờởỡớợ ừửữứự ỳỷỹýỵ"
)


def test_vietnamese_is_left_alone_composed_or_not() -> None:
    assert printable(VIETNAMESE) == VIETNAMESE
    assert printable(unicodedata.normalize("NFD", VIETNAMESE)) == VIETNAMESE
    assert plain(VIETNAMESE.replace("—", "-")) == VIETNAMESE.replace("—", "-")


def test_what_cannot_be_drawn_or_would_reorder_is_spelled_out() -> None:
    assert printable("a中b", None) == "a[U+4E2D]b"
    assert printable("5\u202e01", None) == "5[U+202E]01"
    assert printable("\x00\ud800", None) == "[U+0000][U+D800]"


def test_line_ends_and_tabs() -> None:
    assert printable("a\r\nb\rc\u2028d\te") == "a\nb\nc\nd    e"


@given(st.text(st.characters(exclude_categories=[]), max_size=200))
def test_every_character_is_drawable_and_every_word_breakable(text: str) -> None:
    drawn = printable(text, NARROW)
    assert all(ord(char) in covered() or char in "\n \u200b" for char in drawn)
    assert all(
        len([c for c in word if not unicodedata.combining(c)]) <= NARROW
        for line in drawn.replace("\u00a0", "x").split()
        for word in line.split("\u200b")
    )
    assert all(ord(char) < 0x250 or 0x1EA0 <= ord(char) <= 0x1EFF or not char.isalpha() for char in plain(drawn))


def test_a_space_that_does_not_break_does_not_make_a_word_endless() -> None:
    assert "\u200b" in printable("a\u00a0" * 30)


@given(st.text(st.characters(codec="latin-1", exclude_categories=["Cc", "Cf"]), max_size=60))
def test_western_text_reads_back_unchanged(text: str) -> None:
    assert printable(text).replace("\u200b", "") == unicodedata.normalize("NFC", text)
