"""Who may do what, for every role, site and route, with users of our own and of a provider: exactly the table, nothing by
omission, no other site's child, no arm.

`RULES` is written by hand. A route that stands in none of them fails, so that a new one cannot come without a rule.
"""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute, iter_route_contexts
from ruamel.yaml import YAML

from shared.auth.demo import DEMO_SITE
from shared.auth.roles import ROLES, SITE_SCOPED, TABLE, Permission
from shared.bus.port import ALLOCATION_TOPIC
from shared.settings import Settings
from tests.api.oidc_world import OidcWorld
from tests.api.problems import problem
from tests.api.seeded import Seeded, seeded
from tests.api.world import ELSEWHERE, ROLE_USERS, ApiWorld, everything_that_lasts, serious
from tests.support.provider import TestProvider

ARM = "QXARM7"
"""The code of arm A in this file's copy of the trial: nothing else can look like it."""
OPEN = "anybody"
SIGNED_IN = "whoever is signed in"
Rule = Permission | str

RULES: tuple[tuple[str, str, Rule], ...] = (
    # method, path (a regular expression), who
    ("GET", r"/(livez|readyz|metrics|openapi\.json)", OPEN),
    ("GET|POST", r"(/api/v1)?/sign-in", OPEN),
    ("POST", r"/sign-out", OPEN),
    ("GET", r"/sign-in/(start|callback|back)", OPEN),
    ("POST", r"/sign-in/resume", OPEN),
    ("GET", r"/", OPEN),
    ("GET", r"/api/v1/me|/account", SIGNED_IN),
    ("POST", r"/api/v1/cases", "report_case"),
    ("GET", r"/api/v1/(on-call|terms)", "report_case"),
    ("GET|POST", r"/report(/\{case_id\}/receipt)?", "report_case"),
    ("GET", r"(/api/v1)?/cases(/\{case_id\}(/versions/\{version\})?)?", "see_cases"),
    ("PATCH", r"/api/v1/cases/\{case_id\}", "amend_case"),
    ("GET|POST", r"/cases/\{case_id\}/amend", "amend_case"),
    ("GET|POST", r"(/api/v1)?/cases/\{case_id\}/nullify", "nullify_case"),
    ("GET|POST", r"/api/v1/cases/\{case_id\}/redactions", "redact_case"),
    ("GET|POST", r"/cases/\{case_id\}/redact", "redact_case"),
    ("GET", r"/api/v1/(subjects|exposures|batches|measurements)(/\{identity\})?", "see_cases"),
    ("POST|PATCH", r"/api/v1/subjects(/\{identity\}(/void)?)?", "record_subject"),
    ("POST|PATCH", r"/api/v1/(exposures|batches|measurements)(/\{identity\}(/void)?)?", "record_exposure"),
    ("GET|POST", r"/subjects/new/child", "record_subject"),
    ("GET|POST", r"/subjects/\{subject_id\}/\{plural\}/new", "record_exposure"),
    ("POST", r"/subjects/\{subject_id\}/\{plural\}/\{identity\}(/void)?", "record_exposure"),
    ("GET", r"/subjects(/\{subject_id\}(/\{plural\}/\{identity\})?)?", "see_cases"),
    ("POST", r"/api/v1/allocations", "record_allocation"),
    ("GET|POST", r"(/api/v1)?/rejected(/\{rejected_id\}/close)?", "close_rejected"),
    ("GET", r"/fragments/intake/rejected", "close_rejected"),
    ("GET", r"(/api/v1)?/assessments(/\{case_id\}(/versions)?)?", "see_assessment"),
    ("GET", r"/fragments/causality/.*", "see_assessment"),
    ("POST", r"(/api/v1)?/assessments/\{case_id\}/answers", "answer_question"),
    ("POST", r"(/api/v1)?/assessments/\{case_id\}/sign", "sign_assessment"),
    ("GET", r"/api/v1/obligations(/\{obligation_id\})?", "see_cases"),
    ("GET", r"/api/v1/alerts(/\{alert_id\})?", "see_cases"),
    ("GET", r"/alerts/\{alert_id\}(/calls)?", "see_cases"),
    ("GET", r"/fragments/notifier/.*", "see_cases"),
    ("GET", r"/alerts", "see_desk"),
    ("GET", r"/desk(/list|/live)?", "see_desk"),
    ("POST", r"(/api/v1)?/alerts/\{alert_id\}/confirm", "confirm_alert"),
    ("POST", r"(/api/v1/obligations|/ledger)/\{obligation_id\}/(documents|filings)", "file_report"),
    ("POST", r"(/api/v1|/ledger/\{obligation_id\})/filings/\{filing_id\}/receipts", "file_report"),
    ("POST", r"/ledger/\{obligation_id\}/electronic", "file_report"),
    ("POST", r"(/api/v1/obligations|/ledger)/\{obligation_id\}/statements", "state_duty"),
    ("POST", r"(/api/v1/acknowledgements|/ledger/answers)(/\{ack_id\}/close)?", "file_report"),
    ("GET", r"/api/v1/acknowledgements(/\{ack_id\}/content)?|/documents/answers/\{ack_id\}", "see_ledger"),
    ("GET", r"/api/v1/(filings|documents(/\{document_id\})?|receipts/\{receipt_id\}/proof)", "see_ledger"),
    ("GET", r"/ledger(/\{obligation_id\})?|/documents/(\{document_id\}|proofs/\{receipt_id\})", "see_ledger"),
    ("GET", r"(/api/v1)?/rules", "see_desk"),
    ("POST", r"(/api/v1)?/rules/activate", "activate_files"),
    ("GET", r"/dsmb|/api/v1/dsmb/cuts|(/api/v1)?/dsmb/cuts/\{cut_id\}(/check)?", "see_open_report"),
    ("GET", r"(/api/v1)?/dsmb/cuts/\{cut_id\}/open(/pdf|/\{language\}\.pdf)?", "see_open_report"),
    ("POST", r"(/api/v1)?/dsmb/cuts", "freeze_cut"),
    ("GET", r"(/api/v1)?/dsmb/cuts/\{cut_id\}/(manifest|closed(/pdf|/\{language\}\.pdf)?)", "see_arms"),
    ("GET", r"/api/v1/dsmb/rules", "see_arms"),
    ("POST", r"(/api/v1)?/dsmb/cuts/\{cut_id\}/coding", "see_arms"),
    ("GET", r"(/api/v1)?/ops/\w+/parked|/parked", "see_parked"),
    ("POST", r"(/api/v1)?/ops/\w+/parked/\{parked_id\}/replay", "replay_parked"),
    ("POST", r"(/api/v1)?/ops/\w+/parked/\{parked_id\}/discard", "discard_parked"),
)


@dataclass(frozen=True)
class Place:
    method: str
    path: str

    @property
    def rule(self) -> Rule:
        found = [
            who for methods, path, who in RULES if self.method in methods.split("|") and re.fullmatch(path, self.path)
        ]
        assert found, f"{self.method} {self.path} stands in no rule: say who may use it"
        return found[0]

    @property
    def is_api(self) -> bool:
        return self.path.startswith("/api/")

    def roles(self) -> frozenset[str]:
        return ROLES if self.rule in (OPEN, SIGNED_IN) else TABLE[self.rule]  # type: ignore[index]


@dataclass
class House:
    seeded: Seeded
    places: list[Place]
    plain: str
    """A child of the same site about whom nothing was ever told by another site."""

    def ask(self, place: Place, user: str | None, **how: Any) -> httpx.Response:
        if place.method != "GET" and not how:
            how = {"json": {}} if place.is_api else {"data": {"x": "1"}}
        return self.seeded.world.ask(place.method, self.address(place), user, **how)

    def address(self, place: Place) -> str:
        path = place.path.replace("{subject_id}", self.seeded.child)
        path = path.replace("{plural}/{identity}", f"exposures/{self.seeded.ids['exposures.identity']}")
        return self.seeded.path(path.replace("{plural}", "exposures"))


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    world = ApiWorld(TOCSIN_TRIAL=str(_trial_with_a_telling_arm(tmp_path_factory.mktemp("trial"))))
    yield furnished(world)
    world.close()


@pytest.fixture(scope="module")
def vouched(tmp_path_factory: pytest.TempPathFactory, _provider: TestProvider) -> Iterator[House]:
    """The same, with everybody vouched for by a provider: people by code flow, the machine by access token."""
    trial = _trial_with_a_telling_arm(tmp_path_factory.mktemp("trial"))
    world = OidcWorld(_provider, TOCSIN_TRIAL=str(trial))
    for role in ROLES:
        for place, sites in SITES.items():
            world.person(f"{role}-{place}", roles=[role], sites=sites)
    yield furnished(world)
    world.close()


SITES: dict[str, list[str]] = {"own": [DEMO_SITE], "other": ["ELSEWHERE"], "both": [DEMO_SITE, "ELSEWHERE"], "none": []}


def furnished(world: ApiWorld) -> House:
    world.app.state.stopping = asyncio.Event()
    world.app.state.stopping.set()  # a live list says good-bye at once instead of waiting for news
    made = seeded(world)
    allocated = world.post("/api/v1/allocations", "investigator", json={"subject_id": made.child, "arm": ARM})
    assert allocated.status_code == 204
    world.drain()
    places = [
        Place(method, context.path)
        for context in iter_route_contexts(world.app.routes)
        if isinstance(context.route, APIRoute) or context.path == "/openapi.json"
        for method in sorted((context.methods or set()) - {"HEAD"})
    ]
    return House(made, places, world.child())


def _trial_with_a_telling_arm(folder: Path) -> Path:
    shipped = Settings.load({"TOCSIN_VAR": str(folder)}).trial
    yaml = YAML()
    trial = yaml.load(shipped.read_text(encoding="utf-8"))
    trial["arms"][0]["id"] = ARM
    for visit in trial["visits"]:
        visit["arms"] = [ARM if one == "A" else one for one in visit["arms"]]
    path = folder / "trial.yaml"
    with path.open("w", encoding="utf-8") as file:
        yaml.dump(trial, file)
    return path


# The table ------------------------------------------------------------------------------------------------------------


def test_every_route_has_a_rule_and_every_rule_a_route(house: House) -> None:
    assert len(house.places) > 80
    for place in house.places:
        assert place.rule
    for methods, path, _ in RULES:
        used = [one for one in house.places if one.method in methods.split("|") and re.fullmatch(path, one.path)]
        assert used, f"no route matches the rule {methods} {path}"


@pytest.mark.parametrize("kind", ["house", "vouched"])
@pytest.mark.parametrize("role", sorted(ROLES))
def test_a_role_may_do_exactly_what_the_table_says(request: pytest.FixtureRequest, kind: str, role: str) -> None:
    house: House = request.getfixturevalue(kind)
    wrong = []
    for place in house.places:
        if place.rule == OPEN:
            continue
        answer = house.ask(place, ROLE_USERS[role])
        may = role in place.roles()
        refused = answer.status_code == 403 and "this needs one of the roles" in answer.text
        if refused == may or (not may and answer.status_code != 403) or answer.status_code in (401, 500):
            wrong.append(f"{place.method} {place.path}: {role} got {answer.status_code}, may={may}")
    assert not wrong, "\n".join(wrong)


def test_whoever_is_not_signed_in_gets_nothing(house: House) -> None:
    wrong = []
    for place in house.places:
        if place.rule == OPEN:
            continue
        answer = house.ask(place, None)
        if place.is_api:
            problem(answer, 401, "sign-in-needed")
        elif place.method == "GET":
            to_sign_in = answer.status_code == 303 and answer.headers["location"].startswith("/sign-in?next=")
            bare = house.ask(place, None, headers={"x-fragment": "1"})
            if not to_sign_in or bare.status_code != 401:
                wrong.append(f"{place.path}: {answer.status_code}, as a fragment {bare.status_code}")
        elif answer.status_code != 401:
            wrong.append(f"{place.method} {place.path}: {answer.status_code}")
        if house.seeded.child in answer.text.replace(house.address(place), ""):
            wrong.append(f"{place.path} tells the child's code")
    assert not wrong, "\n".join(wrong)


def test_what_is_open_to_anybody_tells_nothing_about_anybody(house: House) -> None:
    for place in house.places:
        if place.rule == OPEN and place.method == "GET":
            answer = house.ask(place, None)
            by_itself = (403, 404) if place.path.startswith("/sign-in/") else ()
            assert answer.status_code in (200, 303, 503, *by_itself), place
            assert house.seeded.child not in answer.text
            assert "VN-VINMEC-2026-000001" not in answer.text


def test_an_ended_sign_in_is_no_sign_in(own_world: ApiWorld) -> None:
    token = own_world.as_("clinician")
    own_world.clock.advance(hours=own_world.settings.session_hours + 0.1)
    problem(own_world.get("/api/v1/cases", headers=token), 401)


def test_who_was_shut_out_stays_out(own_world: ApiWorld) -> None:
    token = own_world.as_("clinician")
    own_world.app.state.auth.users.set_active("clinician", False, own_world.clock.now(), reason="left")
    problem(own_world.get("/api/v1/cases", headers=token), 401)


# Sites ----------------------------------------------------------------------------------------------------------------


def marks(house: House) -> list[str]:
    """What would tell that this child, or anything about it, is here."""
    world = house.seeded.world
    number = world.get(house.seeded.path("/api/v1/cases/{case_id}"), "admin").json()["case"]["case_number"]
    kinds = ("case_id", "exposures.identity", "measurements.identity", "alert_id", "obligation_id", "filing_id")
    return [number, house.seeded.child, "cứng gáy", *(house.seeded.ids[kind] for kind in kinds)]


def test_a_clinician_of_another_site_reads_nothing(house: House) -> None:
    telling = marks(house)
    wrong = []
    for place in house.places:
        if place.method != "GET" or place.rule == OPEN or "clinician" not in place.roles():
            continue
        answer = house.ask(place, ELSEWHERE)
        asked = house.address(place)
        said = answer.text.replace(asked, "").replace(asked.replace("/", "%2F"), "")
        own = house.ask(place, "clinician")
        told = [mark for mark in telling if mark in said and mark not in asked]
        item = "{" in place.path and "/new" not in place.path
        if told or (item and place.path != "/report" and answer.status_code not in (403, 404)):
            wrong.append(f"{place.path}: {answer.status_code} (their own site: {own.status_code}) tells {told}")
        if item and own.status_code != 200:
            wrong.append(f"{place.path}: the child's own site got {own.status_code}")
    assert not wrong, "\n".join(wrong)


def test_a_clinician_of_another_site_changes_nothing(house: House) -> None:
    world, first = house.seeded.world, {"If-Match": '"1"'}
    news = {"reason": "a guess", "news_known": None}
    answers = [world.patch(house.seeded.path("/api/v1/cases/{case_id}"), ELSEWHERE, json=news, headers=first)]
    for plural in ("subjects", "exposures", "batches", "measurements"):
        path = house.seeded.path(f"/api/v1/{plural}/{{identity}}")
        change = {"reason": "a guess", "changes": {}}
        answers.append(world.patch(path, ELSEWHERE, json=change, headers=first))
        answers.append(world.post(f"{path}/void", ELSEWHERE, json={"reason": "a guess"}, headers=first))
    child = house.seeded.child
    answers += [
        world.post("/api/v1/exposures", ELSEWHERE, json={"subject_id": child, "kind": "other"}),
        world.post("/api/v1/batches", ELSEWHERE, json={"subject_id": child, "batch_id": "B-X"}),
        world.post("/api/v1/measurements", ELSEWHERE, json={"subject_id": child, "test": "alt", "value": "1"}),
        world.post("/api/v1/subjects", ELSEWHERE, json={"subject_id": child}),
        world.post("/api/v1/subjects", ELSEWHERE, json={"subject_id": child, "site_id": "ELSEWHERE"}),
        world.post("/api/v1/subjects", ELSEWHERE, json={"subject_id": "VN01-955", "site_id": "ELSEWHERE"}),
    ]
    for answer in answers:
        assert answer.status_code in (403, 404), (answer.request.url, answer.text)
    assert world.get(f"/api/v1/subjects/{child}", "clinician").json()["version"] == 1


def test_reporting_about_another_sites_child_is_taken_and_teaches_nothing(house: House) -> None:
    """The report is kept (only reading is limited), but no exposure, duty or other case of the child comes back."""
    world, child = house.seeded.world, house.seeded.child
    answer = world.post("/api/v1/cases", ELSEWHERE, json=serious(child) | {"site_id": "ELSEWHERE"})
    assert answer.status_code == 201
    made = answer.json()
    assert made["possible_duplicates"] == []
    world.drain()
    case_id = made["case_id"]
    assert world.get(f"/api/v1/cases/{case_id}", ELSEWHERE).json()["possible_duplicates"] == []
    assert world.get(f"/api/v1/cases/{case_id}", "safety-officer-1").json()["possible_duplicates"]
    exposure = house.seeded.ids["exposures.identity"]
    for path in (
        f"/api/v1/assessments/{case_id}",
        f"/api/v1/assessments/{case_id}/versions",
        "/api/v1/assessments",
        f"/assessments/{case_id}",
        f"/fragments/causality/cases/{case_id}",
        f"/cases/{case_id}",
        f"/api/v1/obligations?case_id={case_id}",
    ):
        assert exposure not in world.get(path, ELSEWHERE).text, path
    whole = [house.ask(one, ELSEWHERE).text for one in house.places if one.method == "GET" and one.rule == "see_cases"]
    assert all(exposure not in text.replace(f"/exposures/{exposure}", "") for text in whole)


def test_a_provisional_child_cannot_be_claimed_by_another_site(house: House) -> None:
    world = house.seeded.world
    child = world.child(recorded=False)
    world.case(child)  # their own site told of it first
    claim = world.post("/api/v1/subjects", ELSEWHERE, json={"subject_id": child, "site_id": "ELSEWHERE"})
    problem(claim, 403, "forbidden")
    problem(world.get(f"/api/v1/subjects/{child}", ELSEWHERE), 404)


@pytest.mark.parametrize("where", sorted(SITES))
@pytest.mark.parametrize("role", sorted(ROLES))
def test_a_role_at_a_site_sees_exactly_what_is_theirs(vouched: House, role: str, where: str) -> None:
    """Every role x site x route: sites limit whom the table says they limit, and nobody else."""
    user, telling = f"{role}-{where}", marks(vouched)
    sees = role not in SITE_SCOPED or DEMO_SITE in SITES[where]
    wrong = []
    for place in vouched.places:
        if place.rule == OPEN or place.path in ("/report", "/api/v1/cases", "/subjects/new/child"):
            continue  # reporting is nobody's to limit; what a list shows is looked for below
        may = role in place.roles()
        item = "{" in place.path and "/new" not in place.path and not place.path.startswith(("/ops", "/api/v1/ops"))
        answer = vouched.ask(place, user)
        good = answer.status_code < 400
        if place.method == "GET" and item and good != (may and sees):
            wrong.append(f"{place.path}: {answer.status_code}, may={may}, sees={sees}")
        if place.method != "GET" and item and good and not (may and sees):
            wrong.append(f"{place.method} {place.path}: {answer.status_code}")
        asked = vouched.address(place)
        said = answer.text.replace(asked, "").replace(asked.replace("/", "%2F"), "")
        told = [mark for mark in telling if mark in said and mark not in asked]
        if told and not (may and sees):
            wrong.append(f"{place.method} {place.path} tells {told}")
    lists = [place for place in vouched.places if place.path in ("/cases", "/api/v1/cases", "/subjects")]
    for place in lists:
        if place.method == "GET" and role in place.roles():
            shown = any(mark in vouched.ask(place, user).text for mark in telling)
            if shown != sees:
                wrong.append(f"{place.path}: shown={shown}, sees={sees}")
    assert not wrong, "\n".join(wrong)


# Arms -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", sorted(ROLES))
def test_no_answer_and_no_page_shows_an_arm(house: House, role: str) -> None:
    for place in house.places:
        if place.method == "GET":
            answer = house.ask(place, ROLE_USERS[role])
            said = answer.text
            if (
                place.path.endswith("/manifest") and role in place.roles()
            ):  # to the board, the trial file's arms, of no child
                manifest = answer.json()
                assert ARM in manifest["plan"].pop("control_months")
                said = json.dumps(manifest)
            assert ARM not in said, place
            assert ARM not in json.dumps(dict(answer.headers)), place


def test_nothing_else_carries_an_arm(house: House) -> None:
    world = house.seeded.world
    wrong = world.post("/api/v1/allocations", "investigator", json={"subject_id": "VN01-999", "arm": ARM})
    assert ARM not in wrong.text
    world.hand_over()
    records = list(everything_that_lasts(world))
    assert any(ARM in text for topic, text in records if topic == ALLOCATION_TOPIC)
    assert all(ARM not in text for topic, text in records if topic != ALLOCATION_TOPIC)
    assert world.mail.taken
    assert all(ARM not in one.text + one.subject + str(dict(one.data)) for one in world.mail.taken)
    assert ARM not in world.logs.getvalue()
    assert ARM not in json.dumps(world.app.openapi())
    trial_file = world.settings.trial.read_text(encoding="utf-8")  # kept with the law that judges: arms, of no child
    for service in ("causality", "sae_notifier"):
        with closing(sqlite3.connect(world.var / f"{service}.db")) as db:
            tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            told = [
                table
                for table in tables
                for row in db.execute(f'SELECT * FROM "{table}"')
                for value in row
                if ARM in str(value) and value != trial_file
            ]
        assert len(tables) > 8 and not told


def test_the_period_of_a_child_follows_from_infusions_and_not_from_an_arm(house: House) -> None:
    world = house.seeded.world
    before = world.get(f"/api/v1/subjects/{house.plain}", "clinician").json()["periods"]
    world.post("/api/v1/allocations", "investigator", json={"subject_id": house.plain, "arm": ARM})
    after = world.get(f"/api/v1/subjects/{house.plain}", "clinician").json()["periods"]
    assert before == after
