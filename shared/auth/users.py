"""Local users: who they are, their roles and sites, and the Argon2 hash of their password. Never a patient."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import ClassVar

from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError
from sqlalchemy import CheckConstraint, Column, MetaData, Text
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError
from sqlmodel import Field, SQLModel, col, select

from shared.audit import Audit, Audited, AuditRow, SealedRow, SealRow, StreamRow
from shared.auth.identity import ACTORS, Identity
from shared.auth.roles import ROLES
from shared.db import Database, Tx
from shared.errors import Conflict, FieldProblem, NotFound, Refused

MIN_PASSWORD = 12
_USER_ID = re.compile(r"^[a-z][a-z0-9_.-]{1,63}$")
_HASHER = PasswordHash.recommended()
_HASHING = threading.BoundedSemaphore(2)
"""Argon2 takes 64 MiB and a core each time: no flood of sign-ins may take the machine from the alerts."""
_NOBODY = _HASHER.hash("nobody has this password")


class AuthRow(Audited):
    """Base of this database's tables: their own metadata, so that no service's migration ever sees them."""

    metadata: ClassVar[MetaData] = MetaData()  # type: ignore[assignment]


class UserRow(AuthRow, table=True):
    """`generation` moves when a password, role or site changes or the user is shut out: older sign-ins end."""

    __tablename__: ClassVar[str] = "users"  # type: ignore[misc]
    audit_key: ClassVar[tuple[str, ...]] = ("user_id",)
    __table_args__ = (CheckConstraint("generation >= 0", name="users_generation_not_negative"),)
    user_id: str = Field(primary_key=True)
    name: str = Field(sa_column=Column(Text, nullable=False))
    password_hash: str = Field(sa_column=Column(Text, nullable=False))
    roles: str = Field(sa_column=Column(Text, nullable=False))
    sites: str = Field(sa_column=Column(Text, nullable=False))
    email: str = Field(sa_column=Column(Text, nullable=False))
    active: bool = True
    generation: int = 0
    created_at: datetime
    changed_at: datetime


metadata = AuthRow.metadata
"""What Alembic's `target_metadata` is for the auth schema."""


_TRAIL = [row.__table__ for row in (StreamRow, AuditRow, SealRow, SealedRow)]  # type: ignore[attr-defined]


def create_tables(db: Database) -> None:
    """Make `users` and its audit trail where they are missing; two processes may do so at once."""

    def make(tx: Tx) -> None:
        connection = tx.session.connection()
        metadata.create_all(connection)
        SQLModel.metadata.create_all(connection, tables=_TRAIL)

    for attempt in (1, 2):
        try:
            db.transact(make)
            return
        except (IntegrityError, OperationalError, ProgrammingError):
            if attempt == 2:
                raise


class Users:
    """The store; every call is one transaction, and every change an entry in the trail of that user.

    `by` is who changes: a user id, or `console` for somebody at the machine itself.
    """

    def __init__(self, db: Database, audit: Audit) -> None:
        self._db, self._audit = db, audit

    def add(
        self,
        user_id: str,
        name: str,
        password: str,
        roles: Iterable[str],
        *,
        now: datetime,
        sites: Iterable[str] = (),
        email: str = "",
        by: str = "console",
    ) -> None:
        """Create a user; raises Refused by field, or Conflict when the id is taken."""
        problems = _problems(user_id, password, frozenset(roles))
        if problems:
            raise Refused("the user cannot be created", problems=problems)
        row = UserRow(
            user_id=user_id,
            name=name,
            password_hash=_hash(password),
            roles=joined(roles),
            sites=joined(sites),
            email=email,
            created_at=now,
            changed_at=now,
        )

        def add(tx: Tx) -> None:
            self._audit.lock(tx, user_id)
            tx.session.add(row)
            tx.session.flush()
            self._audit.record(tx, stream=user_id, actor=by, action="added a user", at=now, rows=[row])

        try:
            self._db.transact(add)
        except IntegrityError:
            raise Conflict(f"user {user_id} exists already") from None

    def get(self, user_id: str) -> UserRow | None:
        return self._db.read(lambda tx: tx.session.get(UserRow, user_id))

    def list(self) -> list[UserRow]:
        return self._db.read(lambda tx: list(tx.session.exec(select(UserRow).order_by(col(UserRow.user_id))).all()))

    def generation(self, user_id: str) -> int | None:
        """The generation of an active user, None for anybody else."""
        row = self.get(user_id)
        return row.generation if row is not None and row.active else None

    def check(self, user_id: str, password: str, now: datetime) -> Identity | None:
        """Who this is, or None; an unknown user costs as much time as a wrong password."""
        row = self.get(user_id)
        if row is None or not row.active:
            _verify(password, _NOBODY)
            return None
        return _identity(row, now) if _verify(password, row.password_hash) else None

    def set_password(self, user_id: str, password: str, now: datetime, *, by: str = "console") -> None:
        problems = _problems(user_id, password, frozenset({"auditor"}))
        if problems:
            raise Refused("the password cannot be used", problems=problems)
        hashed = _hash(password)
        self._change(user_id, now, by, "changed a password", password_hash=hashed)

    def set_roles(
        self, user_id: str, roles: Iterable[str], sites: Iterable[str], now: datetime, *, by: str = "console"
    ) -> None:
        names = frozenset(roles)
        if unknown := names - ROLES:
            raise Refused(
                "unknown role", problems=[FieldProblem("/roles", f"no such role: {', '.join(sorted(unknown))}")]
            )
        self._change(user_id, now, by, "changed roles and sites", roles=joined(names), sites=joined(sites))

    def set_active(
        self, user_id: str, active: bool, now: datetime, *, reason: str, by: str = "console", login: str = ""
    ) -> None:
        """Shut a person or machine out (their sign-ins end within half a minute) or let them in again.

        `login`: whose shell it was, where `by` is the console. Raises Conflict when nothing would change.
        """
        if not reason.strip():
            raise Refused("a reason is needed", problems=[FieldProblem("/reason", "missing", "say why, for the trail")])
        action = "let a user in again" if active else "shut a user out"
        detail = {"login": login} if login else {}
        self._change(user_id, now, by, action, reason.strip(), detail, active=active)

    def _change(
        self,
        user_id: str,
        now: datetime,
        by: str,
        action: str,
        reason: str | None = None,
        detail: Mapping[str, str] | None = None,
        **values: str | bool,
    ) -> None:
        def change(tx: Tx) -> None:
            self._audit.lock(tx, user_id)
            row = tx.session.get(UserRow, user_id, with_for_update=True)
            if row is None:
                raise NotFound(f"there is no user {user_id}")
            if values == {"active": row.active}:
                raise Conflict(f"user {user_id} is {'not shut out' if row.active else 'shut out already'}")
            for name, value in values.items():
                setattr(row, name, value)
            row.generation += 1
            row.changed_at = now
            tx.session.add(row)
            self._audit.record(
                tx, stream=user_id, actor=by, action=action, at=now, reason=reason, detail=detail, rows=[row]
            )

        self._db.transact(change)


def _identity(row: UserRow, now: datetime) -> Identity:
    return Identity(
        user_id=row.user_id,
        roles=frozenset(row.roles.split()),
        sites=frozenset(row.sites.split()),
        auth_time=now,
        name=row.name,
        generation=row.generation,
    )


def joined(values: Iterable[str]) -> str:
    return " ".join(sorted(set(values)))


def _problems(user_id: str, password: str, roles: frozenset[str]) -> list[FieldProblem]:
    found: list[FieldProblem] = []
    if not _USER_ID.fullmatch(user_id):
        found.append(FieldProblem("/username", "not a user id", "use 2-64 small letters, digits, and . _ -"))
    if user_id in ACTORS:
        found.append(FieldProblem("/username", "the trail knows another by this name", "choose another user id"))
    if not MIN_PASSWORD <= len(password) <= 256:
        found.append(FieldProblem("/password", "too short or too long", f"use {MIN_PASSWORD} to 256 characters"))
    if not roles or roles - ROLES:
        found.append(FieldProblem("/roles", "missing or unknown", f"use some of {', '.join(sorted(ROLES))}"))
    return found


def _hash(password: str) -> str:
    with _HASHING:
        return _HASHER.hash(password)


def _verify(password: str, hashed: str) -> bool:
    if len(password) > 256:
        password = ""
    try:
        with _HASHING:
            return _HASHER.verify(password, hashed)
    except UnknownHashError:
        return False
