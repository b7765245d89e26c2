"""Verifies every service's trail against its own rows, the seals on the log and the others' copies; and the embedded log."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from services.ae_intake import store as ae_intake
from services.causality import store as causality
from services.dsmb import store as dsmb
from services.sae_notifier import store as sae_notifier
from shared import migrate
from shared.audit import Audit, AuditKeys
from shared.audit_verify import Verified, verify
from shared.auth import accounts, users
from shared.bus import local_verify, received
from shared.db import Database
from shared.runtime import PLUMBING
from shared.settings import Settings

TABLES = {
    "ae_intake": ae_intake.AUDITED,
    "causality": causality.AUDITED,
    "sae_notifier": sae_notifier.AUDITED,
    "dsmb": dsmb.AUDITED,
}


def verify_all(settings: Settings, told: Callable[[int], None] = lambda done: None) -> list[Verified]:
    """One result per service. Seals that others received are what stands against a tail cut with all its seals.

    `told` hears how many are done.
    """
    found: list[Verified] = []

    def add(one: Verified) -> None:
        found.append(one)
        told(len(found))

    auth = Database(settings.database_url_of("auth"), "auth")
    databases = {name: Database(settings.database_url_of(name), name) for name in TABLES}
    keys = settings.audit_keys
    try:
        # The others' copies are read first: a seal made meanwhile is then in the owner's snapshot, never only in theirs.
        published = {name: _seals_seen_by_others(databases, name) for name in TABLES}
        audits = {name: Audit(name, AuditKeys(keys[0], tuple(keys[1:]))) for name in (*TABLES, "auth")}
        for name, db in databases.items():
            add(
                db.read(
                    lambda tx, n=name: verify(tx, audits[n], (*PLUMBING, *TABLES[n]), published[n]),
                    snapshot=True,
                )
            )
        migrate.ensure_schema(auth)
        users.create_tables(auth)
        if settings.mode == "embedded":
            add(_log(settings, databases))
        rows = (users.UserRow, accounts.AccountRow, accounts.ProofRow)
        add(auth.read(lambda tx: verify(tx, audits["auth"], rows, reads_log=False), snapshot=True))
        return found
    finally:
        for db in (auth, *databases.values()):
            db.close()


def _log(settings: Settings, databases: dict[str, Database]) -> Verified:
    """The log's file against everything its owners wrote."""
    records, breaches = local_verify.verify_log(
        Path(settings.bus_settings("verify").local_path),
        lambda: {name: one for db in databases.values() for name, one in db.read(local_verify.written).items()},
    )
    return Verified("log", 0, 0, records, breaches)


def _seals_seen_by_others(databases: dict[str, Database], owner: str) -> dict[int, str]:
    seen: dict[int, str] = {}
    for name, db in databases.items():
        if name != owner:
            for row in db.read(lambda tx: received.history(tx, f"audit/{owner}")):
                data = json.loads(row.body)
                seen[data["number"]] = data["mac"]
    return seen
