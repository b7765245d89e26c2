"""HTML from Jinja: a service's own templates over the shared ones, with language, times and the reader in place.

    pages = templates("ae_intake")
    return pages.html(request, "report.html", {"view": view, "active": "report"})

Templates read view models, never rows. An undefined name is an error, never an empty place on a safety page.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from hashlib import sha256
from pathlib import Path

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from shared.auth.identity import Identity
from shared.case.moment import Moment
from shared.case.withholding import withheld_hash
from shared.ids import new_id
from shared.web import times
from shared.web.frames import frame_of
from shared.web.i18n import COOKIE, LANGUAGES, Catalogue, language_of
from shared.web.nav import entries_for

HERE = Path(__file__).parent
STATIC = HERE / "static"
DEFAULT_ZONE = "Asia/Ho_Chi_Minh"
_SERVICES = HERE.parent.parent / "services"
YEAR_S = 31_536_000


class Pages:
    """Renders one service's pages. `environment` is there for a service's own filters."""

    def __init__(self, service: str, directory: Path | None = None) -> None:
        directory = directory or _SERVICES / service / "templates"
        self.service = service
        self.catalogue = Catalogue(directory / "i18n")
        self.environment = Environment(
            loader=ChoiceLoader([FileSystemLoader(directory), FileSystemLoader(HERE / "templates")]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.environment.globals |= {"static": static_url, "new_key": new_id}
        self.environment.filters |= {
            "both_times": _both_times,
            "one_time": _one_time,
            "countdown": _countdown,
            "moment": _moment,
            "anchor": _anchor,
            "typed": _typed,
        }

    def render(self, request: Request, template: str, context: Mapping[str, object] | None = None) -> str:
        """The text of a template; names in `context` win over the shared ones."""
        language = language_of(request)
        who: Identity | None = getattr(request.state, "identity", None)
        frame = frame_of(request)

        def t(key: str, /, **values: object) -> str:
            return self.catalogue.text(language, key, **values)

        def lang_url(tongue: str) -> str:
            asked = request.url.include_query_params(lang=tongue)
            return f"{asked.path}?{asked.query}"

        shared: dict[str, object] = {
            "t": t,
            "lang_url": lang_url,
            "lang": language,
            "languages": LANGUAGES,
            "identity": who,
            "nav": entries_for(who),
            "active": "",
            "now": request.app.state.clock.now(),
            "zone": DEFAULT_ZONE,
            "reader_zone": times.reader_zone(request),
            "path": request.url.path,
            "demo": request.app.state.settings.is_demo,
            "service": self.service,
            # A fragment fetched by a page comes bare; in a frame it is a small page, opened by hand a whole one.
            "layout": "bare.html" if request.headers.get("x-fragment") else "frame.html" if frame else "base.html",
            "frame_reload_s": frame if frame > 1 else 0,
        }
        return self.environment.get_template(template).render(shared | dict(context or {}))

    def html(
        self,
        request: Request,
        template: str,
        context: Mapping[str, object] | None = None,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> HTMLResponse:
        """A page (or a fragment: a template that does not extend base.html)."""
        response = HTMLResponse(
            self.render(request, template, context), status_code=status, headers=dict(headers or {})
        )
        asked = request.query_params.get("lang")
        if asked in LANGUAGES:
            secure = request.app.state.settings.is_https
            response.set_cookie(COOKIE, asked, max_age=YEAR_S, samesite="lax", secure=secure)
        return response


def templates(service: str, directory: Path | None = None) -> Pages:
    """The pages of `services/<service>/templates`, with `i18n/vi.toml` and `i18n/en.toml` beside them."""
    return Pages(service, directory)


@cache
def static_url(name: str) -> str:
    """`/static/app.css?v=<hash>`, so that it can be cached for ever."""
    return f"/static/{name}?v={sha256((STATIC / name).read_bytes()).hexdigest()[:10]}"


@pass_context
def _both_times(context: Context, at: datetime, zone: str | None = None) -> Markup:
    return times.both_times(at, zone or context["zone"], context["reader_zone"], context["lang"])


@pass_context
def _one_time(context: Context, at: datetime, zone: str | None = None) -> Markup:
    return times.one_time(at, zone or context["zone"], context["lang"])


@pass_context
def _typed(context: Context, words: str) -> str:
    """What somebody typed, or that it was taken back (its hash is for the API)."""
    return context["t"]("taken_back") if withheld_hash(words) else words


@pass_context
def _countdown(context: Context, due: datetime) -> Markup:
    return times.countdown(due, context["now"], context["lang"])


@pass_context
def _moment(context: Context, moment: Moment | None) -> str:
    return times.moment_text(moment, context["lang"])


def _anchor(name: str) -> str:
    """A field name as an HTML id."""
    return re.sub(r"[^a-zA-Z0-9_-]+", "-", name).strip("-")
