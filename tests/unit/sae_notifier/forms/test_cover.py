"""The covering mail names codes and hashes, never the child."""

from __future__ import annotations

from services.sae_notifier.forms.cover import cover
from tests.unit.sae_notifier.forms.samples import EMPTY, MENINGITIS, SHA


def test_the_cover_names_the_case_and_both_hashes() -> None:
    letter = cover(MENINGITIS.form(), "ab" * 32)
    assert letter.subject == "[SAE] VN-VINMEC-2026-000123 v3: báo cáo bổ sung lần 1 / follow-up report no. 1"
    assert "ab" * 32 in letter.body
    assert SHA in letter.body
    assert "ILLUSTRATIVE" in letter.body
    assert "lần đầu" in cover(EMPTY.form(), "").subject


def test_nothing_about_the_child() -> None:
    letter = cover(MENINGITIS.form(), "ab" * 32)
    for secret in ("CP-017", "màng não", "Meningitis", "2021", "sốt"):
        assert secret not in letter.subject + letter.body
