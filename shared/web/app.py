"""Puts the pieces together: one FastAPI application with probes, errors, pages, sign-in and supervised loops."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from fastapi import FastAPI
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from shared.auth.authenticator import Authenticator
from shared.clock import Clock
from shared.settings import Settings
from shared.supervise import Supervisor
from shared.web import errors
from shared.web.edge import Edge
from shared.web.health import health_router
from shared.web.pages import STATIC, Pages, templates
from shared.web.problem import problem_schemas

Resources = Callable[[FastAPI], AbstractAsyncContextManager[None]]

_NO_TELEMETRY = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
"""FastAPI's own telemetry records exception texts and bodies; ours does not."""


class _Static(StaticFiles):
    """Named by hash (`static_url`), hence cacheable for ever."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


def make_app(
    service: str,
    settings: Settings,
    auth: Authenticator,
    clock: Clock,
    supervisors: Sequence[Supervisor],
    *,
    title: str = "Tocsin",
    version: str = "0.1.0",
    resources: Resources | None = None,
    sign_in: bool = True,
    health_prefix: str = "",
) -> FastAPI:
    """The application of one process, without any service's routes: `include_router` them.

    `resources` opens what the loops need (bus, databases) and closes it after they have stopped. Supervisors start in
    the order given and stop at the same time. `sign_in` mounts the sign-in pages (in production ae_intake serves them).
    """
    from shared.auth.routes import sign_in_router  # the routes render shared pages, which know the guard

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with resources(app) if resources is not None else contextlib.nullcontext():
            try:
                for supervisor in supervisors:
                    await supervisor.start()
                yield
            finally:
                await asyncio.gather(*(supervisor.stop() for supervisor in reversed(supervisors)))

    app = FastAPI(
        title=title,
        version=version,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        telemetry=_NO_TELEMETRY,  # type: ignore[arg-type]
    )
    _describe_problems(app)
    app.state.service = service
    app.state.settings = settings
    app.state.auth = auth
    app.state.clock = clock
    app.state.stopping = supervisors[0].stopping if supervisors else asyncio.Event()
    pages = templates("shared")
    app.state.pages = pages
    errors.install(app, pages)
    app.include_router(health_router(supervisors, health_prefix))
    app.mount("/static", _Static(directory=STATIC), name="static")
    if sign_in:
        app.include_router(sign_in_router(pages))
    app.add_middleware(
        Edge,
        service=service,
        max_body_bytes=settings.max_body_bytes,
        https=settings.is_https,
        unexpected=_unexpected(pages),
    )
    return app


def _describe_problems(app: FastAPI) -> None:
    """Add the schemas that every route's error answers refer to."""
    described = app.openapi

    def openapi() -> dict[str, Any]:
        schema = described()
        schema.setdefault("components", {}).setdefault("schemas", {}).update(problem_schemas())
        return schema

    app.openapi = openapi  # type: ignore[method-assign]


def _unexpected(pages: Pages) -> Callable[[Scope], Response]:
    return lambda scope: errors.unexpected(scope, pages)
