"""Last night's copy, the guard at the door, and the commands that bring a service of a `World` back."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from services.ae_intake.main import BACK as INTAKE
from services.causality.handlers import reconsider as propose_again
from services.causality.rebuild import rebuild as rebuild_causality
from services.dsmb.handlers import reconsider as look_again
from services.dsmb.rebuild import rebuild as rebuild_dsmb
from services.sae_notifier.rebuild import rebuild as rebuild_notifier
from services.sae_notifier.rebuild import reconsider as evaluate_again
from shared.bus import hold
from shared.bus.guard import Guard
from shared.bus.port import SAFETY_TOPIC
from shared.bus.republish import Owner, Republished, republish
from shared.bus.restore import Restore, Restored
from shared.runtime import ComingBack
from tests.support.world import READS, World


def backup(world: World, into: Path) -> None:
    """A copy of every service's database as it is now."""
    into.mkdir()
    for name in world.services:
        with closing(sqlite3.connect(world.directory / f"{name}.db")) as source:
            source.execute("VACUUM INTO ?", (str(into / f"{name}.db"),))


def put_back(world: World, name: str, copies: Path) -> None:
    """The service died; its database is the copy now, and it starts again."""
    for one in world.services.values():
        one.db.close()
    for old in world.directory.glob(f"{name}.db*"):
        old.unlink()
    shutil.copy(copies / f"{name}.db", world.directory)
    world._open()


def back_of(world: World, name: str) -> ComingBack:
    if name == "ae_intake":
        return INTAKE
    if name == "causality":
        return ComingBack(
            rebuild_causality, reconsider=lambda tx, child, now: propose_again(world.causality, tx, child, now)
        )
    if name == "dsmb":
        return ComingBack(rebuild_dsmb, reconsider=lambda tx, child, now: look_again(world.dsmb, tx, child, now))
    return ComingBack(
        rebuild_notifier, reconsider=lambda tx, child, now: evaluate_again(world.notifier, tx, child, now)
    )


def guard(world: World, name: str) -> Guard:
    """Stands at the door from now on; the caller lets it look."""
    one, back = world[name], back_of(world, name)
    return Guard(
        one.db,
        world.log,
        one.audit,
        world.clock,
        world._ring,
        reads=READS.get(name, (SAFETY_TOPIC,)),
        reconsider=back.reconsider,
        skip=back.skip,
    )


def look(world: World, door: Guard) -> str:
    world.loop.run_until_complete(door.step())
    return door.state


def restore(world: World, name: str) -> Restored:
    one, back = world[name], back_of(world, name)
    command = Restore(
        one.db,
        world.log,
        one.audit,
        world.clock,
        reads=READS.get(name, (SAFETY_TOPIC,)),
        handlers=one.worker.handlers,
        rebuild=back.rebuild,
        numbers=back.numbers,
        judges=back.reconsider is not None,
    )
    return world.loop.run_until_complete(command.run())


def release(world: World, name: str, by: str = "safety-officer-1") -> None:
    one = world[name]
    now = world.clock.now()
    one.db.transact(
        lambda tx: hold.release(tx, one.audit, by=by, reason="compared and complete", now=now), way="repair"
    )


def rebuild_log(world: World) -> Republished:
    owners = {name: Owner(one.db, one.audit) for name, one in world.services.items()}
    return world.loop.run_until_complete(republish(owners, world.log, world.clock))
