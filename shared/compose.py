"""From settings to a running process: what every `main.py` does before it adds its own service."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager

import uvicorn
from fastapi import APIRouter, FastAPI

from shared import failpoint, migrate, runtime
from shared.alarm import Bell
from shared.audit import Audit, AuditKeys
from shared.auth import users
from shared.auth.accounts import Accounts
from shared.auth.authenticator import Authenticator
from shared.auth.demo import ensure_demo_users
from shared.auth.oidc.machines import Machines
from shared.auth.oidc.openid import OpenId
from shared.auth.oidc.options import options_of
from shared.auth.oidc.provider import Provider
from shared.auth.tokens import Signer
from shared.auth.users import Users
from shared.bus.guard import Guard
from shared.bus.port import Bus, BusMisconfigured, BusUnavailable
from shared.clock import Clock, SystemClock
from shared.db import Database, DatabaseAway
from shared.runtime import Runtime
from shared.settings import Settings
from shared.telemetry import configure_logging
from shared.trial import Trial
from shared.web.app import make_app

THREADS = 48
GRACE_S = 4
LOOK_WITHIN_S = 10.0
"""Ctrl-C ends within 5 s: open connections get this long."""


def make_bus(settings: Settings, client_id: str) -> Bus:
    """The local log in embedded mode, Kafka in production. Only `main.py` and this know which."""
    bus_settings = settings.bus_settings(client_id)
    if bus_settings.kafka_bootstrap:
        from shared.bus.kafka import KafkaBus

        return KafkaBus(bus_settings)
    from shared.bus.local import LocalBus

    return LocalBus(bus_settings)


def make_bell(settings: Settings, clock: Clock) -> Bell:
    return Bell(
        smtp_url=settings.smtp_url,
        mail_from=settings.smtp_from,
        mail_to=settings.alarm_mail,
        webhook_url=settings.alarm_webhook,
        webhook_secret=settings.webhook_key,
        base_url=settings.base_url,
        clock=clock,
    )


def make_authenticator(settings: Settings, clock: Clock, service: str) -> tuple[Authenticator, Database]:
    db = Database(settings.database_url_of("auth"), "auth", pool_size=2)
    migrate.ensure_schema(db)
    users.create_tables(db)
    keys = settings.audit_keys
    audit = Audit("auth", AuditKeys(keys[0], keys[1:]))
    options = options_of(settings)
    openid = machines = None
    if options is not None:
        provider, accounts = Provider(options, time.monotonic), Accounts(db, audit)
        openid = OpenId(provider, accounts, Signer(settings.signing_keys), clock)
        machines = Machines(provider, accounts, clock)
    auth = Authenticator(
        Users(db, audit),
        settings.signing_keys,
        clock,
        session_hours=settings.session_hours,
        service=service,
        passwords=options is None or settings.local_users,
        openid=openid,
        machines=machines,
    )
    if settings.is_demo:
        ensure_demo_users(auth.users, clock.now())
    return auth, db


def lifetime(
    bus: Bus,
    bell: Bell,
    service: str,
    closing: Sequence[Callable[[], None]],
    guards: Sequence[Guard] = (),
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """Opens the log before the loops start; closes it and the databases after they have stopped."""

    @contextlib.asynccontextmanager
    async def resources(_: FastAPI) -> AsyncIterator[None]:
        # asyncio's own default is the number of cores plus four: far too few for transactions that wait for a disk.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS, thread_name_prefix="work"))
        try:
            await bus.start()
        except BusMisconfigured:
            await asyncio.to_thread(bell.ring, "topic_misconfigured", service)
            raise
        for guard in guards:  # before anything is served; with the log away the guard's own loop goes on trying
            with contextlib.suppress(BusUnavailable, DatabaseAway, TimeoutError):
                async with asyncio.timeout(LOOK_WITHIN_S):
                    await guard.look()
        try:
            yield
        finally:
            await bus.close()
            for close in closing:
                close()

    return resources


Build = Callable[[Settings, Clock, Trial, Bus, Bell], tuple[Runtime, list[APIRouter]]]
"""What every service's `main.build` is."""


def single(service: str, build: Build, settings: Settings, *, sign_in: bool = False) -> FastAPI:
    """One service as a process of its own (production); `sign_in` for the one that serves the sign-in pages."""
    clock = SystemClock()
    bus = make_bus(settings, service)
    bell = make_bell(settings, clock)
    run, routers = build(settings, clock, runtime.load_trial(settings), bus, bell)
    auth, auth_db = make_authenticator(settings, clock, service)
    app = make_app(
        service,
        settings,
        auth,
        clock,
        [run.supervisor],
        resources=lifetime(bus, bell, service, closers([run], auth_db), [run.guard]),
        sign_in=sign_in,
        health_prefix=f"/ops/{service}",
    )
    for router in routers:
        app.include_router(router)
    return app


def serve(app: FastAPI, settings: Settings, service: str) -> None:
    """Run until SIGTERM or Ctrl-C."""
    configure_logging(service, level=settings.log_level)
    failpoint.arm(settings.failpoints)
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        forwarded_allow_ips=settings.trusted_proxies,
        timeout_graceful_shutdown=GRACE_S,
        timeout_keep_alive=30,
    )


def closers(runtimes: Sequence[Runtime], *more: Database) -> list[Callable[[], None]]:
    return [runtime.db.close for runtime in runtimes] + [db.close for db in more]
