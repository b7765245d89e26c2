"""Cookies of ours: never readable by scripts, never sent along by another site's post, over https where there is https."""

from __future__ import annotations

from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response

from shared.auth.guard import authenticator


def keep(response: Response, request: Request, name: str, value: str, until: datetime, *, path: str = "/") -> None:
    left = until - authenticator(request).clock.now()
    response.set_cookie(
        name,
        value,
        max_age=max(0, int(left.total_seconds())),
        path=path,
        httponly=True,
        samesite="lax",
        secure=request.app.state.settings.is_https,
    )


def forget(response: Response, request: Request, name: str, *, path: str = "/") -> None:
    response.delete_cookie(name, path=path, httponly=True, samesite="lax", secure=request.app.state.settings.is_https)
