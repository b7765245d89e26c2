"""People and machines whom a provider vouches for: which account is which user, and the proofs they gave to sign.

A user id belongs to one account for ever: a name that the provider gives to somebody else opens nothing here, and an
account that was renamed keeps the id the trail knows. Roles and sites are the provider's, renewed at every sign-in.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal

from sqlalchemy import Column, Text, UniqueConstraint
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, select

from shared.audit import Audit
from shared.auth.identity import Identity
from shared.auth.roles import MACHINE_ROLES
from shared.auth.users import AuthRow, UserRow, joined
from shared.db import Database, Tx

NO_PASSWORD = "!"  # noqa: S105 - no hash, so that no password fits
Refusal = Literal["taken", "shut_out", "no_role"]
"""`no_role`: a stranger without a role leaves no row behind."""


class AccountRow(AuthRow, table=True):
    """The provider's account (`issuer`, `subject`) behind a user id."""

    __tablename__: ClassVar[str] = "accounts"  # type: ignore[misc]
    audit_key: ClassVar[tuple[str, ...]] = ("user_id",)
    __table_args__ = (UniqueConstraint("issuer", "subject", name="accounts_one_user_each"),)
    user_id: str = Field(primary_key=True)
    issuer: str = Field(sa_column=Column(Text, nullable=False))
    subject: str = Field(sa_column=Column(Text, nullable=False))
    created_at: datetime


class ProofRow(AuthRow, table=True):
    """A fresh proof as it was used: once, for one signature, by the SHA-256 of what was signed (21 CFR 11.200)."""

    __tablename__: ClassVar[str] = "proofs"  # type: ignore[misc]
    audit_key: ClassVar[tuple[str, ...]] = ("proof_id",)
    proof_id: str = Field(primary_key=True)
    user_id: str = Field(sa_column=Column(Text, nullable=False))
    sha256: str = Field(sa_column=Column(Text, nullable=False))
    proved_at: datetime
    used_at: datetime


class Accounts:
    """The store; every call is one transaction, and every change an entry in the trail of that user."""

    def __init__(self, db: Database, audit: Audit) -> None:
        self._db, self._audit = db, audit

    def enter(
        self,
        issuer: str,
        subject: str,
        *,
        user_id: str,
        name: str,
        roles: frozenset[str],
        sites: frozenset[str],
        auth_time: datetime,
        now: datetime,
        machine: bool = False,
    ) -> Identity | Refusal:
        """Who this account is here; writes only when something is new. `user_id` counts only the first time.

        A `machine` is nobody but its user id: an account known under another one, or as a person, is taken.
        """
        wanted = (name, joined(roles), joined(sites))

        def enter(tx: Tx) -> Identity | Refusal:
            account = tx.session.exec(
                select(AccountRow).where(AccountRow.issuer == issuer, AccountRow.subject == subject)
            ).first()
            known_id = account.user_id if account else user_id
            row = tx.session.get(UserRow, known_id)
            if account is not None and row is not None:
                if machine and (account.user_id != user_id or not MACHINE_ROLES.issuperset(row.roles.split())):
                    return "taken"
                if not row.active:
                    return "shut_out"
                if (row.name, row.roles, row.sites) == wanted:
                    return _identity(row, auth_time)
            elif row is not None or tx.session.get(AccountRow, user_id) is not None:
                return "taken"
            elif not roles:
                return "no_role"
            return self._write(tx, account, issuer, subject, known_id, wanted, auth_time, now)

        try:
            return self._db.transact(enter)
        except IntegrityError:  # two tabs at the first sign-in
            return self._db.transact(enter)

    def use_proof(self, proof_id: str, user_id: str, sha256: str, proved_at: datetime, now: datetime) -> bool:
        """Take a proof out of the world; False when it was used before."""
        row = ProofRow(proof_id=proof_id, user_id=user_id, sha256=sha256, proved_at=proved_at, used_at=now)

        def use(tx: Tx) -> None:
            self._audit.lock(tx, user_id)
            tx.session.add(row)
            tx.session.flush()
            self._audit.record(
                tx, stream=user_id, actor=user_id, action="proved themselves anew for a signature", at=now, rows=[row]
            )

        try:
            self._db.transact(use)
        except IntegrityError:
            return False
        return True

    def _write(
        self,
        tx: Tx,
        account: AccountRow | None,
        issuer: str,
        subject: str,
        user_id: str,
        wanted: tuple[str, str, str],
        auth_time: datetime,
        now: datetime,
    ) -> Identity:
        self._audit.lock(tx, user_id)
        row = tx.session.get(UserRow, user_id, with_for_update=True, populate_existing=True)
        name, roles, sites = wanted
        if account is None or row is None:
            account = AccountRow(user_id=user_id, issuer=issuer, subject=subject, created_at=now)
            row = UserRow(
                user_id=user_id,
                name=name,
                password_hash=NO_PASSWORD,
                roles=roles,
                sites=sites,
                email="",
                created_at=now,
                changed_at=now,
            )
            tx.session.add_all([account, row])
            tx.session.flush()
            self._audit.record(
                tx, stream=user_id, actor="provider", action="signed in first", at=now, rows=[account, row]
            )
        else:
            moved = (row.roles, row.sites) != (roles, sites)
            row.name, row.roles, row.sites, row.changed_at = name, roles, sites, now
            row.generation += 1 if moved else 0
            tx.session.add(row)
            action = "changed roles and sites" if moved else "changed a name"
            self._audit.record(tx, stream=user_id, actor="provider", action=action, at=now, rows=[row])
        return _identity(row, auth_time)


def _identity(row: UserRow, auth_time: datetime) -> Identity:
    return Identity(
        user_id=row.user_id,
        roles=frozenset(row.roles.split()),
        sites=frozenset(row.sites.split()),
        auth_time=auth_time,
        name=row.name,
        generation=row.generation,
        by="provider",
    )
