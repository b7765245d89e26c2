"""The commands after a loss: a copy of everything, one service from its copy and the log, the log from its owners."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path

from filelock import FileLock, Timeout

from services import embedded
from services.sae_notifier.handlers.law import LawRefused
from shared import compose, copies, runtime
from shared.audit import Audit, AuditKeys
from shared.bus import hold
from shared.bus.hold import HoldRow
from shared.bus.port import Bus, BusMisconfigured, BusUnavailable
from shared.bus.republish import Owner, Republished, republish
from shared.bus.restore import Restored
from shared.clock import Clock
from shared.copies import CannotComeBack
from shared.db import Database, DatabaseAway
from shared.errors import Forbidden
from shared.private import own_file
from shared.runtime import Runtime
from shared.settings import Settings, UnsafeSettings
from shared.trial import TrialInvalid

SCHEMAS = (*embedded.BUILDERS, "auth")
LOG_FILE = "bus.db"
WHY_NOT = (CannotComeBack, BusUnavailable, BusMisconfigured, DatabaseAway, UnsafeSettings, TrialInvalid, LawRefused)
"""What a person can put right; its text says how."""
Progress = Callable[[int], None]


# Copies ---------------------------------------------------------------------------------------------------------------


def backup(settings: Settings, target: Path) -> Iterator[Path]:
    """Copy every database into a new folder, the log last, so that it is never older than what was published from it.

    Each file is given as soon as it is whole.
    """
    embedded_files = sorted(settings.var.glob("*.db"), key=lambda file: (file.name == LOG_FILE, file.name))
    if settings.mode == "embedded" and not embedded_files:
        raise CannotComeBack(f"there is no database in {settings.var}: set TOCSIN_VAR to the folder of the instance")
    try:
        target.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        raise CannotComeBack(f"{target} exists; name a new folder") from None
    except OSError as error:
        raise CannotComeBack(f"{target} cannot be made ({error.strerror}); name a folder you may write to") from None
    if settings.mode == "embedded":
        for file in embedded_files:
            copies.copy_file(file, target / file.name)
            yield target / file.name
        return
    for name in SCHEMAS:
        file = target / f"{name}.dump"
        copies.dump(settings.database_url_of(name), name, file)
        yield file


def put_copy_back(settings: Settings, service: str, folder: Path) -> str:
    """Replace one service's database by its copy; the service must not run. Returns where what stood there is kept.

    It is kept each time: it may hold what never reached the log.
    """
    if settings.mode == "embedded":
        copy = folder / f"{service}.db"
        if not copy.is_file():
            raise CannotComeBack(f"there is no {copy}")
        with stopped(settings):
            there = [old for end in ("", "-wal", "-shm") if (old := settings.var / f"{service}.db{end}").exists()]
            kept = ""
            if there:
                folder_of_old = _new_folder(settings.var, f"{service}.before-restore")
                kept = f"{folder_of_old}/"
                for old in there:
                    old.rename(folder_of_old / old.name)
            shutil.copy(copy, own_file(settings.var / copy.name))
        return kept
    copy = folder / f"{service}.dump"
    if not copy.is_file():
        raise CannotComeBack(f"there is no {copy}")
    url = settings.database_url_of(service)
    if busy := copies.sessions(url, service):
        raise CannotComeBack(f"{service} is running ({busy} sessions): stop every instance of it first")
    kept = copies.put_back(url, service, copy)
    return f"schema {kept}" if kept else ""


def _new_folder(parent: Path, name: str) -> Path:
    """A folder of its own for every time, with the names in it unchanged: SQLite finds a database's -wal by its name."""
    for number in count(1):
        with contextlib.suppress(FileExistsError):
            (made := parent / f"{name}-{number}").mkdir(mode=0o700)
            return made
    raise AssertionError("numbers do not end")


@contextlib.contextmanager
def stopped(settings: Settings) -> Iterator[None]:
    """The embedded instance does not run while this does."""
    lock = FileLock(settings.var / "tocsin.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise CannotComeBack(f"an instance runs on {settings.var}: stop it first (Ctrl-C)") from None
    try:
        yield
    finally:
        lock.release()


# From the log ---------------------------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def _services(settings: Settings, clock: Clock, *names: str) -> AsyncIterator[tuple[Bus, dict[str, Runtime]]]:
    """Services put together, but none of their loops running; embedded, the instance itself must be stopped."""
    with stopped(settings) if settings.mode == "embedded" else contextlib.nullcontext():
        trial = runtime.load_trial(settings)
        bus, bell = compose.make_bus(settings, "tocsin-restore"), compose.make_bell(settings, clock)
        made = {name: embedded.BUILDERS[name](settings, clock, trial, bus, bell)[0] for name in names}
        await bus.start()
        try:
            yield bus, made
        finally:
            await bus.close()
            for one in made.values():
                one.db.close()


async def restore(settings: Settings, clock: Clock, service: str, progress: Progress) -> Restored | None:
    """Rebuild what the service's database lacks; None when it lacks nothing."""
    async with _services(settings, clock, service) as (_, made):
        run = made[service]
        await run.guard.look()
        if run.guard.state == "unverified":
            raise CannotComeBack("another database server answered in the middle: run it again")
        return await run.restore.run(progress) if run.guard.state == "held" else None


def release(settings: Settings, clock: Clock, service: str, user_id: str, password: str, reason: str) -> HoldRow:
    """A named person lets the service go on. Raises Forbidden, NotFound, Conflict."""
    auth, auth_db = compose.make_authenticator(settings, clock, "cli")
    keys = settings.audit_keys
    try:
        identity = auth.users.check(user_id, password, clock.now())
        if identity is None or not identity.can("release_hold"):
            raise Forbidden("this person and password may not release a service")
        with closing(Database(settings.database_url_of(service), service)) as db:
            audit = Audit(service, AuditKeys(keys[0], tuple(keys[1:])))
            return db.transact(lambda tx: hold.release(tx, audit, by=user_id, reason=reason, now=clock.now()))
    finally:
        auth_db.close()


async def rebuild_log(settings: Settings, clock: Clock, progress: Progress) -> Republished:
    """Make the log whole from its owners. Every service is held meanwhile and goes on by itself afterwards."""
    names = tuple(embedded.BUILDERS)
    async with _services(settings, clock, *names) as (bus, made):
        holding = [one for one in made.values() if await asyncio.to_thread(_hold, one, clock)]
        await asyncio.sleep(0 if settings.mode == "embedded" else 3)  # every instance looks once a second
        done = await republish({name: Owner(one.db, one.audit) for name, one in made.items()}, bus, clock, progress)
        for one in holding:
            await asyncio.to_thread(_let_go, one, clock)
        return done


def _hold(one: Runtime, clock: Clock) -> bool:
    """True when the hold is ours: made now, or left by a republish that was stopped."""
    row = one.db.transact(
        lambda tx: hold.begin(tx, one.audit, reason="republish", missing=0, now=clock.now()), way="repair"
    )
    return row.reason == "republish"


def _let_go(one: Runtime, clock: Clock) -> None:
    now = clock.now()

    def unit(tx: runtime.Tx) -> None:
        hold.mark_restored(tx, one.audit, counts={}, children=set(), now=now)
        hold.release(tx, one.audit, by="system", reason="the log was made whole again", now=now)

    one.db.transact(unit, way="repair")
