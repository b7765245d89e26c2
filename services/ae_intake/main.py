"""The composition root of ae_intake: the only place here that picks adapters."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI

from services.ae_intake import api, handlers, pages, redacting, store
from services.ae_intake.rebuild import rebuild
from services.ae_intake.turned_away import TurnedAway
from shared import compose, metrics, runtime
from shared.alarm import Bell
from shared.bus.port import Bus
from shared.bus.worker import Handler
from shared.clock import Clock
from shared.events.catalogue import SEAL_TYPES
from shared.ops import ops_routes
from shared.ops_pages import ops_pages
from shared.runtime import ComingBack, Runtime
from shared.settings import Settings
from shared.trial import Trial

SERVICE = "ae_intake"
BACK = ComingBack(rebuild, numbers=store.number_on_from_cases, skip=store.skip_case_numbers)


def build(settings: Settings, clock: Clock, trial: Trial, bus: Bus, bell: Bell) -> tuple[Runtime, list[APIRouter]]:
    """The service without its process: embedded mode puts several into one."""

    # Other services' seals are kept, so that nobody can cut their trail unseen.
    def consumed(_: object, __: object) -> dict[str, Handler]:
        return {name: lambda tx, receipt, now: None for owner, name in SEAL_TYPES.items() if owner != SERVICE}

    made = runtime.build(
        SERVICE,
        settings=settings,
        clock=clock,
        trial=trial,
        bus=bus,
        bell=bell,
        handlers=consumed,
        coming_back=BACK,
        blank=lambda _: redacting.blank,
    )
    made.gauges.append(lambda run: metrics.REJECTED_OPEN.labels(service=SERVICE).set(run.db.read(store.count_rejected)))
    made.supervisor.add("turned_away", TurnedAway(made.db, clock, made.ring).loop)
    intake = handlers.Intake(trial, made.audit, made.relay.wake)
    routers = [
        api.routes(made.db, intake, clock),
        pages.routes(made.db, intake, clock),
        ops_routes(made),
        ops_pages(made),
    ]
    return made, routers


def create_app(settings: Settings) -> FastAPI:
    return compose.single(SERVICE, build, settings, sign_in=True)


def main() -> None:
    settings = Settings.load()
    compose.serve(create_app(settings), settings, SERVICE)


if __name__ == "__main__":
    main()
