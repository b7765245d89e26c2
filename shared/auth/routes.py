"""Signing in and out, by page and by API."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from shared.auth.carry import is_local_path, uncarry
from shared.auth.guard import COOKIE, address_of, authenticator, identity, optional_identity, refuse_cross_site
from shared.auth.identity import Identity
from shared.auth.oidc.routes import ID_TOKEN, add_provider_routes
from shared.auth.session import forget, keep
from shared.auth.throttle import TooManyAttempts
from shared.errors import SignInNeeded
from shared.web.nav import home_of
from shared.web.pages import Pages
from shared.web.problem import problems
from shared.web.sign_in import sign_in_context

_Text = Annotated[str, Form(max_length=400_000)]
"""Room for what `carry` may seal."""


class SignInRequest(BaseModel):
    username: str = Field(max_length=64, examples=["clinician"])
    password: str = Field(max_length=256, examples=["tocsin-demo-clinician"])


class SignInAnswer(BaseModel):
    """Send `token` as `Authorization: Bearer` until `expires_at`."""

    token: str
    expires_at: datetime
    user_id: str
    roles: list[str]
    sites: list[str]


class Me(BaseModel):
    user_id: str
    name: str
    roles: list[str]
    sites: list[str]
    auth_time: datetime


def sign_in_router(pages: Pages) -> APIRouter:
    """`/sign-in`, `/sign-out`, `/account`, `/`, `/api/v1/sign-in`, `/api/v1/me`."""
    router = APIRouter()

    @router.post(
        "/api/v1/sign-in",
        tags=["sign-in"],
        summary="Exchange a password for a token",
        responses=problems(400),
    )
    async def sign_in_by_api(request: Request, body: SignInRequest) -> SignInAnswer:
        auth = authenticator(request)
        who, token, expires_at = await asyncio.to_thread(
            auth.sign_in, body.username, body.password, address_of(request)
        )
        return SignInAnswer(
            token=token, expires_at=expires_at, user_id=who.user_id, roles=sorted(who.roles), sites=sorted(who.sites)
        )

    @router.get("/api/v1/me", tags=["sign-in"], summary="Who this token belongs to", responses=problems())
    async def me(who: Annotated[Identity, Depends(identity)]) -> Me:
        return Me(
            user_id=who.user_id,
            name=who.name,
            roles=sorted(who.roles),
            sites=sorted(who.sites),
            auth_time=who.auth_time,
        )

    @router.get("/sign-in", include_in_schema=False)
    def sign_in_page(request: Request, to: Annotated[str, Query(alias="next")] = "") -> Response:
        return _page(request, pages, to)

    @router.post("/sign-in", include_in_schema=False)
    async def sign_in(
        request: Request,
        username: _Text = "",
        password: _Text = "",
        to: Annotated[str, Form(alias="next", max_length=2_000)] = "",
        carried: _Text = "",
    ) -> Response:
        refuse_cross_site(request)
        auth = authenticator(request)
        try:
            who, token, expires_at = await asyncio.to_thread(
                auth.sign_in, username.strip().lower(), password, address_of(request)
            )
        except SignInNeeded:
            notice = "sign_in.wrong" if auth.passwords else "sign_in.no_passwords"
            return _page(request, pages, to, username, carried, notice, 401)
        except TooManyAttempts as error:
            return _page(request, pages, to, username, carried, "sign_in.wait", 429, error.wait_s)
        request.state.identity = who
        waiting = uncarry(auth.signer, carried, auth.clock.now()) if carried else None
        response: Response
        if waiting is not None:
            response = pages.html(request, "send_again.html", {"waiting": waiting})
        else:
            response = RedirectResponse(to if is_local_path(to) else home_of(who), status_code=303)
        keep(response, request, COOKIE, token, expires_at)
        return response

    @router.post("/sign-out", include_in_schema=False)
    async def sign_out(request: Request) -> Response:
        refuse_cross_site(request)
        openid = authenticator(request).openid
        response: Response
        if openid is None:
            response = RedirectResponse("/sign-in", status_code=303)
        else:
            hint = request.cookies.get(ID_TOKEN, "")
            there = await asyncio.to_thread(openid.leave, hint)
            # A page and no redirect: `form-action 'self'` would stop a form's answer from leading elsewhere.
            response = pages.html(request, "signed_out.html", {"there": there, "identity": None, "nav": ()})
            forget(response, request, ID_TOKEN, path="/sign-out")
        forget(response, request, COOKIE)
        return response

    @router.get("/account", include_in_schema=False)
    async def account(request: Request, who: Annotated[Identity, Depends(identity)]) -> Response:
        return pages.html(request, "account.html", {"who": who})

    @router.get("/", include_in_schema=False)
    async def home(request: Request) -> Response:
        who = await optional_identity(request)
        return RedirectResponse(home_of(who) if who else "/sign-in", status_code=303)

    add_provider_routes(router, pages)
    return router


def _page(
    request: Request,
    pages: Pages,
    to: str = "",
    username: str = "",
    carried: str = "",
    notice: str = "",
    status: int = 200,
    wait_s: int = 0,
) -> Response:
    context = sign_in_context(request) | {
        "next": to if is_local_path(to) else "",
        "username": username[:64],
        "carried": carried,
        "notice": notice,
        "wait_s": wait_s,
    }
    return pages.html(
        request, "sign_in.html", context, status=status, headers={"Retry-After": str(wait_s)} if wait_s else None
    )
