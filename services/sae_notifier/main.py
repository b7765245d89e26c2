"""The composition root of sae_notifier: the only place here that picks adapters."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI

from services.sae_notifier import api, pages
from services.sae_notifier.channels import MailChannel, WebhookChannel, ways
from services.sae_notifier.dispatch import Dispatcher
from services.sae_notifier.gauges import count
from services.sae_notifier.handlers import Notifier, activation, alerts, duties, withdrawing
from services.sae_notifier.handlers.law import LawRefused, Laws, load_law
from services.sae_notifier.handlers.notifier import Electronic
from services.sae_notifier.rebuild import rebuild, reconsider
from shared import compose, runtime
from shared.alarm import Bell
from shared.bus.parking import ParkedRow
from shared.bus.port import Bus
from shared.bus.wake import Wake
from shared.bus.worker import Handler
from shared.case import RuleCrossed
from shared.clock import Clock
from shared.db import Tx
from shared.events.catalogue import SEAL_TYPES
from shared.ops import ops_routes
from shared.ops_pages import ops_pages
from shared.runtime import ComingBack, Runtime
from shared.settings import Settings
from shared.trial import Trial

SERVICE = "sae_notifier"
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
)


def build(settings: Settings, clock: Clock, trial: Trial, bus: Bus, bell: Bell) -> tuple[Runtime, list[APIRouter]]:
    """The service without its process: embedded mode puts several into one."""
    try:
        laws = Laws(load_law(settings, trial))
    except LawRefused:
        bell.ring("rules_invalid", SERVICE)
        raise
    wake, relay_wake = Wake(), Wake()
    electronic = Electronic(settings.e2b_schemas_dir, frozenset(settings.endpoints_by_name))
    made: list[Notifier] = []

    def consumed(audit: object, _: object) -> dict[str, Handler]:
        notifier = Notifier(trial, laws, audit, wake, relay_wake, electronic)  # type: ignore[arg-type]
        made.append(notifier)
        handlers: dict[str, Handler] = {
            name: lambda tx, receipt, now: duties.on_change(notifier, tx, receipt, now) for name in HEARD
        }
        handlers["tocsin.stopping_rule.crossed.v1"] = lambda tx, receipt, now: alerts.open_for_rule(
            notifier, tx, RuleCrossed.read(receipt.event.data), receipt.key, now
        )
        return handlers | {
            name: lambda tx, receipt, now: None for owner, name in SEAL_TYPES.items() if owner != SERVICE
        }

    def on_parked(tx: Tx, row: ParkedRow, now: object) -> None:
        alerts.open_for_parked(made[0], tx, row, now)  # type: ignore[arg-type]

    run = runtime.build(
        SERVICE,
        settings=settings,
        clock=clock,
        trial=trial,
        bus=bus,
        bell=bell,
        handlers=consumed,
        on_parked=on_parked,
        relay_wake=relay_wake,
        blank=lambda _: withdrawing.blank,
        coming_back=ComingBack(rebuild, reconsider=lambda tx, child, now: reconsider(made[0], tx, child, now)),
    )
    notifier = made[0]
    trial_file = (settings.trial.name, settings.trial.read_text(encoding="utf-8"))
    try:
        run.db.transact(lambda tx: activation.start(laws, run.audit, tx, clock.now(), trial_file), way="repair")
    except LawRefused:
        bell.ring("rules_invalid", SERVICE)
        raise
    mail = MailChannel(settings.smtp_url, settings.smtp_from, clock)
    channels = {
        "mail": mail,
        "webhook": WebhookChannel(settings.webhook_key, clock),
    }
    dispatcher = Dispatcher(
        run.db,
        notifier,
        clock,
        channels,
        settings.base_url,
        lambda kind, place: bell.ring(kind, SERVICE, place=place),
        ways(trial, settings.endpoints_by_name, mail),
    )
    run.gauges.append(lambda one: count(one.db, laws, clock.now()))
    dispatcher.start(run.supervisor)
    return run, [
        api.routes(run.db, notifier, clock),
        pages.routes(run.db, notifier, clock),
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
