"""The composition root of causality: the only place here that picks adapters."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI

from services.causality import api, pages, redacting
from services.causality.handlers import Causality, on_change, reconsider
from services.causality.rebuild import rebuild
from shared import compose, runtime
from shared.alarm import Bell
from shared.audit import Audit
from shared.bus.port import Bus
from shared.bus.wake import Wake
from shared.bus.worker import Handler
from shared.clock import Clock
from shared.events.catalogue import SEAL_TYPES
from shared.ops import ops_routes
from shared.ops_pages import ops_pages
from shared.runtime import ComingBack, Runtime
from shared.settings import Settings
from shared.trial import Trial

SERVICE = "causality"
HEARD = (
    "tocsin.subject.recorded.v1",
    "tocsin.exposure.recorded.v1",
    "tocsin.batch.recorded.v1",
    "tocsin.measurement.recorded.v1",
    "tocsin.case.reported.v1",
    "tocsin.case.amended.v1",
    "tocsin.case.nullified.v1",
)


def build(settings: Settings, clock: Clock, trial: Trial, bus: Bus, bell: Bell) -> tuple[Runtime, list[APIRouter]]:
    """The service without its process: embedded mode puts several into one."""
    relay_wake = Wake()
    made: list[Causality] = []

    def consumed(audit: Audit, its_trial: Trial) -> dict[str, Handler]:
        causality = Causality(its_trial, audit, relay_wake)
        made.append(causality)
        handlers: dict[str, Handler] = {
            name: lambda tx, receipt, now: on_change(causality, tx, receipt, now) for name in HEARD
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
        relay_wake=relay_wake,
        blank=lambda _: redacting.blank,
        coming_back=ComingBack(rebuild, reconsider=lambda tx, child, now: reconsider(made[0], tx, child, now)),
    )
    return run, [
        api.routes(run.db, made[0], clock),
        pages.routes(run.db, made[0], clock),
        ops_routes(run),
        ops_pages(run),
    ]


def create_app(settings: Settings) -> FastAPI:
    return compose.single(SERVICE, build, settings)


def main() -> None:
    settings = Settings.load()
    compose.serve(create_app(settings), settings, SERVICE)


if __name__ == "__main__":
    main()
