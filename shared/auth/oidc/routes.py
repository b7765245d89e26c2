"""The pages between us and the provider: there, back, on with what was kept."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from shared.auth.carry import is_local_path, uncarry
from shared.auth.guard import COOKIE, authenticator, optional_identity, refuse_cross_site
from shared.auth.oidc.errors import NoRole, SignInRefused
from shared.auth.oidc.openid import ATTEMPT, ATTEMPT_LASTS, PROOF_LASTS, OpenId
from shared.auth.proof import PROOF
from shared.auth.session import forget, keep
from shared.errors import NotFound
from shared.telemetry import get_logger
from shared.web.i18n import language_of
from shared.web.nav import home_of
from shared.web.pages import Pages
from shared.web.sign_in import sign_in_context, sign_in_in

log = get_logger(__name__)

ID_TOKEN = "tocsin_id"  # noqa: S105 - a cookie's name
"""The provider's ID token, only to say at the end whose session it should end."""
MOST_COOKIE = 3_800
BACK = "/sign-in/back"


def add_provider_routes(router: APIRouter, pages: Pages) -> None:
    """`/sign-in/start`, `/sign-in/callback`, `/sign-in/back`, `/sign-in/resume`; 404 where no provider is set up."""

    @router.get("/sign-in/start", include_in_schema=False)
    async def start(
        request: Request,
        to: Annotated[str, Query(alias="next", max_length=2_000)] = "",
        ask: Annotated[str, Query(max_length=2_000)] = "",
    ) -> Response:
        openid = _openid(request)
        wanted = openid.asked(ask) if ask else None
        if ask and wanted is None:
            raise SignInRefused("attempt", "the page that asked for a signature is too old")
        begun = await asyncio.to_thread(openid.begin, to, wanted, request.cookies, language_of(request))
        response = RedirectResponse(begun.url, status_code=303)
        until = authenticator(request).clock.now() + ATTEMPT_LASTS
        keep(response, request, begun.cookie, begun.sealed, until, path="/sign-in")
        return response

    @router.get("/sign-in/callback", include_in_schema=False)
    async def callback(request: Request) -> Response:
        auth, openid = authenticator(request), _openid(request)
        slot = ATTEMPT + request.query_params.get("state", "")[:1]
        response: Response
        try:
            arrived = await asyncio.to_thread(openid.finish, dict(request.query_params), request.cookies)
        except (SignInRefused, NoRole) as error:
            auth.refused()
            reason = "no_role" if isinstance(error, NoRole) else error.reason
            log.warning("oidc.refused", reason=reason)
            context = {
                "reason": reason,
                "user": error.user_id if isinstance(error, NoRole) else "",
                "whom": openid.options.whom_to_ask,
                "lang_url": sign_in_in,
            }
            response = pages.html(request, "sign_in_refused.html", context, status=error.status)
            forget(response, request, slot, path="/sign-in")
            return response
        now = auth.clock.now()
        if arrived.proof is not None:
            # The open sign-in stays as it is: only the proof is new.
            response = RedirectResponse(BACK, status_code=303)
            keep(response, request, PROOF, arrived.proof, now + PROOF_LASTS)
        else:
            token, expires_at = auth.admit(arrived.identity)
            to = arrived.to if is_local_path(arrived.to) else home_of(arrived.identity)
            response = RedirectResponse(to, status_code=303)
            keep(response, request, COOKIE, token, expires_at)
            if len(arrived.id_token) <= MOST_COOKIE:
                keep(response, request, ID_TOKEN, arrived.id_token, now + timedelta(days=3), path="/sign-out")
        forget(response, request, slot, path="/sign-in")
        return response

    @router.get("/sign-in/back", include_in_schema=False)
    async def back(request: Request) -> Response:
        _openid(request)
        who = await optional_identity(request)
        if who is None:
            return RedirectResponse("/sign-in", status_code=303)
        return pages.html(request, "sign_in_back.html", {"proved": PROOF in request.cookies})

    @router.post("/sign-in/resume", include_in_schema=False)
    async def resume(request: Request, carried: Annotated[str, Form(max_length=400_000)] = "") -> Response:
        refuse_cross_site(request)
        _openid(request)
        auth = authenticator(request)
        who = await optional_identity(request)
        waiting = uncarry(auth.signer, carried, auth.clock.now())
        if waiting is None:
            return RedirectResponse(home_of(who) if who else "/sign-in", status_code=303)
        if who is None:
            context = sign_in_context(request) | {"carried": carried, "notice": "sign_in.not_yet"}
            return pages.html(request, "sign_in.html", context, status=401)
        return pages.html(request, "send_again.html", {"waiting": waiting})


def _openid(request: Request) -> OpenId:
    found = authenticator(request).openid
    if found is None:
        raise NotFound
    return found
