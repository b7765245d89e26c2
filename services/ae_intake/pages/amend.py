"""Adding news to a case, and declaring one void. Somebody else's change in between loses neither text."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, TypeVar

from fastapi import APIRouter
from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from services.ae_intake import handlers, views
from services.ae_intake.commands import AmendCase, NullifyCase
from services.ae_intake.pages import case_form, diff
from services.ae_intake.pages.cases import Loaded, exposure_name, load
from services.ae_intake.pages.desk import Amender, Desk, Id, Nullifier, Words, fresh_key, who_of
from services.ae_intake.pages.facts import Facts
from services.ae_intake.pages.posted import Posted, merge
from services.ae_intake.pages.specs import Reading
from services.ae_intake.submission import problems_of
from shared import terms
from shared.auth.identity import Identity
from shared.bus.idempotency import form_key
from shared.case import CaseReport, Exposure
from shared.db import Tx
from shared.errors import Conflict, FieldProblem, PreconditionFailed, Refused, TocsinError, TooLarge
from shared.web.times import reader_zone, zone_text

M = TypeVar("M", bound=BaseModel)


def add(router: APIRouter, desk: Desk) -> None:
    @router.get("/cases/{case_id}/amend")
    async def form(request: Request, case_id: Id, who: Amender) -> Response:
        view = await Amendment.of(desk, request, case_id, who)
        posted = view.form_of(view.newest)
        posted.set("version", str(view.newest.version))
        posted.set("key", fresh_key())
        return view.page(posted)

    @router.post("/cases/{case_id}/amend")
    async def send(request: Request, case_id: Id, who: Amender) -> Response:
        posted = await Posted.of(request)
        view = await Amendment.of(desk, request, case_id, who)
        base = view.base(posted)
        view.take_exact_terms(posted, base)
        if posted.has("search"):
            return view.page(posted)
        problems = view.problems(posted, base)
        if problems:
            return view.page(posted, 422, problems)
        command = case_form.as_command(base, view.exposures, posted, view.how, desk.intake.trial)
        try:
            amendment = _checked(AmendCase, command.body)
            route = f"POST /cases/{view.newest.case_id}/amend"
            body = [base.version, amendment.model_dump(mode="json")]

            def unit(tx: Tx, now: Any) -> dict[str, Any]:
                outcome = handlers.amend_case(desk.intake, tx, base.case_id, amendment, base.version, who_of(who), now)
                return views.case_answer(outcome, desk.intake.trial, now)

            await desk.once(who, route, form_key(posted.text("key")), body, unit)
        except PreconditionFailed:
            return (await Amendment.of(desk, request, case_id, who)).conflict(posted)
        except Refused as refused:
            return view.page(posted, 422, view.named(refused.problems, command.prefixes))
        except TocsinError as error:
            kind = "too_large" if isinstance(error, TooLarge) else "away"
            if isinstance(error, Conflict):
                kind = "nullified" if view.newest.nullified else "sent_before"
            posted.set("key", fresh_key())
            return view.page(posted, error.status, notice=kind)
        return RedirectResponse(f"/cases/{base.case_id}?done=amended", 303)

    @router.get("/cases/{case_id}/nullify")
    async def nullify_form(request: Request, case_id: Id, who: Nullifier) -> Response:
        found = await _load(desk, case_id, who)
        values = [("version", str(found.newest.version)), ("key", fresh_key())]
        return _nullify_page(desk, request, found, Posted(values))

    @router.post("/cases/{case_id}/nullify")
    async def nullify(request: Request, case_id: Id, who: Nullifier) -> Response:
        posted = await Posted.of(request)
        found = await _load(desk, case_id, who)
        t = desk.words(request)
        version = _version(posted, found)
        try:
            replaced = posted.text("replaced_by").strip() or None
            command = _checked(NullifyCase, {"reason": posted.text("reason"), "replaced_by": replaced})
            route = f"POST /cases/{found.newest.case_id}/nullify"

            def unit(tx: Tx, now: Any) -> dict[str, Any]:
                outcome = handlers.nullify_case(
                    desk.intake, tx, found.newest.case_id, command, version, who_of(who), now
                )
                return views.case_answer(outcome, desk.intake.trial, now)

            body = [version, command.model_dump(mode="json")]
            await desk.once(who, route, form_key(posted.text("key")), body, unit)
        except PreconditionFailed:
            posted.set("version", str(found.newest.version))
            posted.set("key", fresh_key())
            return _nullify_page(desk, request, found, posted, 412, notice="moved_on")
        except Refused as refused:
            names = {"/reason": t("wrong.reason"), "/replaced_by": t("wrong.replaced_by")}
            wrong = {one.pointer[1:]: names.get(one.pointer, one.detail) for one in refused.problems}
            return _nullify_page(desk, request, found, posted, 422, wrong)
        except TocsinError as error:
            posted.set("key", fresh_key())
            return _nullify_page(desk, request, found, posted, error.status, notice="away")
        return RedirectResponse(f"/cases/{found.newest.case_id}?done=nullified", 303)


async def _load(desk: Desk, case_id: str, who: Identity) -> Loaded:
    return await desk.read(lambda tx: load(tx, desk, case_id, who_of(who), desk.clock.now()))


def _version(posted: Posted, found: Loaded) -> int:
    typed = posted.text("version")
    return int(typed) if typed.isdecimal() and int(typed) <= found.newest.version else 0


def _checked(model: type[M], body: dict[str, Any]) -> M:
    try:
        return model.model_validate_json(json.dumps(body))
    except ValidationError as error:
        raise Refused("some fields do not fit", problems=problems_of(error)) from None


def _nullify_page(
    desk: Desk,
    request: Request,
    found: Loaded,
    posted: Posted,
    status: int = 200,
    problems: dict[str, str] | None = None,
    notice: str = "",
) -> Response:
    context = {"case": found.newest, "form": posted, "problems": problems or {}, "notice": notice, "active": "cases"}
    return desk.pages.html(request, "nullify.html", context, status=status)


@dataclass
class Amendment:
    """One request for the amendment page: the case as it is now, and how this reader writes."""

    desk: Desk
    request: Request
    found: Loaded
    exposures: list[Exposure]
    how: Reading
    t: Words

    @classmethod
    async def of(cls, desk: Desk, request: Request, case_id: str, who: Identity) -> Amendment:
        found = await _load(desk, case_id, who)
        t = desk.words(request)
        how = Reading(t.lang, desk.zone_of_site(found.newest.site_id))
        return cls(desk, request, found, [one for one in found.exposures if not one.voided], how, t)

    @property
    def newest(self) -> CaseReport:
        return self.found.newest

    @property
    def ctcae(self) -> str:
        return self.desk.intake.trial.ctcae_version

    def base(self, posted: Posted) -> CaseReport:
        """The version the form was made from: what differs from it is what somebody typed."""
        number = _version(posted, self.found)
        self.how = Reading(posted.text("form_lang") or self.t.lang, self.how.zone)
        return self.found.version(number) if number else self.newest

    def form_of(self, case: CaseReport) -> Posted:
        form = case_form.form_of(case, self.exposures, self.desk.intake.trial, self.t.lang)
        form.set("form_lang", self.t.lang)
        return form

    def take_exact_terms(self, posted: Posted, base: CaseReport) -> None:
        """A picked term, a code or a term's exact words become the form's term; anything else is asked back."""
        for form in case_form.event_forms(base, posted, self.ctcae, self.t.lang):
            picked = posted.text(f"{form.prefix}term_pick")
            exact = _exact(form.searched, form.found)
            code = picked or (exact.term.code if exact else "")
            if code and terms.find(code, self.ctcae):
                posted.set(f"{form.prefix}term", code)
                posted.set(f"{form.prefix}term_words", "")
            if picked == "none":
                posted.set(f"{form.prefix}term_words", "")
            posted.set(f"{form.prefix}term_pick", "")
            if posted.has(f"{form.prefix}term_off"):
                posted.set(f"{form.prefix}term", "")

    def problems(self, posted: Posted, base: CaseReport) -> dict[str, str]:
        forms = case_form.event_forms(base, posted, self.ctcae, self.t.lang)
        return case_form.problems_of_form(base, posted, forms, self.ctcae, self.t)

    def named(self, problems: tuple[FieldProblem, ...], prefixes: list[str]) -> dict[str, str]:
        """The command's problems under the names of the form's fields."""
        found: dict[str, str] = {}
        for problem in problems:
            name, kind = _field(problem.pointer, prefixes)
            key = f"wrong.{kind}"
            found.setdefault(name, self.t(key) if self.t.has(key) else problem.detail)
        return found

    def conflict(self, posted: Posted) -> Response:
        """What I typed over the newest version; what the other person changed stays, and is shown."""
        base = self.base(posted)
        merged, both = merge(self._comparable(base), posted, self._comparable(self.newest))
        merged.set("version", str(self.newest.version))
        merged.set("key", fresh_key())
        merged.set("form_lang", self.t.lang)
        problems = dict.fromkeys(_heads(both), self.t("wrong.both"))
        return self.page(merged, 412, problems, "conflict", base)

    def _comparable(self, case: CaseReport) -> Posted:
        return case_form.form_of(case, self.exposures, self.desk.intake.trial, self.how.lang)

    def page(
        self,
        posted: Posted,
        status: int = 200,
        problems: dict[str, str] | None = None,
        notice: str = "",
        conflict_from: CaseReport | None = None,
    ) -> Response:
        desk, trial = self.desk, self.desk.intake.trial
        case = (conflict_from and self.newest) or self.base(posted)
        facts = Facts(self.t, trial, reader_zone(self.request))
        names = {one.exposure_id: exposure_name(one, facts) for one in self.found.exposures}
        facts.names = names
        changes = diff.compare(facts.sections(conflict_from), facts.sections(self.newest)) if conflict_from else ()
        context = {
            "case": case,
            "newest": self.newest,
            "form": posted,
            "problems": problems or {},
            "notice": notice if notice else "wrong" if problems else "",
            "changes": [one for one in changes if one.changed],
            "events": case_form.event_forms(case, posted, self.ctcae, self.t.lang),
            "fields": case_form,
            "site_spec": case_form.site_spec(trial, self.t.lang),
            "kinds": [(one.kind, one.label.text(self.t.lang)) for one in trial.exposures],
            "exposures": [(one, names[one.exposure_id]) for one in self.exposures],
            "facts": facts,
            "terms": _all_terms(self.ctcae, self.t.lang),
            "ctcae": self.ctcae,
            "field_zone": self.how.zone,
            "zone_offset": zone_text(desk.clock.now(), self.how.zone),
            "form_lang": self.how.lang,
            "zone": self.how.zone,
            "active": "cases",
        }
        return desk.pages.html(self.request, "amend.html", context, status=status)


def _exact(words: str, found: list[terms.Match]) -> terms.Match | None:
    plain = words.casefold()
    return next(
        (one for one in found if plain in (one.term.name.casefold(), one.label.casefold(), one.term.code)), None
    )


def _all_terms(version: str, lang: str) -> list[tuple[str, str]]:
    """For a datalist: the words to choose, and the dictionary's own name beside them."""
    return [(terms.label(one.code, version, lang), one.name) for one in terms.terms(version)]


def _heads(names: set[str]) -> set[str]:
    """A field's name from its inputs' names."""
    return {name.removesuffix("_date").removesuffix("_time") for name in names}


def _field(pointer: str, prefixes: list[str]) -> tuple[str, str]:
    """The form's field of a pointer into the command, and the kind of sentence that tells what is wrong."""
    parts = pointer.strip("/").split("/")
    if parts[0] == "events" and len(parts) > 2 and parts[1].isdecimal() and int(parts[1]) < len(prefixes):
        prefix, name = prefixes[int(parts[1])], parts[2]
        if name == "grades":
            place = parts[3] if len(parts) > 3 else "0"
            return (
                f"{prefix}{'since' if 'since' in parts else 'grade'}{place}",
                "moment" if "since" in parts else "grade_missing",
            )
        if name == "term_code":
            return f"{prefix}term", "term"
        return prefix + (parts[3] if name == "seriousness" and len(parts) > 3 else name), _kind_of(name)
    if parts[0] == "given":
        return "given_" + (parts[1] if len(parts) > 1 else "answer"), "value"
    return {"news_known": "news"}.get(parts[0], parts[0]), _kind_of(parts[0])


def _kind_of(name: str) -> str:
    if name in ("onset", "end", "news_known", "site_aware", "desk_aware", "determined_reportable"):
        return "moment"
    return "reason" if name == "reason" else "value"
