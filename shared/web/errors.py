"""Errors at the edge: a problem document under /api, a page for people, a sign-in page that keeps what was posted."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from urllib.parse import urlencode

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import Scope

from shared.auth.carry import Carried, TooLargeToCarry, carry
from shared.auth.guard import COOKIE, SAFE_METHODS, authenticator, is_cross_site
from shared.auth.oidc.errors import ProviderAway, SignInRefused
from shared.auth.proof import FreshProofNeeded
from shared.errors import FieldProblem, SignInNeeded, TocsinError
from shared.telemetry import current_traceparent, get_logger, trace_id_of
from shared.web.frames import frame_of
from shared.web.pages import Pages
from shared.web.problem import ProblemField, fields_of, headers_for, places_of, problem_of, problem_response
from shared.web.sign_in import sign_in_context, sign_in_in

log = get_logger(__name__)

_CODES = {
    400: "bad-request",
    404: "not-found",
    405: "method-not-allowed",
    413: "too-large",
    415: "unsupported-media-type",
}
FRAGMENT_HEADER = "x-fragment"


def wants_page(request: Request) -> bool:
    """People get pages everywhere but under /api (unless they ask for JSON alone)."""
    if request.url.path.startswith("/api/"):
        return False
    accept = request.headers.get("accept", "")
    return "json" not in accept or "text/html" in accept


def install(app: FastAPI, pages: Pages) -> None:
    """Register the handlers; `pages` renders the shared templates."""

    async def ours(request: Request, error: Exception) -> Response:
        assert isinstance(error, TocsinError)
        if error.status >= 500:
            log.warning("request.unavailable", exc_info=error)
        if not wants_page(request):
            return problem_of(error)
        if isinstance(error, SignInNeeded):
            return await sign_in_needed(request, pages)
        if isinstance(error, FreshProofNeeded):
            return await proof_needed(request, pages, error)
        if isinstance(error, SignInRefused):
            context = {"reason": error.reason, "user": "", "whom": "", "lang_url": sign_in_in}
            return pages.html(request, "sign_in_refused.html", context, status=error.status)
        if isinstance(error, ProviderAway):
            context = {"lang_url": sign_in_in}
            return pages.html(request, "provider_away.html", context, status=error.status, headers=headers_for(error))
        return error_page(
            request, pages, error.status, error.code, error.title, error.detail, error.problems, headers_for(error)
        )

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        fields = fields_of(error)
        log.info("request.invalid", pointers=places_of(error))
        title = "The input cannot be accepted as it is"
        if not wants_page(request):
            return problem_response(422, "refused", title, f"{len(fields)} field(s) need attention", problems=fields)
        return error_page(request, pages, 422, "refused", title, "", fields)

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        code = _CODES.get(error.status_code, f"http-{error.status_code}")
        title = HTTPStatus(error.status_code).phrase
        headers = dict(error.headers or {})
        if error.status_code < 400 or error.status_code in (204, 304):
            return Response(status_code=error.status_code, headers=headers)
        if not wants_page(request):
            return problem_response(error.status_code, code, title, str(error.detail), headers=headers)
        return error_page(request, pages, error.status_code, code, title, "", (), headers)

    app.add_exception_handler(TocsinError, ours)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)


def unexpected(scope: Scope, pages: Pages) -> Response:
    """The answer to an error nobody handled: no details, a number to quote."""
    title = TocsinError.title
    request = Request(scope)
    if wants_page(request):
        try:
            return error_page(request, pages, 500, "internal-error", title)
        except Exception as error:
            log.error("error-page.failed", exc_info=error)
    return problem_response(500, "internal-error", title)


def error_page(
    request: Request,
    pages: Pages,
    status: int,
    code: str,
    title: str,
    detail: str = "",
    problems: Sequence[FieldProblem | ProblemField] = (),
    headers: dict[str, str] | None = None,
) -> Response:
    """`error.<code>` of the catalogue says it in the reader's language; `title` stands in where there is none."""
    traceparent = current_traceparent()
    context = {
        "status": status,
        "code": code,
        "title": title,
        "detail": detail if detail != title else "",
        "problems": problems,
        "known": pages.catalogue.has(f"error.{code}"),
        "trace_id": trace_id_of(traceparent) if traceparent else "",
    }
    template = "error_fragment.html" if _is_part(request) else "error.html"
    return pages.html(request, template, context, status=status, headers=headers)


def _is_part(request: Request) -> bool:
    """Whether the answer will stand inside another page."""
    return bool(request.headers.get(FRAGMENT_HEADER) or frame_of(request))


async def sign_in_needed(request: Request, pages: Pages) -> Response:
    """A GET goes to the sign-in page and comes back; a POST becomes the sign-in page with its fields sealed inside."""
    if _is_part(request):
        return pages.html(request, "sign_in_fragment.html", status=401)
    if request.method in SAFE_METHODS:
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(f"/sign-in?{urlencode({'next': request.url.path + query})}", status_code=303)
    context = sign_in_context(request) | {"notice": "sign_in.needed"}
    if not is_cross_site(request):
        context |= await _kept(request)
    return pages.html(request, "sign_in.html", context, status=401)


async def proof_needed(request: Request, pages: Pages, error: FreshProofNeeded) -> Response:
    """A signature's post becomes a page that keeps it and leads to the provider and back."""
    if request.method in SAFE_METHODS or is_cross_site(request):
        return error_page(request, pages, error.status, error.code, error.title)
    context = sign_in_context(request) | {"ask": error.ask} | await _kept(request, signing=True)
    context["notice"] = "prove.kept" if context["carried"] else "sign_in.too_large"
    return pages.html(request, "prove.html", context, status=error.status)


async def _kept(request: Request, *, signing: bool = False) -> dict[str, object]:
    auth = authenticator(request)
    try:
        form = await request.form()
    except HTTPException:  # larger or stranger than forms are read
        return {"notice": "sign_in.too_large"}
    texts: list[tuple[str, str]] = []
    files = 0
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            files += 1 if value.filename else 0
        else:
            texts.append((name, value))
    query = f"?{request.url.query}" if request.url.query else ""
    by = auth.sign_ins.whose(request.cookies.get(COOKIE, ""))
    try:
        waiting = Carried(request.url.path + query, tuple(texts), by, files, signing)
        sealed = carry(auth.signer, waiting, auth.clock.now())
    except TooLargeToCarry:
        return {"notice": "sign_in.too_large"}
    return {"carried": sealed, "notice": "sign_in.kept", "username": by or ""}
