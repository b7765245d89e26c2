"""Times as the form shows them: in the site's zone with the UTC offset, partial when they were told partial."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from services.sae_notifier.forms import reasons
from services.sae_notifier.forms.fields import Value, Values, absent, given, warning
from services.sae_notifier.forms.words import Words
from shared.case import Moment

_UNKNOWN_PART = {
    "year": Words("chưa rõ tháng, ngày", "month and day unknown"),
    "month": Words("chưa rõ ngày", "day unknown"),
    "day": Words("chưa rõ giờ", "time unknown"),
    "hour": Words("chưa rõ phút", "minute unknown"),
}


def _offset(at: datetime) -> str:
    text = at.strftime("%z")
    return f"UTC{text[:3]}:{text[3:5]}" + (f":{text[5:7]}" if len(text) > 5 else "")


def instant(at: datetime, zone: str) -> str:
    """An aware instant to the second, as `2026-03-09 02:10:00 UTC+07:00`."""
    local = at.astimezone(ZoneInfo(zone))
    return f"{local:%Y-%m-%d %H:%M:%S} {_offset(local)}"


def as_told(moment: Moment) -> str:
    """The moment in its own zone, cut where the knowledge ends; a date has no offset, only a zone."""
    text = moment.value.replace("T", " ")
    if moment.precision in {"year", "month", "day"}:
        return text
    naive = moment.value + (":00" if moment.precision == "hour" else "")
    local = datetime.fromisoformat(naive).replace(tzinfo=ZoneInfo(moment.zone))
    offsets = dict.fromkeys(_offset(local.replace(fold=fold)) for fold in (0, 1))
    return f"{text}{'h' if moment.precision == 'hour' else ''} {'/'.join(offsets)}"


def told(moment: Moment, zone: str) -> Value:
    """One line: a date and time are moved to the site's zone, a partial date never is."""
    if moment.precision in {"hour", "minute", "second"} and moment.zone != zone:
        local = moment.earliest().astimezone(ZoneInfo(zone))
        layout = "%Y-%m-%d %H:%M:%S" if moment.precision == "second" else "%Y-%m-%d %H:%M"
        original = as_told(moment)
        return given(
            f"{local.strftime(layout)} {_offset(local)} (được báo là {original}, {moment.zone})",
            f"{local.strftime(layout)} {_offset(local)} (told as {original}, {moment.zone})",
        )
    text = as_told(moment) + (f" ({moment.zone})" if moment.zone != zone else "")
    unknown = _UNKNOWN_PART.get(moment.precision)
    return given(f"{text}, {unknown.vi}", f"{text}, {unknown.en}") if unknown else given(text)


def moment(value: Moment | None, zone: str, now: datetime, why: Words) -> Values:
    """The moment, or `why` it is missing; a future one is kept as typed with its warning."""
    if value is None:
        return (absent(why),)
    if value.is_future(now):
        return told(value, zone), warning(reasons.FUTURE)
    return (told(value, zone),)
