"""Every JSON route against its own OpenAPI description, with every check: what it says it takes and answers is what it does.

A schema cannot say everything. What it cannot say is put right in `sensible` before a *valid* request is sent, each with
its reason, so that "valid data is accepted" holds without an exception for any route.
Invalid requests are sent exactly as they were made.
"""

from __future__ import annotations

import asyncio
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from unittest import mock
from zoneinfo import available_timezones

import pytest
import schemathesis
import uvicorn
from hypothesis import strategies as st
from pydantic import ValidationError
from schemathesis import Case
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from schemathesis.generation.meta import TestPhase

from services.sae_notifier.handlers.law import keep_law, load_law, read_law
from shared.audit import SERVICE_STREAM
from shared.case import Moment
from shared.db import Tx
from tests.api.seeded import PNG, Seeded, seeded
from tests.api.world import ROLE_USERS, ApiWorld, at

EXAMPLES = 4
"""Random ones per route, after every boundary of every field (the coverage phase) and every example of the description."""
MENINGITIS = "10027199"
DECIMALS = ("value", "viability_percent", "lower_limit", "upper_limit", "lasted_hours")
ACTORS = {
    "POST /api/v1/assessments/{case_id}/answers": "medical_monitor",
    "POST /api/v1/assessments/{case_id}/sign": "medical_monitor",
    "POST /api/v1/allocations": "system",
    "POST /api/v1/rules/activate": "admin",
    "GET /api/v1/terms": "clinician",
}
"""Who sends the valid requests; the board's routes are a member's, everything else is the safety officer's.

Other roles are `test_roles`' matter."""
CONFIG = SchemathesisConfig.from_dict(
    {
        "seed": 20260310,
        "suppress-health-check": ["all"],  # a busy machine is no finding
        "generation": {"max-examples": EXAMPLES, "deterministic": True, "no-shrink": True},
        "checks": {
            # RFC 6585: a missing If-Match is 428, which is not among the answers this check expects by itself.
            "missing_required_header": {"expected-statuses": [401, 403, 422, 428]},
            # 412 and 409: If-Match was read just before, but two requests of one probe race for the same version.
            "positive_data_acceptance": {"expected-statuses": ["2xx", 401, 403, 404, 409, 412, 429]},
            # 428 and 412 too: whatever else is wrong with a change, its version is asked for first.
            "negative_data_rejection": {
                "expected-statuses": [400, 401, 403, 404, 405, 409, 412, 413, 415, 422, 428, 429]
            },
        },
        # One function makes these routes for every kind and every service: boundaries are tried at one of each.
        "operations": [
            {
                "include-path-regex": r"/(exposures|batches|measurements)/.identity|/ops/(causality|sae_notifier|dsmb)/",
                "phases": {"coverage": {"enabled": False}},
            }
        ],
        "phases": {
            "coverage": {"unexpected-methods": ["DELETE", "TRACE"]},
            "stateful": {"generation": {"max-examples": 8}, "max-steps": 6},
        },
    }
)


@pytest.fixture(scope="module")
def installation() -> Iterator[Seeded]:
    world = ApiWorld()
    made = seeded(world)
    with mock.patch("services.dsmb.handlers.freezing.typeset", return_value=b"%PDF-1.7 typeset in test_dsmb_api"):
        yield made
    world.close()


@pytest.fixture(scope="module")
def address(installation: Seeded) -> Iterator[str]:
    """The application behind a socket, without its lifespan: no loop runs beside the requests."""
    # asyncio sends small packets at once (TCP_NODELAY) only where the protocol is named, which `create_server` does not
    # do: every answer's body waited 40 ms for the acknowledgement of its head, most of this module's time.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    listening.listen(128)
    server = uvicorn.Server(
        uvicorn.Config(installation.world.app, lifespan="off", log_config=None, access_log=False, ws="none")
    )
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([listening])), daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture(scope="module")
def run(installation: Seeded, address: str) -> Run:
    """Everything the engine found, made once for all tests below."""
    described = _narrowed(_with_formats(installation.world.app.openapi()))
    schema = schemathesis.openapi.from_dict(described, config=CONFIG)
    schema.config.update(base_url=address)
    throttle = installation.world.app.state.auth.throttle

    @schema.auth(refresh_interval=None)
    class SignedIn:
        def get(self, case: Case, context: Any) -> dict[str, str]:
            everybody = "dsmb_member" if "/api/v1/dsmb/" in case.operation.label else "safety_officer"
            return installation.world.as_(ROLE_USERS[ACTORS.get(case.operation.label, everybody)])

        def set(self, case: Case, data: dict[str, str], context: Any) -> None:
            case.headers.update(data)

    def before_call(context: Any, case: Case, kwargs: dict[str, Any]) -> None:
        throttle._tallies.clear()  # what was guessed wrong before must not turn the next request away
        sensible(case, installation)

    schemathesis.hook(before_call)
    found = Run()
    try:
        for event in from_schema(schema).execute():
            found.hear(event)
    finally:
        schemathesis.hooks.unregister(before_call)
    return found


@dataclass
class Run:
    """Phase -> route -> requests sent; and in words, with a command to repeat it, everything that was wrong."""

    sent: dict[str, Counter[str]] = field(default_factory=dict)
    answered: dict[str, set[int]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def hear(self, event: Any) -> None:
        match event:
            case events.ScenarioFinished(phase=phase, recorder=recorder):
                for case_id, interaction in recorder.interactions.items():
                    label = recorder.cases[case_id].value.operation.label
                    self.sent.setdefault(phase.value, Counter())[label] += 1
                    if interaction.response is not None:
                        self.answered.setdefault(label, set()).add(interaction.response.status_code)
                for case_id, checks in recorder.checks.items():
                    answer = recorder.interactions[case_id].response
                    for one in checks:
                        if one.failure_info is not None:
                            failure = one.failure_info.failure
                            told = f"{recorder.label} [{phase.value}] {one.name}: {failure.title}: {failure.message}"
                            said = answer.text[:600] if answer else "no answer"
                            self.wrong.append(f"{told}\n    {one.failure_info.code_sample}\n    {said}")
            case events.NonFatalError() | events.FatalError():
                self.wrong.append(str(getattr(event, "info", None) or event.exception))


NEVER_DONE_HERE = {
    # No law of the shipped trial asks for a report that follows another; tests/api/test_stating.py signs about such duties.
    "POST /api/v1/obligations/{obligation_id}/statements": 422,
}


def test_every_route_was_asked_with_what_fits_and_with_what_does_not(run: Run, installation: Seeded) -> None:
    """Otherwise the test below could be green because nothing was sent."""
    routes = {
        f"{method.upper()} {path}"
        for path, operations in installation.world.app.openapi()["paths"].items()
        for method in operations
    }
    for route in sorted(routes):
        assert sum(sent[route] for sent in run.sent.values()) >= 5, route
        answered = run.answered[route]
        done = any(200 <= one < 300 for one in answered) or NEVER_DONE_HERE.get(route) in answered
        assert done, f"{route} was never done: {sorted(answered)}"
        assert any(400 <= one < 500 for one in answered), f"{route} was never refused: {sorted(answered)}"


def test_nothing_differs_from_the_description(run: Run) -> None:
    assert not run.wrong, f"{len(run.wrong)} findings:\n\n" + "\n\n".join(run.wrong[:40])


# What a schema cannot say -------------------------------------------------------------------------------------------

schemathesis.openapi.format("iana-zone", st.sampled_from(sorted(available_timezones())))
schemathesis.openapi.format(
    "partial-time",
    st.builds(
        lambda at, size: at.isoformat()[:size],
        st.datetimes().filter(lambda at: 1900 <= at.year <= 2200).map(lambda at: at.replace(microsecond=0)),
        st.sampled_from([4, 7, 10, 13, 16, 19]),
    ),
)
schemathesis.openapi.format("decimal", st.decimals(-1000, 1000, places=2).map(str))


def _with_formats(node: Any) -> Any:
    """A copy in which times, zones and decimals have a format that the generator knows; `pattern` cannot say them."""
    if isinstance(node, list):
        return [_with_formats(one) for one in node]
    if not isinstance(node, dict):
        return node
    made = {key: _with_formats(value) for key, value in node.items()}
    if made.get("title") == "Moment" and "properties" in made:
        made["properties"]["zone"] |= {"format": "iana-zone"}
        made["properties"]["value"] |= {"format": "partial-time"}
    for name in DECIMALS:
        one = made.get("properties", {}).get(name)
        if one is not None and made.get("title") != "Moment":
            for text in [one, *one.get("anyOf", [])]:
                if text.get("type") == "string":
                    text["format"] = "decimal"
    return made


def _narrowed(described: dict[str, Any]) -> dict[str, Any]:
    """Changes take the very fields of first records, whose every boundary is tried there: once is enough."""
    schemas = described["components"]["schemas"]
    few = {"outcome": {"enum": ["recovering", "fatal"]}, "ongoing": {"type": "boolean"}}
    event = {"type": "object", "properties": few, "additionalProperties": False}
    amendment = schemas["AmendCase"]["properties"]
    amendment["events"] = {"type": "array", "maxItems": 2, "items": event}
    for name in ("given", "site_aware", "desk_aware", "determined_reportable"):
        del amendment[name]
    for name, one in schemas.items():
        if name.startswith("Correct"):
            changes = one["properties"]["changes"]
            changes["properties"] = dict(list(changes["properties"].items())[:3])
    return described


def sensible(case: Case, installation: Seeded) -> None:
    """Put right what is valid by the schema and wrong by the facts; leave invalid requests as they are."""
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    stateful = case.meta.phase.name == TestPhase.STATEFUL
    if case.path_parameters and not stateful:  # an id that exists: otherwise nothing behind the 404 is ever reached
        path = installation.path(case.path)
        names = re.findall(r"\{(\w+)\}", case.path)
        values = re.fullmatch(re.sub(r"\\?\{\w+\\?\}", "([^/]+)", case.path), path)
        assert values is not None
        case.path_parameters = dict(zip(names, values.groups(), strict=True))
    if "If-Match" in case.headers:  # the version that stands there now
        case.headers["If-Match"] = _etag(case, installation)
    if case.query and "before" in case.query:  # the description's date-time knows years that no calendar here reaches
        case.query = {**case.query, "before": "2026-03-10T20:00:00Z"}
    if case.query and "kind" in case.query:  # no recipient of this installation has a computer
        case.query = {**case.query, "kind": "vn_sae_form"}
    if isinstance(case.body, dict):
        mine = (case.path_parameters or {}).get("obligation_id") == installation.ids["obligation_id"]
        case.body = _sensible_body(case.operation.label, _readable(case.body), installation, mine)


def _readable(node: Any) -> Any:
    """A copy in which every time and decimal can be read: not every phase of the engine asks the formats above."""
    if isinstance(node, list):
        return [_readable(one) for one in node]
    if not isinstance(node, dict):
        return node
    if "zone" in node:
        try:
            Moment.model_validate(node)
        except ValidationError:
            return at("2026-03-10T23:30")
        return dict(node)
    return {
        key: "39.2" if key in DECIMALS and isinstance(one, str) and not _is_decimal(one) else _readable(one)
        for key, one in node.items()
    }


def _is_decimal(text: str) -> bool:
    return re.fullmatch(r"[+-]?[0-9]{1,15}(\.[0-9]{1,15})?", text) is not None


def _etag(case: Case, installation: Seeded) -> str:
    path = case.formatted_path.removesuffix("/void").removesuffix("/nullify")
    found = installation.world.get(path, "admin")
    return found.headers.get("etag", '"1"')


def _other_files(installation: Seeded) -> str:
    """The hash of a set that was kept and differs by a comment; two of them, in turn."""
    run = installation.world.app.state.runtimes["sae_notifier"]
    law = load_law(installation.world.settings, run.trial)
    installation.ids["laws"] = str(made := int(installation.ids.get("laws", "0")) + 1)
    files = [replace(f, body=f"{f.body}\n# {min(made, 2)}\n") if f.kind == "rules" else f for f in law.files]
    other = read_law(files, law.tzdata)
    now = installation.world.clock.now()

    def keep(tx: Tx) -> None:
        run.audit.lock(tx, SERVICE_STREAM)
        if rows := keep_law(tx, other, now):
            run.audit.record(tx, stream=SERVICE_STREAM, actor="system", action="kept files", at=now, rows=rows)

    run.db.transact(keep)
    return other.sha256


def _sensible_body(route: str, body: dict[str, Any], installation: Seeded, mine: bool) -> dict[str, Any]:
    world = installation.world
    if "subject_id" in body and not route.endswith("/subjects"):
        body["subject_id"] = installation.child  # only a report may name a child that is not known
    match route.removeprefix("POST /api/v1").removeprefix("PATCH /api/v1"):
        case "/sign-in":
            body |= {"username": "clinician", "password": "tocsin-demo-clinician"}
        case "/cases" | "/cases/{case_id}":
            for event in body.get("events") or ():
                event.pop("event_id", None)  # an event of this very case
                if event.get("term_code") is not None:
                    event["term_code"] = MENINGITIS  # a code of the dictionary
            if route.startswith("POST") and not body.get("events"):
                body["subject_id"] = installation.child  # a report that says nothing at all is turned away by design
        case "/cases/{case_id}/nullify":
            body.pop("replaced_by", None)  # another case that exists
        case "/cases/{case_id}/redactions":
            rejected = [installation.ids["rejected_id"]]
            body |= {"password": f"tocsin-demo-{ROLE_USERS['safety_officer']}", "texts": [], "rejected": rejected}
        case "/allocations":
            body["arm"] = "A"  # an arm of the trial
        case "/assessments/{case_id}/sign":
            body |= {"password": f"tocsin-demo-{ROLE_USERS['medical_monitor']}", "decisions": []}
            shown = world.get(installation.path("/api/v1/assessments/{case_id}"), "medical-monitor-1").json()
            body["version"] = shown["assessment"]["version"]
        case "/assessments/{case_id}/answers":
            # The newest version, an exposure that it judges, and each time another question: none contradicts another.
            shown = world.get(installation.path("/api/v1/assessments/{case_id}"), "medical-monitor-1").json()
            body["version"] = shown["assessment"]["version"]
            pair = next(one for event in shown["assessment"]["events"] for one in event["relatedness"])
            about = {"event_id": pair["event_id"], "exposure_id": pair["exposure_id"], "answer": "unknown"}
            asked = ("time_plausible", "alternative_explains", "rechallenge_recurred", "specific_phenomenon")
            body["answers"] = [
                {"reason": "as told", "question": question} | about
                for question, _ in zip(asked, body["answers"], strict=False)
            ]
        case "/rules/activate":
            # A set that waits; after a few they are all in force, which is 409.
            body |= {"password": f"tocsin-demo-{ROLE_USERS['admin']}", "sha256": _other_files(installation)}
            body.pop("preview_sha256", None)
        case "/obligations/{obligation_id}/filings":
            # By hand needs a time that has passed and a reference; a document is one of this very duty.
            body |= {"sent_at": "2026-03-10T19:30:00Z", "reference": "CV-1"}
            body["method"] = "hand" if body["method"] == "gateway" else body["method"]  # nobody here has a computer
            body.pop("document_id", None)
            if mine:
                body["document_id"] = installation.ids["document_id"]
        case "/filings/{filing_id}/receipts":
            # A time that has passed, reasons where it was rejected, a file where it is a proof.
            body |= {"at": "2026-03-10T19:35:00Z", "reasons": "a page is missing", "reference": "12/NEC"}
            body["proof"] = {"name": "stamp.png", "base64": PNG}
    for name in ("reason", "meaning", "reference", "purpose"):
        if isinstance(body.get(name), str) and len(body[name].strip()) < 3:
            body[name] = "as told"  # letters are counted without the blanks around them
    rehabilitation = body.get("rehabilitation")
    if rehabilitation and rehabilitation.get("number"):
        rehabilitation["number"] = 2  # a course that can be counted
    if route.startswith("PATCH") and "changes" in body:
        body["changes"] = {name: one for name, one in body["changes"].items() if one is not None}
    return body
