"""The authorisation table: who may do what. Data, so that it can be read, tested and shown to an auditor."""

from __future__ import annotations

from typing import Literal, get_args

Role = Literal[
    "clinician",
    "investigator",
    "safety_officer",
    "medical_monitor",
    "dsmb_member",
    "dsmb_statistician",
    "auditor",
    "admin",
    "system",
]
ROLES: frozenset[str] = frozenset(get_args(Role))
MACHINE_ROLES: frozenset[str] = frozenset({"system"})
"""An access token never acts for a person: those sign in on the pages, where a signature can ask for fresh proof."""

SITE_SCOPED: frozenset[str] = frozenset({"clinician", "investigator"})
"""Whoever has no other role sees only the sites written in the sign-in."""

Permission = Literal[
    "report_case",
    "see_cases",
    "amend_case",
    "nullify_case",
    "redact_case",
    "record_subject",
    "record_exposure",
    "record_allocation",
    "see_assessment",
    "answer_question",
    "sign_assessment",
    "see_desk",
    "confirm_alert",
    "see_ledger",
    "file_report",
    "state_duty",
    "see_parked",
    "replay_parked",
    "discard_parked",
    "close_rejected",
    "release_hold",
    "activate_files",
    "see_open_report",
    "freeze_cut",
    "see_arms",
]

_SITE = frozenset({"clinician", "investigator"})
_SAFETY = frozenset({"safety_officer", "medical_monitor"})
_DSMB = frozenset({"dsmb_member", "dsmb_statistician"})

TABLE: dict[Permission, frozenset[str]] = {
    "report_case": _SITE | _SAFETY | {"system"},
    "see_cases": _SITE | _SAFETY | {"auditor", "admin", "system"},
    "amend_case": _SITE | _SAFETY | {"system"},
    "nullify_case": _SAFETY | {"admin"},
    "redact_case": frozenset({"safety_officer"}),
    "record_subject": _SITE | {"safety_officer", "system"},
    "record_exposure": _SITE | {"safety_officer", "system"},
    "record_allocation": frozenset({"investigator", "system"}),
    "see_assessment": _SITE | _SAFETY | {"auditor"},
    "answer_question": frozenset({"medical_monitor"}),
    "sign_assessment": frozenset({"medical_monitor"}),
    "see_desk": _SAFETY | {"auditor", "admin"},
    "confirm_alert": _SAFETY,
    "see_ledger": _SAFETY | {"auditor", "admin"},
    "file_report": frozenset({"safety_officer"}),
    "state_duty": frozenset({"safety_officer"}),
    "see_parked": _SAFETY | {"auditor", "admin"},
    "replay_parked": frozenset({"safety_officer", "admin"}),
    "discard_parked": frozenset({"safety_officer", "admin"}),
    "close_rejected": _SAFETY,
    "release_hold": frozenset({"safety_officer", "admin"}),
    "activate_files": frozenset({"medical_monitor", "admin"}),
    "see_open_report": _DSMB | _SAFETY | {"auditor"},
    "freeze_cut": _DSMB,
    "see_arms": _DSMB,
}
"""Permission -> roles. `admin` runs the machine and reads no comparison by arm; `auditor` reads and changes nothing."""

PERMISSIONS: frozenset[str] = frozenset(TABLE)
assert frozenset(get_args(Permission)) == PERMISSIONS


def roles_for(name: str) -> frozenset[str]:
    """The roles behind a permission, or the role itself; raises ValueError for a name that is neither."""
    if name in PERMISSIONS:
        return TABLE[name]  # type: ignore[index]
    if name in ROLES:
        return frozenset({name})
    raise ValueError(f"{name!r} is neither a permission nor a role")
