"""What a route declares: `Depends(identity)` for whoever is signed in, `Depends(require("file_report"))` for a right.

Cross-site requests: the cookie is SameSite=Lax (links from a mail arrive signed in, foreign posts do not), and an
unsafe method with cookie or Basic credentials is refused unless `Sec-Fetch-Site` says same-origin or, where a browser
sends none, `Origin` is ours. A request with neither comes from no browser of this decade, hence from no foreign page.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Awaitable, Callable
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends
from fastapi.openapi.models import APIKey, APIKeyIn, HTTPBase, HTTPBearer, SecurityBase
from fastapi.security.base import SecurityBase as Scheme
from starlette.requests import HTTPConnection, Request

from shared.auth.authenticator import Authenticator
from shared.auth.identity import Identity
from shared.auth.roles import Permission, Role, roles_for
from shared.errors import Forbidden, SignInNeeded

COOKIE = "tocsin_session"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


def authenticator(request: HTTPConnection) -> Authenticator:
    """The process's Authenticator, put on `app.state.auth` by `shared.web.app.make_app`."""
    return request.app.state.auth


def address_of(request: HTTPConnection) -> str:
    return request.client.host if request.client else "unknown"


class _Described(Scheme):
    """A way to sign in, for the OpenAPI description alone: `_credentials` reads what was sent."""

    def __init__(self, name: str, model: SecurityBase) -> None:
        self.scheme_name, self.model = name, model

    async def __call__(self) -> None:
        return None


_BEARER = _Described("bearer", HTTPBearer(description="A token from POST /api/v1/sign-in"))
_BASIC = _Described("basic", HTTPBase(scheme="basic", description="User name and password, for scripts"))
_SESSION = _Described(
    "session", APIKey.model_validate({"in": APIKeyIn.cookie, "name": COOKIE, "description": "The cookie of the pages"})
)


async def _described(
    bearer: Annotated[None, Depends(_BEARER)],
    basic: Annotated[None, Depends(_BASIC)],
    session: Annotated[None, Depends(_SESSION)],
) -> None:
    """Any one of the three."""


SignIn = Annotated[None, Depends(_described)]


async def identity(request: Request, _: SignIn = None) -> Identity:
    """Who is asking. Raises SignInNeeded (a page becomes the sign-in page and keeps what was posted) or Forbidden."""
    found = await optional_identity(request)
    if found is None:
        raise SignInNeeded
    return found


async def optional_identity(request: Request) -> Identity | None:
    """Who is asking, or None; wrong Basic credentials still raise SignInNeeded."""
    known: Identity | None = getattr(request.state, "identity", None)
    if known is not None:
        return known
    found = await _credentials(request)
    if found is not None:
        if found.via != "bearer" and request.method not in SAFE_METHODS:
            refuse_cross_site(request)
        request.state.identity = found
    return found


async def _credentials(request: Request) -> Identity | None:
    auth = authenticator(request)
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    match scheme.lower():
        case "bearer":
            return auth.quick_token(value.strip(), "bearer") or await asyncio.to_thread(
                auth.slow_token, value.strip(), "bearer"
            )
        case "basic" if request.url.path.startswith("/api/"):
            user_id, password = _basic_pair(value)
            return auth.quick_basic(user_id, password) or await asyncio.to_thread(
                auth.slow_basic, user_id, password, address_of(request)
            )
    token = request.cookies.get(COOKIE)
    if not token:
        return None
    return auth.quick_token(token, "cookie") or await asyncio.to_thread(auth.slow_token, token, "cookie")


def _basic_pair(value: str) -> tuple[str, str]:
    try:
        user_id, colon, password = base64.b64decode(value.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise SignInNeeded("the Authorization header is not valid HTTP Basic") from None
    if not colon or not user_id:
        raise SignInNeeded("the Authorization header is not valid HTTP Basic")
    return user_id, password


def require(*names: Role | Permission) -> Callable[..., Awaitable[Identity]]:
    """A dependency that lets in whoever holds one of these permissions or roles, and gives their Identity."""
    allowed = frozenset[str]().union(*(roles_for(name) for name in names))
    if not allowed:
        raise ValueError("require() needs a permission or a role")

    async def required(request: Request, _: SignIn = None) -> Identity:
        found = await identity(request)
        if not found.roles & allowed:
            raise Forbidden(f"this needs one of the roles {', '.join(sorted(allowed))}")
        return found

    return required


def is_cross_site(request: HTTPConnection) -> bool:
    """True when the headers that only a browser can set say that another site's page sent this."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = request.headers.get("origin")
    if origin is None:
        return False
    ours = {request.headers.get("host", "").lower(), urlsplit(request.app.state.settings.base_url).netloc.lower()}
    return urlsplit(origin).netloc.lower() not in ours - {""}


def refuse_cross_site(request: HTTPConnection) -> None:
    if is_cross_site(request):
        raise Forbidden("this was sent from another site; open the page here and send it again")
