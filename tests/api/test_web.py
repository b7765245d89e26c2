"""The edge over HTTP: errors, headers, sign-in, kept text, cross-site posts, live lists, probes."""

from __future__ import annotations

import asyncio
import io
import json
import re
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Annotated

import httpx
import pytest
from fastapi import Depends, FastAPI, File, Form, Request, UploadFile
from pydantic import BaseModel, SecretStr

from shared import telemetry
from shared.audit import Audit, AuditKeys
from shared.auth.authenticator import Authenticator
from shared.auth.guard import COOKIE, identity, require
from shared.auth.identity import Identity
from shared.auth.proof import prove_again
from shared.auth.users import Users, create_tables
from shared.clock import ManualClock
from shared.db import Database
from shared.errors import Conflict, FieldProblem, Refused, Unavailable
from shared.settings import Settings
from shared.supervise import Supervisor
from shared.web.app import make_app
from shared.web.live import EventSourceResponse, LiveFeed, ServerSentEvent
from shared.web.problem import PROBLEMS
from tests.api.client import Client

TRAIL = Audit("auth", AuditKeys(b"a" * 32))
NOW = datetime(2026, 3, 9, 2, 10, tzinfo=UTC)
PASSWORD = "a long enough password"
PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class Item(BaseModel):
    term: str
    grade: int


class Body(BaseModel):
    events: list[Item]


class World:
    """One application with a few routes that fail in every way."""

    def __init__(self, db: Database, **settings: object) -> None:
        self.clock = ManualClock(NOW)
        self.settings = Settings().model_copy(
            update={"base_url": "http://testserver", "secret_key": SecretStr("k" * 40), "max_body_bytes": 2_000_000}
            | settings
        )
        self.auth = Authenticator(Users(db, TRAIL), self.settings.signing_keys, self.clock, monotonic=lambda: 0.0)
        self.supervisor = Supervisor("web", end=lambda: None)
        self.version = ["1"]
        self.app = make_app("web", self.settings, self.auth, self.clock, [self.supervisor])
        add_routes(self.app, self)

    def client(self, **options: str) -> Client:
        return Client(self.app, **options)


def add_routes(app: FastAPI, world: World) -> None:
    feed = LiveFeed("desk", lambda: world.version[0], every_s=0.02)

    @app.post("/api/v1/things", status_code=201, responses=PROBLEMS)
    def make(body: Body, who: Annotated[Identity, Depends(require("report_case"))], limit: int = 3) -> dict[str, str]:
        return {"by": who.user_id, "via": who.via}

    @app.get("/api/v1/fails/{how}")
    def fails(how: str, who: Annotated[Identity, Depends(identity)]) -> None:
        match how:
            case "refused":
                raise Refused("no", problems=[FieldProblem("/events/0/term", "is empty", "say what happened")])
            case "conflict":
                raise Conflict
            case "away":
                raise Unavailable
        raise ValueError("Nguyễn Văn A, born 2020")

    @app.get("/page/{how}")
    def page(how: str, who: Annotated[Identity, Depends(identity)]) -> None:
        fails(how, who)

    @app.post("/report")
    def report(
        who: Annotated[Identity, Depends(require("report_case"))],
        story: Annotated[str, Form()],
        drug: Annotated[list[str], Form()],
    ) -> dict[str, object]:
        return {"by": who.user_id, "story": story, "drug": drug}

    @app.post("/proof")
    async def proof(request: Request, who: Annotated[Identity, Depends(identity)]) -> dict[str, object]:
        form = await request.form()
        return {"names": [name for name, _ in form.multi_items()]}

    @app.post("/upload")
    def upload(
        who: Annotated[Identity, Depends(identity)], note: Annotated[str, Form()], file: Annotated[UploadFile, File()]
    ) -> None: ...

    @app.post("/sign")
    async def sign(
        request: Request, who: Annotated[Identity, Depends(identity)], password: Annotated[str, Form()]
    ) -> str:
        return (await prove_again(request, who, password, {})).isoformat()

    @app.get("/arms")
    def arms(who: Annotated[Identity, Depends(require("see_arms"))]) -> str:
        return "compared"

    @app.get("/desk/live", response_class=EventSourceResponse)
    async def live(request: Request, who: Annotated[Identity, Depends(identity)]) -> AsyncIterator[ServerSentEvent]:
        async for event in feed.stream(request, who):
            yield event


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('web') / 'auth.db'}", "auth")
    create_tables(database)
    users = Users(database, TRAIL)
    users.add("clinician", "Clinician", PASSWORD, ["clinician"], now=NOW, sites=["VINMEC"])
    users.add("colleague", "Colleague", PASSWORD, ["clinician"], now=NOW, sites=["VINMEC"])
    users.add("officer", "Officer", PASSWORD, ["safety_officer"], now=NOW)
    yield database
    database.close()


@pytest.fixture
def world(db: Database) -> World:
    return World(db)


@pytest.fixture
def client(world: World) -> Iterator[Client]:
    with world.client() as client:
        yield client


def sign_in(client: Client, user_id: str = "clinician") -> httpx.Response:
    return client.post("/sign-in", data={"username": user_id, "password": PASSWORD})


def bearer(client: Client, user_id: str = "clinician") -> dict[str, str]:
    answer = client.post("/api/v1/sign-in", json={"username": user_id, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    return {"Authorization": f"Bearer {answer.json()['token']}"}


def hidden(page: str, name: str) -> str:
    found = re.search(rf'<input type="hidden" name="{name}" value="([^"]*)">', page)
    assert found, page
    return unescape(found[1])


# --- problems


def test_without_a_sign_in_the_api_answers_401_as_a_problem(client: Client) -> None:
    answer = client.post("/api/v1/things", json={"events": []})
    assert answer.status_code == 401 and answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json()["code"] == "sign-in-needed"


def test_a_bad_body_names_each_field_by_pointer_and_echoes_nothing(client: Client) -> None:
    answer = client.post(
        "/api/v1/things?limit=many", json={"events": [{"term": "x", "grade": "secret words"}]}, headers=bearer(client)
    )
    assert answer.status_code == 422 and answer.headers["content-type"] == "application/problem+json"
    problems = answer.json()["problems"]
    assert {problem["pointer"] for problem in problems} == {"/events/0/grade", ""}
    assert [problem["parameter"] for problem in problems if "parameter" in problem] == ["query:limit"]
    assert "secret" not in answer.text


def test_a_body_that_is_no_json_says_where(client: Client) -> None:
    headers = bearer(client) | {"content-type": "application/json"}
    answer = client.post("/api/v1/things", content=b'{"events": [', headers=headers)
    assert answer.status_code == 422 and "not JSON" in answer.json()["problems"][0]["detail"]


@pytest.mark.parametrize(
    ("how", "status", "code"),
    [("refused", 422, "refused"), ("conflict", 409, "conflict"), ("away", 503, "unavailable")],
)
def test_our_errors_become_problems_or_pages(client: Client, how: str, status: int, code: str) -> None:
    sign_in(client)
    answer = client.get(f"/api/v1/fails/{how}")
    assert (answer.status_code, answer.json()["code"], answer.json()["status"]) == (status, code, status)
    page = client.get(f"/page/{how}?lang=en", headers={"accept": "text/html"})
    assert page.status_code == status and page.headers["content-type"].startswith("text/html")
    assert "<h1>" in page.text and code in page.text
    if how == "refused":
        assert answer.json()["problems"] == [
            {"pointer": "/events/0/term", "detail": "is empty", "remedy": "say what happened"}
        ]
        assert 'href="#f-events-0-term"' in page.text and "say what happened" in page.text
    if how == "away":
        assert answer.headers["retry-after"] == "5" and page.headers["retry-after"] == "5"


def test_the_unexpected_tells_nothing_and_logs_no_text(client: Client) -> None:
    sign_in(client)
    stream = io.StringIO()
    telemetry.configure_logging("web", stream=stream)
    answer = client.get("/api/v1/fails/unexpected", headers={"traceparent": PARENT})
    page = client.get("/page/unexpected")
    assert answer.status_code == 500 and answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["trace_id"] == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert page.status_code == 500 and "CHƯA gửi" in page.text
    for text in (answer.text, page.text, stream.getvalue()):
        assert "Nguy" not in text and "2020" not in text
    failed = [line for line in map(json.loads, stream.getvalue().splitlines()) if line["event"] == "request.failed"]
    assert failed[0]["error_type"] == "ValueError" and failed[0]["route"] == "/api/v1/fails/{how}"


def test_unknown_addresses_and_methods(client: Client) -> None:
    assert client.get("/api/v1/nowhere").json()["code"] == "not-found"
    assert client.get("/nowhere", headers={"accept": "text/html"}).status_code == 404
    assert "Không có gì" in client.get("/nowhere").text
    answer = client.put("/api/v1/things")
    assert (
        answer.status_code == 405
        and answer.json()["code"] == "method-not-allowed"
        and "POST" in answer.headers["allow"]
    )


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_too_large_is_refused_as_a_problem(client: Client, chunked: bool) -> None:
    body = b'{"events": "' + b"x" * 2_000_001 + b'"}'
    headers = bearer(client) | {"content-type": "application/json"}
    answer = client.post(
        "/api/v1/things", content=iter([body[:1_000_000], body[1_000_000:]]) if chunked else body, headers=headers
    )
    assert answer.status_code == 413 and answer.json()["code"] == "too-large"
    assert "content-security-policy" in answer.headers


# --- headers, trace, log


def test_every_answer_carries_the_security_headers(client: Client) -> None:
    for path in ("/sign-in", "/api/v1/nowhere", "/livez", "/static/app.css"):
        headers = client.get(path).headers
        assert "script-src 'self'" in headers["content-security-policy"], path
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "same-origin"
        assert re.fullmatch(r"[0-9a-f-]{36}", headers["x-request-id"])
    assert client.get("/sign-in").headers["cache-control"] == "no-store"
    assert "immutable" in client.get("/static/app.css").headers["cache-control"]
    assert "strict-transport-security" not in client.get("/sign-in").headers


def test_https_adds_hsts_and_a_secure_cookie(db: Database) -> None:
    with World(db, base_url="https://testserver").client(base_url="https://testserver") as client:
        answer = sign_in(client)
        assert "strict-transport-security" in answer.headers
        cookie = answer.headers["set-cookie"]
        assert all(part in cookie for part in ("Secure", "HttpOnly", "SameSite=lax"))


def test_one_log_line_per_request_without_what_stands_in_the_url(client: Client) -> None:
    sign_in(client)
    stream = io.StringIO()
    telemetry.configure_logging("web", stream=stream)
    client.get("/page/conflict?q=Nguyen", headers={"traceparent": PARENT, "x-request-id": "from-the-proxy"})
    client.get("/livez")
    line = json.loads(stream.getvalue().splitlines()[-1])
    assert (line["event"], line["route"], line["status"], line["user_id"]) == (
        "request",
        "/page/{how}",
        409,
        "clinician",
    )
    assert line["trace_id"] == "4bf92f3577b34da6a3ce929d0e0e4736" and line["request_id"] == "from-the-proxy"
    assert "Nguyen" not in stream.getvalue() and "livez" not in stream.getvalue()


# --- probes


def test_probes(world: World, client: Client) -> None:
    assert client.get("/livez").json() == {"alive": True}
    assert client.get("/readyz").json() == {"ready": True, "reasons": []}

    async def away() -> str | None:
        return "the database does not answer"

    world.supervisor.add_check("database", away)
    answer = client.get("/readyz")
    assert answer.status_code == 503 and answer.json()["reasons"] == ["web: database: the database does not answer"]
    client.get("/api/v1/fails/VN01-1234")
    text = client.get("/metrics").text
    assert 'tocsin_http_requests_total{method="GET",route="/api/v1/fails/{how}",service="web",status="401"}' in text
    assert "VN01-1234" not in text, "a route, never what stood in the path"


# --- sign-in


def test_signing_in_by_page_sets_a_cookie_and_goes_on(client: Client) -> None:
    there = client.get("/page/conflict?a=1")
    assert there.status_code == 303 and there.headers["location"] == "/sign-in?next=%2Fpage%2Fconflict%3Fa%3D1"
    page = client.get(there.headers["location"])
    assert hidden(page.text, "next") == "/page/conflict?a=1"
    answer = client.post(
        "/sign-in", data={"username": "Clinician ", "password": PASSWORD, "next": "/page/conflict?a=1"}
    )
    assert answer.status_code == 303 and answer.headers["location"] == "/page/conflict?a=1"
    assert "HttpOnly" in answer.headers["set-cookie"] and "SameSite=lax" in answer.headers["set-cookie"]
    assert client.get("/page/conflict").status_code == 409
    assert client.get("/").headers["location"] == "/report"
    assert "VINMEC" in client.get("/account").text
    out = client.post("/sign-out")
    assert out.status_code == 303 and client.get("/account").status_code == 303


@pytest.mark.parametrize("there", ["https://evil.test/", "//evil.test", "/\\evil.test"])
def test_a_sign_in_never_leads_elsewhere(client: Client, there: str) -> None:
    assert hidden(client.get("/sign-in", params={"next": there}).text, "next") == ""
    answer = client.post("/sign-in", data={"username": "clinician", "password": PASSWORD, "next": there})
    assert answer.headers["location"] == "/report"


def test_a_wrong_password_says_no_more_than_that_and_guessing_is_slowed(client: Client) -> None:
    for _ in range(5):
        answer = client.post("/sign-in", data={"username": "officer", "password": "wrong password"})
        assert answer.status_code == 401 and "không đúng" in answer.text and COOKIE not in answer.cookies
    assert "không đúng" in client.post("/sign-in", data={"username": "nobody", "password": "wrong password"}).text
    slowed = client.post("/sign-in", data={"username": "officer", "password": PASSWORD})
    assert slowed.status_code == 429 and slowed.headers["retry-after"] == "2"
    by_api = client.post("/api/v1/sign-in", json={"username": "officer", "password": PASSWORD})
    assert by_api.status_code == 429 and by_api.json()["code"] == "too-many-attempts" and by_api.headers["retry-after"]


def test_the_api_takes_a_token_or_basic_and_says_who(client: Client) -> None:
    answer = client.post("/api/v1/sign-in", json={"username": "clinician", "password": PASSWORD})
    assert answer.json()["expires_at"] == "2026-03-09T14:10:00Z" and answer.json()["sites"] == ["VINMEC"]
    body = {"events": [{"term": "fever", "grade": 2}]}
    by_token = client.post("/api/v1/things", json=body, headers={"Authorization": f"Bearer {answer.json()['token']}"})
    assert by_token.status_code == 201 and by_token.json() == {"by": "clinician", "via": "bearer"}
    by_basic = client.post("/api/v1/things", json=body, auth=("clinician", PASSWORD))
    assert by_basic.status_code == 201 and by_basic.json()["via"] == "basic"
    assert client.post("/api/v1/things", json=body, auth=("clinician", "wrong password")).status_code == 401
    assert client.post("/api/v1/things", json=body, headers={"Authorization": "Basic !!"}).status_code == 401
    assert client.get("/api/v1/me", auth=("clinician", PASSWORD)).json()["roles"] == ["clinician"]
    assert client.get("/account", auth=("clinician", PASSWORD)).status_code == 303, "Basic is for the API only"


def test_a_sign_in_ends_in_time(world: World, client: Client) -> None:
    headers = bearer(client)
    assert client.get("/api/v1/me", headers=headers).status_code == 200
    world.clock.advance(hours=12)
    assert client.get("/api/v1/me", headers=headers).status_code == 401


def test_roles_are_kept(client: Client) -> None:
    sign_in(client)
    assert client.get("/arms", headers={"accept": "application/json"}).status_code == 403
    assert "Vai trò của bạn" in client.get("/arms").text


def test_a_signature_asks_for_the_password_again(client: Client) -> None:
    sign_in(client)
    assert client.post("/sign", data={"password": PASSWORD}).json() == NOW.isoformat()
    assert client.post("/sign", data={"password": "wrong password"}).status_code == 403


# --- cross-site


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({}, True),
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Origin": "http://testserver"}, True),
        ({"Origin": "https://evil.test"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "http://testserver.evil.test"}, False),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://testserver"}, False),
    ],
)
def test_a_post_with_the_cookie_must_come_from_here(client: Client, headers: dict[str, str], allowed: bool) -> None:
    sign_in(client)
    answer = client.post("/report", data={"story": "s", "drug": ["a"]}, headers=headers)
    assert answer.status_code == (200 if allowed else 403)
    assert client.get("/account", headers=headers).status_code == 200, "a link from a mail arrives signed in"
    wanted = 303 if allowed else 403
    assert (
        client.post("/sign-in", data={"username": "officer", "password": PASSWORD}, headers=headers).status_code
        == wanted
    )


def test_a_token_is_not_a_cookie_and_may_come_from_anywhere(client: Client) -> None:
    headers = bearer(client) | {"Sec-Fetch-Site": "cross-site"}
    assert client.post("/api/v1/things", json={"events": []}, headers=headers).status_code == 201
    answer = client.post(
        "/api/v1/things", json={"events": []}, auth=("clinician", PASSWORD), headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert answer.status_code == 403, "a browser repeats Basic credentials by itself"


# --- the text is kept

STORY = 'Sốt 39,5 °C\r\nco giật <b>2</b> lần & "mệt"\n\n  '


@pytest.mark.parametrize("path", ["/report?draft=1", "/proof"])
def test_a_post_whose_sign_in_has_ended_keeps_every_field(world: World, client: Client, path: str) -> None:
    sign_in(client)
    world.clock.advance(hours=13)
    page = client.post(path, data={"story": STORY, "drug": ["piracetam", "baclofen"], "key": "k-1"})
    assert page.status_code == 401 and "vẫn được giữ" in page.text
    assert 'value="clinician"' in page.text, "the user name is filled in"
    assert "lang=en" not in page.text, "no link leads away from what is kept"
    kept = {"username": "clinician", "carried": hidden(page.text, "carried")}
    wrong = client.post("/sign-in", data=kept | {"password": "wrong password"})
    assert wrong.status_code == 401 and hidden(wrong.text, "carried") == kept["carried"], "a typo loses nothing"
    again = client.post("/sign-in", data=kept | {"password": PASSWORD})
    assert again.status_code == 200 and "CHƯA" in again.text and f'action="{path}"' in again.text
    fields = [
        (n, unescape(v)) for n, v in re.findall(r'<textarea name="(\w+)" hidden>\n(.*?)</textarea>', again.text, re.S)
    ]
    expected = [("story", STORY), ("drug", "piracetam"), ("drug", "baclofen"), ("key", "k-1")]
    assert [(n, v.replace("\r\n", "\n")) for n, v in fields] == [(n, v.replace("\r\n", "\n")) for n, v in expected]
    sent = client.post(path, data={"story": fields[0][1], "drug": [fields[1][1], fields[2][1]]})
    assert sent.status_code == 200 and ("by" not in sent.json() or sent.json()["by"] == "clinician")


def test_somebody_elses_text_is_sent_knowingly(world: World, client: Client) -> None:
    sign_in(client)
    world.clock.advance(hours=13)
    page = client.post("/report", data={"story": "s", "drug": "d"})
    data = {"username": "colleague", "password": PASSWORD, "carried": hidden(page.text, "carried")}
    assert "do clinician viết" in client.post("/sign-in", data=data).text


def test_a_file_cannot_be_kept_and_the_page_says_so(client: Client) -> None:
    page = client.post("/upload", data={"note": "n"}, files={"file": ("proof.pdf", b"%PDF", "application/pdf")})
    assert page.status_code == 401
    data = {"username": "clinician", "password": PASSWORD, "carried": hidden(page.text, "carried")}
    assert "1 tệp" in client.post("/sign-in", data=data).text


@pytest.mark.parametrize(("path", "letters"), [("/report", 100_000), ("/proof", 100_000), ("/proof", 200_000)])
def test_too_much_text_is_told_before_it_is_lost(client: Client, path: str, letters: int) -> None:
    page = client.post(path, data={"story": "ặ" * letters, "drug": "d"})
    assert page.status_code == 401 and hidden(page.text, "carried") == "" and "Trở lại" in page.text


def test_nobody_elses_page_can_have_its_text_kept(client: Client) -> None:
    page = client.post("/report", data={"story": "s", "drug": "d"}, headers={"Origin": "https://evil.test"})
    assert hidden(page.text, "carried") == ""


def test_forged_or_stale_kept_text_is_ignored(world: World, client: Client) -> None:
    page = client.post("/report", data={"story": "s", "drug": "d"})
    sealed = hidden(page.text, "carried")
    forged = client.post(
        "/sign-in", data={"username": "clinician", "password": PASSWORD, "carried": sealed[:-2] + "AA"}
    )
    assert forged.status_code == 303
    world.clock.advance(hours=25)
    stale = client.post("/sign-in", data={"username": "clinician", "password": PASSWORD, "carried": sealed})
    assert stale.status_code == 303


def test_a_fragment_without_sign_in_is_a_small_answer(client: Client) -> None:
    answer = client.get("/page/conflict", headers={"x-fragment": "1"})
    assert answer.status_code == 401 and "<html" not in answer.text and "/sign-in" in answer.text


def test_only_fragments_may_stand_in_a_frame(client: Client) -> None:
    page = client.get("/sign-in")
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert "frame-src 'self'" in page.headers["content-security-policy"]
    assert page.headers["x-frame-options"] == "DENY"
    for path in ("/fragments/x/y?frame=1", "/ops/x/parked?frame=1"):
        part = client.get(path)
        assert "frame-ancestors 'self'" in part.headers["content-security-policy"], path
        assert part.headers["x-frame-options"] == "SAMEORIGIN"
        assert '<base target="_top">' in part.text and "<nav" not in part.text, "small, and its links leave the frame"
    assert "http-equiv" not in client.get("/fragments/x/y?frame=1").text
    assert '<meta http-equiv="refresh" content="15">' in client.get("/fragments/x/y?frame=15").text
    assert '<base target="_top">' not in client.get("/sign-in?frame=1").text, "nothing else is made small"


# --- language


def test_vietnamese_first_english_when_asked_and_remembered(client: Client) -> None:
    assert '<html lang="vi">' in client.get("/sign-in").text
    assert '<html lang="en">' in client.get("/sign-in", headers={"accept-language": "fr;q=0.9, en-GB;q=0.8"}).text
    assert '<html lang="en">' in client.get("/sign-in?lang=en").text
    assert '<html lang="en">' in client.get("/sign-in", headers={"accept-language": "vi"}).text
    assert '<html lang="vi">' in client.get("/sign-in?lang=xx", headers={"cookie": ""}).text
    assert 'href="/sign-in?next=%2Fcases&amp;lang=en"' in client.get("/sign-in?next=/cases").text


# --- live


async def test_a_live_list_tells_of_changes_and_ends_with_the_process(world: World) -> None:
    transport = httpx.ASGITransport(app=world.app)
    async with world.supervisor.running(), httpx.AsyncClient(transport=transport, base_url="http://testserver") as http:
        token = (await http.post("/api/v1/sign-in", json={"username": "clinician", "password": PASSWORD})).json()[
            "token"
        ]

        async def change_then_stop() -> None:
            await asyncio.sleep(0.1)
            world.version[0] = "2"
            await asyncio.sleep(0.1)
            world.supervisor.stopping.set()

        task = asyncio.create_task(change_then_stop())
        async with asyncio.timeout(5):
            answer = await http.get("/desk/live", headers={"Authorization": f"Bearer {token}"})
        await task
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = re.findall(r"event: (\S+)", answer.text)
    assert events == ["changed", "changed", "bye"] and re.findall(r"^id: (\S+)", answer.text, re.M) == ["1", "2"]


async def test_a_live_list_goes_on_where_the_browser_was_and_ends_with_the_sign_in(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.web.live.RECHECK_S", 0.05)
    transport = httpx.ASGITransport(app=world.app)
    async with world.supervisor.running(), httpx.AsyncClient(transport=transport, base_url="http://testserver") as http:
        token = (await http.post("/api/v1/sign-in", json={"username": "clinician", "password": PASSWORD})).json()[
            "token"
        ]
        headers = {"Authorization": f"Bearer {token}", "Last-Event-ID": "1"}

        async def expire() -> None:
            await asyncio.sleep(0.1)
            world.clock.advance(hours=12)

        task = asyncio.create_task(expire())
        async with asyncio.timeout(5):
            answer = await http.get("/desk/live", headers=headers)
        await task
    assert re.findall(r"event: (\S+)", answer.text) == ["signed-out"]


async def test_a_live_list_needs_a_sign_in(client: Client) -> None:
    assert client.get("/desk/live").status_code == 303


# --- the contract


def test_openapi_tells_the_truth_about_errors(client: Client) -> None:
    schema = client.get("/openapi.json").json()
    responses = schema["paths"]["/api/v1/things"]["post"]["responses"]
    assert set(responses) == {"201", "4XX", "5XX"}
    assert "application/problem+json" in responses["4XX"]["content"]
    assert "HTTPValidationError" not in str(schema["paths"]["/api/v1/things"])


def test_static_files_are_named_by_what_is_in_them(client: Client) -> None:
    page = client.get("/sign-in").text
    for url in re.findall(r'(?:href|src)="(/static/[^"]+)"', page):
        assert "?v=" in url and client.get(url).status_code == 200
    assert client.get("/static/../app.py").status_code == 404


def test_demo_users_are_shown_only_in_the_demonstration(db: Database, world: World) -> None:
    with world.client() as client:
        assert "tocsin-demo-clinician" in client.get("/sign-in").text
    with World(db, demo=False).client() as client:
        assert "tocsin-demo" not in client.get("/sign-in").text


def test_settings_for_tests_touch_nothing(tmp_path: Path) -> None:
    assert Settings().var == Path("var") and timedelta(hours=Settings().session_hours) == timedelta(hours=12)
