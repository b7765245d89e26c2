"""Times are told in two zones, countdowns lean to the strict side, and no sentence is missing in either language."""

from __future__ import annotations

import re
import string
import tomllib
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.auth.identity import Identity
from shared.auth.roles import ROLES
from shared.case.moment import Moment
from shared.web import times
from shared.web.i18n import LANGUAGES, Catalogue
from shared.web.nav import entries_for, home_of
from shared.web.problem import pointer_of

WEB = Path(__file__).parents[3] / "shared/web"
AT = datetime(2026, 3, 8, 19, 10, tzinfo=UTC)
HANOI = "Asia/Ho_Chi_Minh"


def test_both_zones_stand_side_by_side_only_when_they_differ() -> None:
    both = times.both_times(AT, HANOI, "Europe/Paris", "vi")
    assert "09/03/2026 02:10" in both and "UTC+7" in both and "08/03/2026 20:10" in both and "UTC+1" in both
    assert 'datetime="2026-03-08T19:10:00+00:00"' in both
    assert "yours" not in times.both_times(AT, HANOI, "Asia/Bangkok", "vi")
    assert "yours" not in times.both_times(AT, HANOI, None, "en")
    assert "09 Mar 2026 02:10" in times.both_times(AT.astimezone(timezone(timedelta(hours=9))), HANOI, None, "en")


def test_a_time_without_zone_is_an_error() -> None:
    with pytest.raises(ValueError, match="aware"):
        times.local_text(datetime(2026, 3, 9), HANOI, "vi")


def test_offsets_are_readable() -> None:
    assert times.zone_text(AT, "UTC") == "UTC"
    assert times.zone_text(AT, "Asia/Kolkata") == "UTC+5:30"
    assert times.zone_text(AT, "America/New_York") == "UTC-4"


@pytest.mark.parametrize(
    ("left", "vi", "en", "kind"),
    [
        (timedelta(days=2, hours=3, minutes=59), "còn 2 ngày 3 giờ", "2 d 3 h left", "near"),
        (timedelta(hours=3, minutes=5, seconds=59), "còn 3 giờ 5 phút", "3 h 5 min left", "now"),
        (timedelta(seconds=59), "còn 0 phút", "0 min left", "now"),
        (timedelta(seconds=-1), "quá hạn 1 phút", "1 min overdue", "overdue"),
        (timedelta(hours=-26), "quá hạn 1 ngày 2 giờ", "1 d 2 h overdue", "overdue"),
        (timedelta(hours=23), "còn 23 giờ 0 phút", "23 h 0 min left", "soon"),
        (timedelta(days=4), "còn 4 ngày 0 giờ", "4 d 0 h left", "calm"),
    ],
)
def test_what_is_left_in_words(left: timedelta, vi: str, en: str, kind: str) -> None:
    assert times.left_text(left, "vi") == vi and times.left_text(left, "en") == en and times.urgency(left) == kind
    assert f'class="left left-{kind}"' in times.countdown(AT + left, AT, "en")


@given(st.integers(-10_000_000, 10_000_000))
def test_nothing_shown_promises_more_time_than_there_is(seconds: int) -> None:
    numbers = {
        unit: int(n) for n, unit in re.findall(r"(\d+) (d|h|min)", times.left_text(timedelta(seconds=seconds), "en"))
    }
    shown = timedelta(days=numbers.get("d", 0), hours=numbers.get("h", 0), minutes=numbers.get("min", 0))
    if seconds >= 0:
        assert shown <= timedelta(seconds=seconds)
    else:
        assert timedelta(seconds=-seconds) - timedelta(hours=1) <= shown <= timedelta(seconds=-seconds + 60)


@pytest.mark.parametrize(
    ("value", "vi", "en"),
    [
        ("2026", "2026", "2026"),
        ("2026-03", "03/2026", "2026-03"),
        ("2026-03-09", "09/03/2026", "2026-03-09"),
        ("2026-03-09T02", "09/03/2026 02h (UTC+7)", "2026-03-09 02h (UTC+7)"),
        ("2026-03-09T02:10", "09/03/2026 02:10 (UTC+7)", "2026-03-09 02:10 (UTC+7)"),
    ],
)
def test_a_partial_date_stays_partial(value: str, vi: str, en: str) -> None:
    moment = Moment(value=value, zone=HANOI)
    assert times.moment_text(moment, "vi") == vi
    assert times.moment_text(moment, "en") == en
    assert times.moment_text(None, "vi") == "chưa rõ"


def test_both_languages_hold_the_same_keys_and_places() -> None:
    catalogue = Catalogue()
    assert catalogue.keys("vi") == catalogue.keys("en")
    for key in catalogue.keys("vi"):
        fields = [
            {name for _, name, _, _ in string.Formatter().parse(_raw(language, key)) if name} for language in LANGUAGES
        ]
        assert fields[0] == fields[1], key


def _raw(language: str, key: str) -> str:
    table = tomllib.loads((WEB / f"i18n/{language}.toml").read_text(encoding="utf-8"))
    for part in key.split("."):
        table = table[part]
    assert isinstance(table, str)
    return table


def test_every_key_the_shared_templates_ask_for_exists() -> None:
    catalogue = Catalogue()
    for template in (WEB / "templates").glob("*.html"):
        for key in re.findall(r"\bt\(['\"]([a-z_.]+)['\"](?![^)]*~)", template.read_text(encoding="utf-8")):
            if not key.endswith("."):
                assert catalogue.has(key), f"{template.name}: {key}"


def test_a_services_own_words_come_on_top(tmp_path: Path) -> None:
    (tmp_path / "vi.toml").write_text('[report]\ntitle = "Báo cáo {code}"', encoding="utf-8")
    catalogue = Catalogue(tmp_path)
    assert catalogue.text("vi", "report.title", code="VN01") == "Báo cáo VN01"
    assert catalogue.text("en", "report.title", code="VN01") == "Báo cáo VN01"
    assert catalogue.text("en", "nothing.here") == "nothing.here"
    assert catalogue.text("en", "yes") == "Yes"


def test_everybody_has_somewhere_to_go_and_only_what_they_may_see() -> None:
    for role in ROLES:
        who = Identity("u", frozenset({role}), frozenset(), AT)
        assert home_of(who).startswith("/")
        assert all(who.can(entry.permission) for entry in entries_for(who))
    assert entries_for(None) == ()
    clinician = Identity("u", frozenset({"clinician"}), frozenset(), AT)
    assert [entry.key for entry in entries_for(clinician)] == ["report", "cases", "subjects"]


def test_pointers_escape_as_rfc_6901_says() -> None:
    assert pointer_of(("events", 0, "a/b", "c~d")) == "/events/0/a~1b/c~0d"


def test_pages_use_no_inline_script_or_style_and_no_foreign_origin() -> None:
    for file in [*(WEB / "templates").glob("*.html"), *(WEB / "static").glob("*")]:
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"\son[a-z]+\s*=|<script(?![^>]*\bsrc=)|<style|\sstyle\s*=", text), file.name
        assert not re.search(r"(?<!xmlns=\")https?://", text), file.name


def test_one_has_a_sentence_of_its_own_where_the_language_has_one(tmp_path: Path) -> None:
    (tmp_path / "vi.toml").write_text('[box]\ncount = "{count} thư"', encoding="utf-8")
    (tmp_path / "en.toml").write_text('[box]\ncount = "{count} mails"\ncount_one = "1 mail"', encoding="utf-8")
    catalogue = Catalogue(tmp_path)
    assert [catalogue.text("en", "box.count", count=count) for count in (0, 1, 2)] == ["0 mails", "1 mail", "2 mails"]
    assert catalogue.text("vi", "box.count", count=1) == "1 thư"
    assert "box.count_one" not in catalogue.keys("en")
