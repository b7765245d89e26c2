"""Times on a page: the authority's zone beside the reader's, and how long is left, readable without JavaScript."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

from markupsafe import Markup
from starlette.requests import HTTPConnection

from shared.case.moment import Moment

ZONE_COOKIE = "tocsin_zone"
"""Set by times.js; without it the reader sees the authority's zone alone."""
_ZONES = available_timezones()
_UNITS = {"vi": ("ngày", "giờ", "phút"), "en": ("d", "h", "min")}
_LAYOUT = {"vi": "%d/%m/%Y %H:%M", "en": "%d %b %Y %H:%M"}


def reader_zone(request: HTTPConnection) -> str | None:
    zone = request.cookies.get(ZONE_COOKIE, "").replace("%2F", "/")
    return zone if zone in _ZONES else None


def local_text(at: datetime, zone: str, language: str) -> str:
    """`09/03/2026 02:10` or `09 Mar 2026 02:10` in that zone; `at` must be aware."""
    if at.tzinfo is None:
        raise ValueError("a time on a page must be aware")
    return at.astimezone(ZoneInfo(zone)).strftime(_LAYOUT[language])


def zone_text(at: datetime, zone: str) -> str:
    """`UTC+7`: an offset everybody can read."""
    offset = at.astimezone(ZoneInfo(zone)).utcoffset() or timedelta()
    minutes = round(offset.total_seconds() / 60)
    hours, rest = divmod(abs(minutes), 60)
    return "UTC" if minutes == 0 else f"UTC{'+' if minutes > 0 else '-'}{hours}{f':{rest:02}' if rest else ''}"


def one_time(at: datetime, zone: str, language: str) -> Markup:
    """`<time>` in one zone, named."""
    return Markup('<time datetime="{}">{} <abbr title="{}">{}</abbr></time>').format(
        at.astimezone(UTC).isoformat(), local_text(at, zone, language), zone, zone_text(at, zone)
    )


def both_times(at: datetime, zone: str, reader: str | None, language: str) -> Markup:
    """The authority's zone, and the reader's beside it where the clock shows something else."""
    first = one_time(at, zone, language)
    if reader is None or at.astimezone(ZoneInfo(reader)).utcoffset() == at.astimezone(ZoneInfo(zone)).utcoffset():
        return Markup('<span class="times">{}</span>').format(first)
    return Markup('<span class="times">{} <span class="yours">{}</span></span>').format(
        first, one_time(at, reader, language)
    )


def urgency(left: timedelta) -> str:
    """The class of a countdown: overdue, now (under 4 h), soon (24 h), near (72 h) or calm."""
    hours = left.total_seconds() / 3600
    return (
        "overdue" if hours < 0 else "now" if hours < 4 else "soon" if hours < 24 else "near" if hours < 72 else "calm"
    )


def left_text(left: timedelta, language: str) -> str:
    """`còn 2 ngày 3 giờ`, `3 h 5 min left`, `quá hạn 40 phút`; rounded towards the stricter side."""
    days_word, hours_word, minutes_word = _UNITS[language]
    seconds = left.total_seconds()
    minutes = int(abs(seconds) // 60) if seconds >= 0 else int(-(seconds // 60))
    days, rest = divmod(minutes, 1440)
    hours, mins = divmod(rest, 60)
    parts = (
        [f"{days} {days_word}", f"{hours} {hours_word}"]
        if days
        else [f"{hours} {hours_word}", f"{mins} {minutes_word}"]
    )
    if not days and not hours:
        parts = [f"{mins} {minutes_word}"]
    text = " ".join(parts)
    if language == "vi":
        return f"còn {text}" if seconds >= 0 else f"quá hạn {text}"
    return f"{text} left" if seconds >= 0 else f"{text} overdue"


def countdown(due: datetime, now: datetime, language: str) -> Markup:
    """`<time>` with the time left; countdown.js keeps it ticking."""
    left = due - now
    return Markup('<time class="left left-{}" datetime="{}" data-countdown>{}</time>').format(
        urgency(left), due.astimezone(UTC).isoformat(), left_text(left, language)
    )


def moment_text(moment: Moment | None, language: str) -> str:
    """A partial date as it was told, with its zone when it has an hour; missing says so."""
    if moment is None:
        return "chưa rõ" if language == "vi" else "not known"
    date, _, clock = moment.value.partition("T")
    shown = "/".join(reversed(date.split("-"))) if language == "vi" else date
    if not clock:
        return shown
    clock = clock if ":" in clock else f"{clock}h"
    return f"{shown} {clock} ({zone_text(moment.earliest(), moment.zone)})"
