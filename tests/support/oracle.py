"""When a duty must be met at the latest, reckoned a second time and apart from the product, from the published documents alone.

Plain JSON in, instants out. Only what the shipped trial owes: Vietnam (7 and 15 working days; the urgent notice, "at once",
by our own limit of 24 hours) and the sponsor (24 elapsed hours), each in its strictest reading. Good for March to August 2026.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any

HANOI = timezone(timedelta(hours=7))
SURELY_OFF = {date(2026, 4, 27), date(2026, 4, 30), date(2026, 5, 1)}
"""Hung Kings' day in lieu of the Sunday, Reunification Day, Labour Day; everything else in these months is worked."""
GROUPS = {"VN-SAE": ("necbr", "astt", "di_adr", "iec"), "VN-URGENT": ("necbr", "astt", "iec"), "SP-INV": ("sponsor",)}
CRITERIA = ("death", "life_threatening", "hospitalisation", "disability", "congenital_anomaly", "medically_important")

Version = Mapping[str, Any]
"""One version of a case as it stands on the log."""


def group_of(rule_id: str) -> str:
    return next(group for group in GROUPS if rule_id.startswith(group))


def working_days_after(start: date, number: int) -> datetime:
    """The last second of the `number`-th working day after `start`, which is not counted itself."""
    day = start
    while number:
        day += timedelta(days=1)
        if day.weekday() < 5 and day not in SURELY_OFF:
            number -= 1
    return datetime.combine(day, time(23, 59, 59), HANOI).astimezone(UTC)


def fatal(version: Version) -> bool | None:
    """Stated fatal or life-threatening, denied, or left open for at least one event."""
    found = [_fatal_event(event) for event in version["events"]] or [None]
    return True if True in found else None if None in found else False


def _fatal_event(event: Mapping[str, Any]) -> bool | None:
    answers = [event["seriousness"]["death"], event["seriousness"]["life_threatening"]]
    if "yes" in answers or event["outcome"] == "fatal" or any(one["grade"] == 5 for one in event["grades"]):
        return True
    return None if "unknown" in answers else False


def serious(version: Version) -> bool | None:
    found = [_serious_event(event) for event in version["events"]] or [None]
    return True if True in found else None if None in found else False


def _serious_event(event: Mapping[str, Any]) -> bool | None:
    answers = [event["seriousness"][name] for name in CRITERIA]
    stayed = event["admission"] == "unplanned" or event["admission_prolonged"] == "yes"
    died = event["outcome"] == "fatal" or any(one["grade"] == 5 for one in event["grades"])
    if "yes" in answers or stayed or died:
        return True
    return None if "unknown" in answers else False


def instant(moment: Mapping[str, str] | None) -> datetime | None:
    """Minutes in Hanoi are all that these stories tell."""
    if moment is None:
        return None
    assert moment["zone"] == "Asia/Ho_Chi_Minh"
    return datetime.strptime(moment["value"], "%Y-%m-%dT%H:%M").replace(tzinfo=HANOI).astimezone(UTC)


def recorded(version: Version) -> datetime:
    return datetime.fromisoformat(version["recorded_at"].replace("Z", "+00:00"))


def told_of_awareness(version: Version) -> list[datetime]:
    """What this version says about when the site or the desk knew; a time after its receipt says nothing."""
    told = [instant(version[name]) for name in ("site_aware", "desk_aware", "news_known")]
    return [at for at in told if at is not None and at <= recorded(version)]


def first_known(versions: Sequence[Version], replaced: Sequence[Version] = ()) -> datetime:
    """The earliest anybody could be said to have known of the case, or of one it replaces."""
    found = [at for version in versions for at in told_of_awareness(version)]
    found += [recorded(version) for version in versions]
    for version in replaced:
        told = [instant(version[name]) for name in ("site_aware", "desk_aware")]
        found += [at for at in told if at is not None and at <= recorded(version)] + [recorded(version)]
    return min(found)


def known(versions: Sequence[Version], index: int, replaced: Sequence[Version] = ()) -> datetime:
    """When the content of one version was known, strictly read."""
    if index == 0:
        return first_known(versions, replaced)
    version = versions[index]
    news = instant(version["news_known"])
    return min([recorded(version)] + ([news] if news is not None and news <= recorded(version) else []))


def latest_due(group: str, versions: Sequence[Version], replaced: Sequence[Version] = ()) -> datetime | None:
    """The strict reading over all these versions (oldest first); None when no version ever asked for this report."""
    found: list[datetime] = []
    for index, version in enumerate(versions):
        if serious(version) is False:
            continue
        at = known(versions, index, replaced)
        day_0 = at.astimezone(HANOI).date()
        if group == "SP-INV" or (group == "VN-URGENT" and fatal(version) is not False):
            found.append(at + timedelta(hours=24))
        elif group == "VN-SAE":
            found.append(working_days_after(day_0, 15 if fatal(version) is False else 7))
    return min(found, default=None)
