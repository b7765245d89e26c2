"""Recording, correcting and voiding what is known of a child; every correction has a reason and leaves the version before."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from services.ae_intake import records, store
from services.ae_intake.commands import Correct, Void
from services.ae_intake.pages.cases import exposure_name
from services.ae_intake.pages.desk import Desk, Id, Reader, Recorder, SubjectRecorder, Words, fresh_key, who_of
from services.ae_intake.pages.facts import Facts
from services.ae_intake.pages.posted import Posted, merge
from services.ae_intake.pages.record_specs import IDENTITY, PLURALS, TESTS, specs
from services.ae_intake.pages.said import changed, said
from services.ae_intake.pages.specs import Reading, Spec, changes, read, shown
from services.ae_intake.pages.subjects import Child, test_name
from services.ae_intake.submission import problems_of
from shared.auth.identity import Identity
from shared.bus.idempotency import form_key
from shared.case import Subject
from shared.case.units import written
from shared.db import Tx
from shared.errors import Conflict, FieldProblem, Forbidden, NotFound, PreconditionFailed, Refused, TocsinError
from shared.web.times import zone_text

UNITS = ("Cel", "g/L", "10*9/L", "U/L", "mg", "mg/kg", "mL", "10*6", "10*6/kg", "ug", "%", "[iU]")


def add(router: APIRouter, desk: Desk) -> None:
    @router.get("/subjects/new/child")
    async def new_child(
        request: Request, who: SubjectRecorder, code: Annotated[str, Query(max_length=64)] = ""
    ) -> Response:
        form = Posted([("key", fresh_key()), ("subject_id", code)])
        return _new_page(desk, request, who, "child", None, form)

    @router.post("/subjects/new/child")
    async def record_child(request: Request, who: SubjectRecorder) -> Response:
        return await _record(desk, request, who, "child", None)

    @router.get("/subjects/{subject_id}/{plural}/new")
    async def new(request: Request, subject_id: Id, plural: Id, who: Recorder) -> Response:
        child = await desk.read(lambda tx: Child(tx, subject_id, who))
        return _new_page(desk, request, who, _known(plural), child, Posted([("key", fresh_key())]))

    @router.post("/subjects/{subject_id}/{plural}/new")
    async def record(request: Request, subject_id: Id, plural: Id, who: Recorder) -> Response:
        child = await desk.read(lambda tx: Child(tx, subject_id, who))
        return await _record(desk, request, who, _known(plural), child)

    @router.get("/subjects/{subject_id}/{plural}/{identity}")
    async def one(request: Request, subject_id: Id, plural: Id, identity: Id, who: Reader) -> Response:
        view = await Record.of(desk, request, who, subject_id, _known(plural), identity)
        return view.page(view.form(view.newest))

    @router.post("/subjects/{subject_id}/{plural}/{identity}")
    async def correct(request: Request, subject_id: Id, plural: Id, identity: Id, who: Recorder) -> Response:
        posted = await Posted.of(request)
        view = await Record.of(desk, request, who, subject_id, _known(plural), identity)
        base = view.base(posted)
        found = changes(view.specs, posted, {spec.name: getattr(base, spec.name) for spec in view.specs}, view.how)
        # An emptied list of choices is no answer; the document's word for that is "unknown".
        found = {
            name: "unknown" if value is None and name in view.never_null else value for name, value in found.items()
        }
        if not found:
            return view.page(posted, 422, {"": view.t("wrong.no_change")})
        return await view.write(
            posted, base, Correct, {"reason": posted.text("reason"), "changes": found}, "corrected", request, who
        )

    @router.post("/subjects/{subject_id}/{plural}/{identity}/void")
    async def void(request: Request, subject_id: Id, plural: Id, identity: Id, who: Recorder) -> Response:
        posted = await Posted.of(request)
        view = await Record.of(desk, request, who, subject_id, _known(plural), identity)
        base = view.base(posted)
        return await view.write(posted, base, Void, {"reason": posted.text("reason")}, "voided", request, who)


def _known(plural: str) -> str:
    if plural not in PLURALS:
        raise NotFound("there is no such kind of record")
    return plural


def _reading(desk: Desk, request: Request, posted: Posted, subject: Subject | None, who: Identity) -> Reading:
    zone = desk.zone_of_site(subject.site_id) if subject else desk.zone_of_reader(who)
    return Reading(posted.text("form_lang") or desk.words(request).lang, zone)


def _batches(child: Child | None) -> tuple[str, ...]:
    return tuple(one.batch_id for one in child.batches if not one.voided) if child else ()


async def _record(desk: Desk, request: Request, who: Identity, plural: str, child: Child | None) -> Response:
    posted = await Posted.of(request)
    kind = PLURALS[plural]
    how = _reading(desk, request, posted, child.subject if child else None, who)
    fields = specs(kind, desk.intake.trial, how.lang, _batches(child), new=True)
    values = {spec.name: read(spec, posted, spec.name, how) for spec in fields}
    body = {name: value for name, value in values.items() if value is not None}
    if child is not None:
        body["subject_id"] = child.subject.subject_id
    t = desk.words(request)
    try:
        try:
            command = records.COMMANDS[kind].model_validate_json(json.dumps(body))
        except ValidationError as error:
            raise Refused("some fields do not fit", problems=problems_of(error)) from None

        def unit(tx: Tx, now: Any) -> dict[str, Any]:
            made = records.record(desk.intake, tx, kind, command, who_of(who), now)
            return {"id": getattr(made, IDENTITY[kind]), "subject_id": made.subject_id}

        made = await desk.once(who, f"POST /subjects/{plural}", form_key(posted.text("key")), body, unit)
    except Refused as refused:
        return _new_page(desk, request, who, plural, child, posted, 422, _named(refused.problems, fields, t))
    except Conflict:
        posted.set("key", fresh_key())
        return _new_page(desk, request, who, plural, child, posted, 409, {}, "exists")
    except Forbidden:
        return _new_page(desk, request, who, plural, child, posted, 403, {"site_id": t("wrong.site")})
    except TocsinError as error:
        return _new_page(desk, request, who, plural, child, posted, error.status, {}, "away")
    return RedirectResponse(f"/subjects/{made['subject_id']}?done=recorded", 303)


def _named(problems: tuple[FieldProblem, ...], fields: tuple[Spec, ...], t: Words) -> dict[str, str]:
    kinds = {spec.name: spec for spec in fields}
    found: dict[str, str] = {}
    for problem in problems:
        name = problem.pointer.removeprefix("/changes").strip("/").split("/")[0]
        spec = kinds.get(name)
        taken = problem.detail == records.TAKEN
        key = (
            "taken"
            if taken
            else "reason"
            if name == "reason"
            else "code"
            if name.endswith("_id")
            else spec.kind
            if spec
            else ""
        )
        found.setdefault(name, t(f"wrong.{key}") if key and t.has(f"wrong.{key}") else problem.detail)
    return found


def _shared(desk: Desk, t: Words, how: Reading) -> dict[str, Any]:
    """Lists to choose from, and how times are meant."""
    agents = {agent.name: agent.label.text(t.lang) for one in desk.intake.trial.exposures for agent in one.agents}
    routes = {one.default_route for one in desk.intake.trial.exposures if one.default_route}
    return {
        "lists": {
            "agents": sorted(agents.items()),
            "units": [(one, written(one) if written(one) != one else "") for one in UNITS],
            "routes": [(one, "") for one in sorted(routes)],
            "tests": [(one, test_name(one, t)) for one in TESTS],
        },
        "field_zone": how.zone,
        "zone_offset": zone_text(desk.clock.now(), how.zone),
        "form_lang": how.lang,
        "zone": how.zone,
        "active": "subjects",
    }


def _new_page(
    desk: Desk,
    request: Request,
    who: Identity,
    plural: str,
    child: Child | None,
    posted: Posted,
    status: int = 200,
    problems: dict[str, str] | None = None,
    notice: str = "",
) -> Response:
    t = desk.words(request)
    how = _reading(desk, request, posted, child.subject if child else None, who)
    context = _shared(desk, t, how) | {
        "plural": plural,
        "kind": PLURALS[plural],
        "child": child.subject if child else None,
        "specs": specs(PLURALS[plural], desk.intake.trial, t.lang, _batches(child), new=True),
        "form": posted,
        "problems": problems or {},
        "notice": notice,
    }
    return desk.pages.html(request, "record_new.html", context, status=status)


class Record:
    """One request for the page of one record: its versions, its trail, its form."""

    def __init__(
        self, tx: Tx, desk: Desk, request: Request, who: Identity, subject_id: str, plural: str, identity: str
    ) -> None:
        self.desk, self.request, self.plural, self.identity = desk, request, plural, identity
        self.kind = PLURALS[plural]
        self.child = Child(tx, subject_id, who)
        self.versions = store.versions(tx, f"{self.kind}/{identity}")
        if not self.versions or self.versions[-1].subject_id != subject_id:
            raise NotFound(f"no {self.kind} by that id of this child")
        self.trail = list(store.trail(tx, subject_id, f"documents/{self.kind}/{identity}/"))
        self.may_write = who.can("record_exposure")
        self.t = desk.words(request)
        self.how = Reading(self.t.lang, desk.zone_of_site(self.child.subject.site_id))
        batches = _batches(self.child)
        if self.kind == "exposure" and self.newest.batch_id and self.newest.batch_id not in batches:
            batches = (*batches, self.newest.batch_id)
        self.specs = specs(self.kind, desk.intake.trial, self.t.lang, batches, new=False)
        self.never_null = {"sex", "gmfcs_level", "action_taken", "sterility"}

    @classmethod
    async def of(
        cls, desk: Desk, request: Request, who: Identity, subject_id: str, plural: str, identity: str
    ) -> Record:
        return await desk.read(lambda tx: cls(tx, desk, request, who, subject_id, plural, identity))

    @property
    def newest(self) -> Any:
        return self.versions[-1]

    def base(self, posted: Posted) -> Any:
        typed = posted.text("version")
        self.how = Reading(posted.text("form_lang") or self.t.lang, self.how.zone)
        return next((one for one in self.versions if str(one.version) == typed), self.newest)

    def form(self, document: Any, lang: str = "") -> Posted:
        form = Posted([("version", str(document.version)), ("key", fresh_key()), ("form_lang", lang or self.t.lang)])
        for spec in self.specs:
            for name, values in shown(spec, getattr(document, spec.name), spec.name, lang or self.t.lang).items():
                form.set(name, *values)
        return form

    async def write(
        self,
        posted: Posted,
        base: Any,
        model: type[Correct] | type[Void],
        body: dict[str, Any],
        done: str,
        request: Request,
        who: Identity,
    ) -> Response:
        desk, kind, identity = self.desk, self.kind, self.identity
        try:
            try:
                command = model.model_validate(body)
            except ValidationError as error:
                raise Refused("some fields do not fit", problems=problems_of(error)) from None

            def unit(tx: Tx, now: Any) -> dict[str, Any]:
                who_, version = who_of(who), base.version
                if isinstance(command, Correct):
                    made = records.correct(
                        desk.intake, tx, kind, identity, dict(command.changes), command.reason, version, who_, now
                    )
                else:
                    made = records.void(desk.intake, tx, kind, identity, command.reason, version, who_, now)
                return {"version": made.version}

            route = f"POST /subjects/{self.plural}/{identity}/{done}"
            await desk.once(who, route, form_key(posted.text("key")), [base.version, body], unit)
        except PreconditionFailed:
            merged, both = merge(self.form(base, self.how.lang), posted, self.form(self.newest, self.how.lang))
            merged.set("version", str(self.newest.version))
            merged.set("key", fresh_key())
            names = {name.removesuffix("_date").removesuffix("_time") for name in both} - {"version", "key"}
            return self.page(merged, 412, dict.fromkeys(names, self.t("wrong.both")), "conflict", done)
        except Refused as refused:
            return self.page(posted, 422, _named(refused.problems, self.specs, self.t), form_of=done)
        except TocsinError as error:
            posted.set("key", fresh_key())
            notice = "voided" if self.newest.voided else "away"
            return self.page(posted, error.status, {}, notice, done)
        return RedirectResponse(f"/subjects/{self.child.subject.subject_id}?done={done}", 303)

    def page(
        self,
        posted: Posted,
        status: int = 200,
        problems: dict[str, str] | None = None,
        notice: str = "",
        form_of: str = "corrected",
    ) -> Response:
        t = self.t
        pairs = list(zip(self.versions, self.versions[1:], strict=False))
        history = [(new, changed(self.specs, old, new, t)) for old, new in reversed(pairs)]
        facts = Facts(t, self.desk.intake.trial)
        name = {
            "exposure": lambda one: exposure_name(one, facts),
            "measurement": lambda one: test_name(one.test, t),
        }.get(self.kind, lambda one: self.identity)(self.newest)
        context = _shared(self.desk, t, self.how) | {
            "record": self,
            "name": name,
            "newest": self.newest,
            "first": self.versions[0],
            "history": history,
            "form": posted,
            "problems": problems or {},
            "notice": notice,
            "form_of": form_of,
            "said_now": [(t(spec.words), said(spec, getattr(self.newest, spec.name), t)) for spec in self.specs],
        }
        return self.desk.pages.html(self.request, "record.html", context, status=status)
