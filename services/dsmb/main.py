"""The composition root of dsmb: the only place here that picks adapters."""

from __future__ import annotations

import asyncio
import contextlib

from fastapi import APIRouter, FastAPI

from services.dsmb import api, pages
from services.dsmb.handlers import Dsmb, on_change, reconsider, watch_anew
from services.dsmb.rebuild import rebuild
from shared import compose, runtime
from shared.alarm import Bell
from shared.audit import Audit
from shared.bus.port import TOPICS, Bus
from shared.bus.wake import Wake
from shared.bus.worker import Handler
from shared.clock import Clock
from shared.db import Database, DatabaseAway
from shared.events.catalogue import SEAL_TYPES
from shared.ops import ops_routes
from shared.ops_pages import ops_pages
from shared.runtime import ComingBack, Runtime
from shared.settings import Settings
from shared.supervise import pause
from shared.trial import Trial

SERVICE = "dsmb"
HEARD = (
    "tocsin.subject.recorded.v1",
    "tocsin.exposure.recorded.v1",
    "tocsin.batch.recorded.v1",
    "tocsin.measurement.recorded.v1",
    "tocsin.case.reported.v1",
    "tocsin.case.amended.v1",
    "tocsin.case.nullified.v1",
    "tocsin.assessment.proposed.v1",
    "tocsin.assessment.signed.v1",
    "tocsin.allocation.recorded.v1",
)


def build(settings: Settings, clock: Clock, trial: Trial, bus: Bus, bell: Bell) -> tuple[Runtime, list[APIRouter]]:
    """The service without its process: embedded mode puts several into one."""
    relay_wake = Wake()
    made: list[Dsmb] = []

    def consumed(audit: Audit, its_trial: Trial) -> dict[str, Handler]:
        dsmb = Dsmb(its_trial, audit, relay_wake)
        made.append(dsmb)
        handlers: dict[str, Handler] = {
            name: lambda tx, receipt, now: on_change(dsmb, tx, receipt, now) for name in HEARD
        }
        return handlers | {
            name: lambda tx, receipt, now: None for owner, name in SEAL_TYPES.items() if owner != SERVICE
        }

    run = runtime.build(
        SERVICE,
        settings=settings,
        clock=clock,
        trial=trial,
        bus=bus,
        bell=bell,
        handlers=consumed,
        topics=TOPICS,
        relay_wake=relay_wake,
        coming_back=ComingBack(rebuild, reconsider=lambda tx, child, now: reconsider(made[0], tx, child, now)),
    )

    run.supervisor.add("charter", lambda stop: look_again(run.db, made[0], clock, stop))
    return run, [
        api.routes(run.db, made[0], clock),
        pages.routes(run.db, made[0], clock),
        ops_routes(run),
        ops_pages(run),
    ]


async def look_again(db: Database, dsmb: Dsmb, clock: Clock, stop: asyncio.Event) -> None:
    """As soon as the database may be written, since the trial file may have changed; then every minute, since an instance
    that still has the old file may have looked at a child meanwhile."""
    while not stop.is_set():
        done = False
        with contextlib.suppress(DatabaseAway):
            await asyncio.to_thread(watch_anew, db, dsmb, clock)
            done = True
        await pause(stop, 60.0 if done else 1.0)


def create_app(settings: Settings) -> FastAPI:
    return compose.single(SERVICE, build, settings)


def main() -> None:
    settings = Settings.load()
    compose.serve(create_app(settings), settings, SERVICE)


if __name__ == "__main__":
    main()
