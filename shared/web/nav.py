"""The places a person can go, by what they may do."""

from __future__ import annotations

from dataclasses import dataclass

from shared.auth.identity import Identity
from shared.auth.roles import Permission


@dataclass(frozen=True)
class Entry:
    """`key` is the label `nav.<key>` of the catalogue and the value of a page's `active`."""

    key: str
    path: str
    permission: Permission


ENTRIES: tuple[Entry, ...] = (
    Entry("report", "/report", "report_case"),
    Entry("cases", "/cases", "see_cases"),
    Entry("subjects", "/subjects", "see_cases"),
    Entry("desk", "/desk", "see_desk"),
    Entry("assessments", "/assessments", "sign_assessment"),
    Entry("ledger", "/ledger", "see_ledger"),
    Entry("parked", "/parked", "see_parked"),
    Entry("rejected", "/rejected", "close_rejected"),
    Entry("dsmb", "/dsmb", "see_open_report"),
)
_HOMES: tuple[tuple[str, str], ...] = (
    ("safety_officer", "/desk"),
    ("medical_monitor", "/desk"),
    ("clinician", "/report"),
    ("investigator", "/report"),
)


def entries_for(identity: Identity | None) -> tuple[Entry, ...]:
    return tuple(entry for entry in ENTRIES if identity is not None and identity.can(entry.permission))


def home_of(identity: Identity) -> str:
    """Where a person lands after signing in."""
    for role, path in _HOMES:
        if role in identity.roles:
            return path
    entries = entries_for(identity)
    return entries[0].path if entries else "/account"
