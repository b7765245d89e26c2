"""All services in one process on one port: SQLite, the local log, the same handlers. For one desk, a trial run, a test."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence

from fastapi import FastAPI
from filelock import FileLock, Timeout

from services.ae_intake import main as ae_intake
from services.causality import main as causality
from services.dsmb import main as dsmb
from services.mailbox import Mailbox
from services.mailbox import routes as mailbox_pages
from services.sae_notifier import main as sae_notifier
from shared import compose, runtime
from shared.clock import Clock, SystemClock
from shared.private import own_folder
from shared.runtime import Runtime
from shared.settings import Settings, UnsafeSettings
from shared.supervise import Supervisor
from shared.web.app import make_app

BUILDERS = {
    ae_intake.SERVICE: ae_intake.build,
    causality.SERVICE: causality.build,
    sae_notifier.SERVICE: sae_notifier.build,
    dsmb.SERVICE: dsmb.build,
}


def create_app(
    settings: Settings,
    clock: Clock | None = None,
    *,
    mailbox: Mailbox | None = None,
    more: Sequence[Supervisor] = (),
) -> FastAPI:
    """One application; `app.state.runtimes` holds the services by name. Raises UnsafeSettings when the folder is in use.

    `mailbox` takes the mails of a demonstration; `more` are loops that run beside the services and stop with them.
    """
    clock = clock or SystemClock()
    own_folder(settings.var)
    lock = FileLock(settings.var / "tocsin.lock", thread_local=False)  # taken here, released by the loop
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise UnsafeSettings(
            [f"TOCSIN_VAR: {settings.var} is in use by another process; stop it or choose another folder"]
        ) from None
    settings = mailbox.settings(settings) if mailbox else settings
    trial = runtime.load_trial(settings)
    bus = compose.make_bus(settings, "tocsin")
    bell = compose.make_bell(settings, clock)
    runtimes: dict[str, Runtime] = {}
    routers = []
    for name, build in BUILDERS.items():
        runtimes[name], own = build(settings, clock, trial, bus, bell)
        routers += own
    auth, auth_db = compose.make_authenticator(settings, clock, "tocsin")
    opened = compose.lifetime(
        bus,
        bell,
        "tocsin",
        [*compose.closers(list(runtimes.values()), auth_db), lock.release],
        [one.guard for one in runtimes.values()],
    )

    @contextlib.asynccontextmanager
    async def resources(app: FastAPI) -> AsyncIterator[None]:
        async with mailbox.opened() if mailbox else contextlib.nullcontext(), opened(app):
            yield

    supervisors = [*(one.supervisor for one in runtimes.values()), *more]
    app = make_app("tocsin", settings, auth, clock, supervisors, resources=resources)
    app.state.runtimes = runtimes
    app.state.bus = bus
    app.state.trial = trial
    for router in [*routers, *([mailbox_pages(mailbox)] if mailbox else [])]:
        app.include_router(router)
    return app
