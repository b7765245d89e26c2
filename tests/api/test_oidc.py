"""Sign-in by a provider over real HTTP: there by code flow with PKCE, state and nonce, back with roles and sites, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from sqlmodel import select

from services.verify import verify_all
from shared.audit import AuditRow
from shared.auth.guard import COOKIE
from shared.auth.oidc.provider import ASK_AGAIN_S, FRESH_S, STALE_S
from tests.api.oidc_world import OidcWorld, Visitor, fields, hidden, link
from tests.api.problems import problem
from tests.api.test_rules import SEVEN, Files
from tests.support.provider import CLIENT, MACHINE, TestProvider


@pytest.fixture
def world(provider: TestProvider) -> Iterator[OidcWorld]:
    made = OidcWorld(provider)
    yield made
    made.close()


@pytest.fixture
def visitor(world: OidcWorld) -> Visitor:
    return world.visitor()


@pytest.fixture(scope="module")
def house(_provider: TestProvider) -> Iterator[OidcWorld]:
    """For tests that leave the clock alone and change nobody's account."""
    made = OidcWorld(_provider)
    yield made
    made.close()


@pytest.fixture
def guest(house: OidcWorld, provider: TestProvider) -> Visitor:
    return house.visitor()


@pytest.fixture(scope="module")
def desk(_provider: TestProvider) -> Iterator[OidcWorld]:
    """For signatures, each of a case of its own; the clock only goes on."""
    made = OidcWorld(_provider)
    yield made
    made.close()


def asked_at(address: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def with_parameters(address: str, **changes: str | None) -> str:
    parts = urlsplit(address)
    query = {name: value for name, value in (asked_at(address) | changes).items() if value is not None}
    return parts._replace(query=urlencode(query)).geturl()


def refused(answer: Any, words: str, status: int = 403) -> None:
    """A page in Vietnamese says so, and nobody is signed in."""
    assert answer.status_code == status, answer.text
    assert words in answer.text
    assert COOKIE not in answer.headers.get("set-cookie", "")


# There and back -----------------------------------------------------------------------------------------------------


def test_a_person_goes_there_and_comes_back_with_roles_and_sites(world: OidcWorld, visitor: Visitor) -> None:
    page = visitor.get("/sign-in?next=/report?x=1")
    assert "password" not in page.text
    there = visitor.goes(link(page.text, "/sign-in/start"))
    asked = asked_at(there)
    assert there.startswith(f"{world.provider.issuer}/oauth2/authorize?")
    assert asked["response_type"] == "code" and asked["client_id"] == CLIENT and asked["scope"] == "openid profile"
    assert asked["code_challenge_method"] == "S256" and len(asked["code_challenge"]) == 43
    assert len(asked["state"]) > 40 and len(asked["nonce"]) > 40
    assert "prompt" not in asked and "max_age" not in asked
    back = visitor.get(visitor.back_from(there, "sub-clinician"))
    assert back.status_code == 303 and back.headers["location"] == "/report?x=1"
    cookies = back.headers.get_list("set-cookie")
    assert any(one.startswith(f"{COOKIE}=") and "HttpOnly" in one and "SameSite=lax" in one for one in cookies)
    me = visitor.get("/api/v1/me").json()
    assert (me["user_id"], me["roles"], me["sites"]) == ("clinician", ["clinician"], ["VINMEC"])
    assert me["auth_time"] == "2026-03-10T20:00:00Z"


def test_every_attempt_has_its_own_state_nonce_and_challenge(guest: Visitor) -> None:
    one, two = asked_at(guest.goes()), asked_at(guest.goes())
    assert all(one[name] != two[name] for name in ("state", "nonce", "code_challenge"))


def test_two_tabs_may_be_there_at_the_same_time(world: OidcWorld, visitor: Visitor) -> None:
    first, second = visitor.goes(), visitor.goes()
    assert visitor.get(visitor.back_from(second, "sub-clinician")).status_code == 303
    assert visitor.get(visitor.back_from(first, "sub-clinician")).status_code == 303


def test_a_code_is_good_once_and_only_in_the_browser_that_asked(world: OidcWorld, visitor: Visitor) -> None:
    back = visitor.back_from(visitor.goes(), "sub-clinician")
    refused(world.visitor().get(back), "không bắt đầu từ trình duyệt này")
    assert visitor.get(back).status_code == 303
    refused(visitor.get(back), "không bắt đầu từ trình duyệt này")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"state": "0forged"}, "không bắt đầu"),
        ({"state": None}, "không bắt đầu"),
        ({"code": None}, "không bắt đầu"),
        ({"code": "another"}, "không đáng tin cậy"),
        ({"iss": "https://elsewhere.example.org"}, "không bắt đầu"),
        ({"code": None, "error": "access_denied"}, "không cho đăng nhập"),
    ],
)
def test_a_callback_that_was_tampered_with_lets_nobody_in(
    guest: Visitor, change: dict[str, str | None], words: str
) -> None:
    back = guest.back_from(guest.goes(), "sub-clinician")
    refused(guest.get(with_parameters(back, **change)), words)


def test_a_code_of_another_attempt_fails_by_its_challenge(guest: Visitor) -> None:
    """PKCE: a stolen code does not fit the verifier of the browser that brings it."""
    stolen = asked_at(guest.back_from(guest.goes(), "sub-safety-officer-1"))["code"]
    mine = guest.back_from(guest.goes(), "sub-clinician")
    refused(guest.get(with_parameters(mine, code=stolen)), "không đáng tin cậy")


def test_an_attempt_ends_after_a_quarter_of_an_hour(world: OidcWorld, visitor: Visitor) -> None:
    there = visitor.goes()
    world.clock.advance(minutes=16)
    refused(visitor.get(visitor.back_from(there, "sub-clinician")), "đã quá lâu")


NOW = 1_773_172_800
"""The world's clock, in seconds since 1970."""


@pytest.mark.parametrize(
    ("orders", "words"),
    [
        pytest.param({"claims": {"nonce": "another"}}, "lần đăng nhập khác", id="another nonce"),
        pytest.param({"claims": {"nonce": None}}, "lần đăng nhập khác", id="no nonce"),
        pytest.param({"claims": {"exp": NOW - 31}}, "đã hết hạn", id="ended"),
        pytest.param({"claims": {"exp": None}}, "không đáng tin cậy", id="never ends"),
        pytest.param({"claims": {"iat": NOW + 31}}, "không đáng tin cậy", id="made in the future"),
        pytest.param({"claims": {"nbf": NOW + 31}}, "không đáng tin cậy", id="not good yet"),
        pytest.param({"claims": {"aud": "another"}}, "dành cho chương trình khác", id="another audience"),
        pytest.param({"claims": {"aud": [CLIENT, "x"], "azp": None}}, "chương trình khác", id="two audiences, no azp"),
        pytest.param({"claims": {"aud": [CLIENT, "x"], "azp": "x"}}, "chương trình khác", id="another azp"),
        pytest.param({"claims": {"iss": "https://elsewhere"}}, "dành cho chương trình khác", id="another issuer"),
        pytest.param({"claims": {"sub": None}}, "không đáng tin cậy", id="nobody"),
        pytest.param({"claims": {"preferred_username": "Nguyễn A"}}, "không gửi tên người dùng", id="no usable name"),
        pytest.param({"sign": "none"}, "không được ký theo cách", id="unsigned"),
        pytest.param({"sign": "HS256-public"}, "không được ký theo cách", id="the public key as a secret"),
        pytest.param({"sign": "HS256-secret"}, "không được ký theo cách", id="the client's secret"),
        pytest.param({"sign": "unknown-key"}, "khóa không được công bố", id="an unknown key"),
        pytest.param({"sign": "other-signature"}, "không đáng tin cậy", id="another key under a known name"),
        pytest.param({"token": {"id_token": None}}, "không đáng tin cậy", id="no ID token"),
        pytest.param({"token": {"id_token": "a.b.c"}}, "không đáng tin cậy", id="no token at all"),
    ],
)
def test_a_token_that_is_not_right_lets_nobody_in(guest: Visitor, orders: dict[str, Any], words: str) -> None:
    assert int(guest.world.clock.now().timestamp()) == NOW
    refused(guest.comes_back("/sign-in/start", "sub-clinician", **orders), words)
    assert guest.get("/api/v1/me").status_code == 401


@pytest.mark.parametrize(
    "orders",
    [
        pytest.param({"claims": {"exp": NOW - 29}}, id="ended within the tolerance"),
        pytest.param({"claims": {"iat": NOW + 29, "nbf": NOW + 29}}, id="clocks differ within the tolerance"),
        pytest.param({"claims": {"aud": [CLIENT, "x"], "azp": CLIENT}}, id="for us among others"),
        pytest.param({"sign": "ES256"}, id="an elliptic curve"),
    ],
)
def test_what_is_right_within_the_tolerance_is_taken(guest: Visitor, orders: dict[str, Any]) -> None:
    assert guest.comes_back("/sign-in/start", "sub-clinician", **orders).status_code == 303


def test_a_token_without_a_key_name_is_taken_only_while_one_key_fits(guest: Visitor) -> None:
    assert guest.comes_back("/sign-in/start", "sub-clinician", sign="no-kid").status_code == 303


@pytest.fixture
def own_provider() -> Iterator[TestProvider]:
    """For a test that changes the keys, which every other world would have to fetch anew."""
    made = TestProvider.start()
    yield made
    made.stop()


def test_a_new_key_is_fetched_once_and_strangers_cannot_make_us_ask(
    own_provider: TestProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = OidcWorld(own_provider)
    visitor, provider, now = world.visitor(), world.app.state.auth.openid.provider, [1_000.0]
    monkeypatch.setattr(provider, "_monotonic", lambda: now[0])
    visitor.signs_in()
    own_provider.rotate()
    refused(visitor.comes_back("/sign-in/start", "sub-clinician"), "khóa không được công bố")  # asked a moment ago
    now[0] += ASK_AGAIN_S
    visitor.signs_in()
    fetched = provider._asked
    refused(visitor.comes_back("/sign-in/start", "sub-clinician", sign="unknown-key"), "khóa không được công bố")
    assert provider._asked == fetched
    world.close()


# Roles, sites, names ------------------------------------------------------------------------------------------------


def test_unknown_roles_are_ignored_and_logged(world: OidcWorld, visitor: Visitor) -> None:
    world.person("mixed", roles=["clinician", "offline_access", "superuser"], sites="VINMEC OTHER")
    visitor.signs_in("mixed")
    me = visitor.get("/api/v1/me").json()
    assert (me["roles"], me["sites"]) == (["clinician"], ["OTHER", "VINMEC"])
    [line] = [one for one in world.logs.getvalue().splitlines() if "oidc.roles_ignored" in one]
    assert "superuser" in line and "offline_access" in line


def test_no_role_is_a_page_that_says_whom_to_ask(provider: TestProvider) -> None:
    world = OidcWorld(provider, TOCSIN_OIDC_WHOM_TO_ASK="the trial office, room 5")
    world.person("nobody-yet", roles=["superuser"], sites=["VINMEC"])
    visitor = world.visitor()
    answer = visitor.comes_back("/sign-in/start", "sub-nobody-yet")
    refused(answer, "the trial office, room 5")
    assert "nobody-yet" in answer.text and "chưa có vai trò" in answer.text
    assert "you have no role" in visitor.get(visitor.back_from(visitor.goes(), "sub-nobody-yet") + "&lang=en").text
    assert world.app.state.auth.users.get("nobody-yet") is None
    world.close()


def test_a_role_taken_away_there_ends_the_sign_ins_here(world: OidcWorld, visitor: Visitor) -> None:
    visitor.signs_in("safety-officer-1")
    held = visitor.http.cookies[COOKIE]
    world.person("safety-officer-1", roles=[], sites=[])
    elsewhere = world.visitor()
    refused(elsewhere.comes_back("/sign-in/start", "sub-safety-officer-1"), "chưa có vai trò")
    world.app.state.auth._generations._entries.clear()  # half a minute later
    assert world.get("/api/v1/me", headers={"Authorization": f"Bearer {held}"}).status_code == 401


def test_nested_claims_and_a_prefix(provider: TestProvider) -> None:
    world = OidcWorld(provider, TOCSIN_OIDC_ROLES_CLAIM="realm_access.roles", TOCSIN_OIDC_ROLE_PREFIX="tocsin-")
    world.person("nested", realm_access={"roles": ["tocsin-auditor", "admin"]})
    visitor = world.visitor()
    visitor.signs_in("nested")
    assert visitor.get("/api/v1/me").json()["roles"] == ["auditor"]
    world.close()


def test_a_user_name_is_never_given_to_another_account(world: OidcWorld, visitor: Visitor) -> None:
    visitor.signs_in("safety-officer-1")
    world.provider.user("sub-new", preferred_username="Safety-Officer-1", roles=["safety_officer"])
    refused(world.visitor().comes_back("/sign-in/start", "sub-new"), "thuộc về tài khoản khác")


def test_a_renamed_account_keeps_the_id_that_the_trail_knows(world: OidcWorld, visitor: Visitor) -> None:
    visitor.signs_in("safety-officer-1")
    world.provider.user("sub-safety-officer-1", preferred_username="married-name", roles=["safety_officer"])
    visitor.signs_in("safety-officer-1")
    assert visitor.get("/api/v1/me").json()["user_id"] == "safety-officer-1"


def test_who_was_shut_out_here_stays_out_whatever_the_provider_says(world: OidcWorld, visitor: Visitor) -> None:
    visitor.signs_in("auditor")
    world.app.state.auth.users.set_active("auditor", False, world.clock.now(), reason="left")
    refused(world.visitor().comes_back("/sign-in/start", "sub-auditor"), "đã bị khóa")


def test_who_came_first_and_what_changed_stands_in_the_trail(world: OidcWorld, visitor: Visitor) -> None:
    visitor.signs_in("auditor")
    visitor.signs_in("auditor")  # the same again writes nothing
    world.person("auditor", roles=["auditor", "admin"])
    visitor.signs_in("auditor")
    [told] = [one for one in verify_all(world.settings) if one.service == "auth"]
    assert told.ok and told.entries == 2, told
    with world.app.state.auth.users._db.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE accounts SET subject = 'sub-admin' WHERE user_id = 'auditor'")
    [told] = [one for one in verify_all(world.settings) if one.service == "auth"]
    assert not told.ok


def test_no_password_is_taken_anywhere(world: OidcWorld) -> None:
    answer = world.post("/api/v1/sign-in", json={"username": "clinician", "password": "tocsin-demo-clinician"})
    problem(answer, 401, "sign-in-needed")
    assert "provider" in answer.json()["detail"]
    assert world.get("/api/v1/me", auth=("clinician", "tocsin-demo-clinician")).status_code == 401
    page = world.post("/sign-in", data={"username": "clinician", "password": "x" * 12})
    assert page.status_code == 401 and "không nhận mật khẩu" in page.text


def test_passwords_may_stand_beside_the_provider_when_asked_for(provider: TestProvider) -> None:
    world = OidcWorld(provider, TOCSIN_LOCAL_USERS="1")
    users = world.app.state.auth.users
    users.add("break-glass", "Emergency", "a long enough password", ["safety_officer"], now=world.clock.now())
    page = world.get("/sign-in")
    assert "/sign-in/start" in page.text and 'type="password"' in page.text
    body = {"username": "break-glass", "password": "a long enough password"}
    assert world.post("/api/v1/sign-in", json=body).status_code == 200
    world.provider.user("sub-x", preferred_username="break-glass", roles=["safety_officer"])
    refused(world.visitor().comes_back("/sign-in/start", "sub-x"), "thuộc về tài khoản khác")
    world.close()


# The provider is away -----------------------------------------------------------------------------------------------


def test_while_the_provider_is_away_a_page_says_so_and_who_is_in_goes_on(provider: TestProvider) -> None:
    world = OidcWorld(provider)
    inside = world.visitor()
    inside.signs_in("safety-officer-1")
    provider.order(down=True)
    world.app.state.auth.openid.provider._known = None  # as after a restart
    world.app.state.auth.openid.provider._asked = -ASK_AGAIN_S
    answer = world.visitor().get("/sign-in/start")
    assert answer.status_code == 503 and "không trả lời" in answer.text and "gọi điện" in answer.text
    assert "Retry-After" in answer.headers
    assert "does not answer" in world.visitor().get("/sign-in/start?lang=en").text
    assert world.visitor().get("/sign-in").status_code == 200
    assert inside.get("/desk").status_code == 200
    assert inside.get("/readyz").status_code == world.visitor().get("/readyz").status_code
    out = inside.post("/sign-out")
    assert out.status_code == 200 and "có thể vẫn còn mở" in out.text
    world.close()


def test_keys_that_are_known_are_used_for_a_day_while_the_provider_is_away(
    world: OidcWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert world.get("/api/v1/cases", MACHINE).status_code == 200
    provider = world.app.state.auth.openid.provider
    started, now = provider._monotonic(), [0.0]
    monkeypatch.setattr(provider, "_monotonic", lambda: now[0])
    tokens = [world._machine()[0] for _ in range(2)]  # never seen before: each needs the keys
    world.provider.order(down=True)
    for token, later, status in ((tokens[0], FRESH_S + 1, 200), (tokens[1], STALE_S + 1, 503)):
        now[0] = started + later
        headers = {"Authorization": f"Bearer {token}x"}  # spoilt: refused by the key, so the key was there
        assert world.get("/api/v1/cases", headers=headers).status_code == (401 if status == 200 else 503)
        assert world.get("/api/v1/cases", headers={"Authorization": f"Bearer {token}"}).status_code == status


@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "https://elsewhere.example.org"},
        {"code_challenge_methods_supported": ["plain"]},
        {"token_endpoint": "http://provider.example.org/token"},
        {"authorization_endpoint": None},
    ],
)
def test_a_discovery_that_is_not_right_sends_nobody_anywhere(provider: TestProvider, change: dict[str, Any]) -> None:
    provider.order(metadata=change)
    world = OidcWorld(provider)
    provider.order(metadata=change)
    assert world.get("/sign-in/start").status_code == 503
    world.close()


# Out ----------------------------------------------------------------------------------------------------------------


def test_signing_out_ends_the_session_there_too(world: OidcWorld, visitor: Visitor) -> None:
    visitor.signs_in()
    answer = visitor.post("/sign-out")
    assert answer.status_code == 200 and COOKIE not in visitor.http.cookies
    there = link(answer.text, world.provider.issuer)
    asked = asked_at(there)
    assert there.startswith(f"{world.provider.issuer}/oauth2/end_session?")
    assert asked["post_logout_redirect_uri"] == f"{world.settings.base_url}/sign-in"
    assert asked["client_id"] == CLIENT and asked["id_token_hint"].count(".") == 2
    assert world.provider.http.get(there).status_code == 200
    assert f'content="0; url={world.provider.issuer}' in answer.text  # and it goes there by itself
    assert visitor.get("/api/v1/me").status_code == 401


def test_another_site_signs_nobody_out(guest: Visitor) -> None:
    guest.signs_in()
    assert guest.post("/sign-out", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert guest.get("/api/v1/me").status_code == 200


# Machines -----------------------------------------------------------------------------------------------------------


def test_a_machine_sends_data_with_an_access_token(world: OidcWorld) -> None:
    me = world.get("/api/v1/me", MACHINE).json()
    assert (me["user_id"], me["roles"]) == (MACHINE, ["system"])
    made = world.post("/api/v1/subjects", MACHINE, json={"subject_id": "VN01-700"})
    assert made.status_code == 201


def machine(world: OidcWorld, scope: str = "", **orders: Any) -> Any:
    world.provider.order(now=NOW, **orders)
    token = world.provider.machine_token(scope=scope)
    return world.get("/api/v1/cases", headers={"Authorization": f"Bearer {token}"})


@pytest.mark.parametrize(
    "orders",
    [
        pytest.param({"claims": {"aud": "another"}}, id="another audience"),
        pytest.param({"claims": {"aud": CLIENT}}, id="an ID token's audience"),
        pytest.param({"claims": {"nonce": "n"}}, id="with a nonce"),
        pytest.param({"claims": {"typ": "ID"}}, id="says it is an ID token"),
        pytest.param({"claims": {"typ": "Refresh"}}, id="says it is a refresh token"),
        pytest.param({"header": {"typ": "logout+jwt"}}, id="a logout token"),
        pytest.param({"claims": {"exp": NOW - 31}}, id="ended"),
        pytest.param({"claims": {"nbf": NOW + 31}}, id="not good yet"),
        pytest.param({"claims": {"iss": "https://elsewhere"}}, id="another issuer"),
        pytest.param({"claims": {"client_id": None}}, id="of no client"),
        pytest.param({"sign": "none"}, id="unsigned"),
        pytest.param({"sign": "HS256-public"}, id="the public key as a secret"),
        pytest.param({"sign": "unknown-key"}, id="an unknown key"),
        pytest.param({"sign": "other-signature"}, id="another key"),
    ],
)
def test_an_access_token_that_is_not_right_opens_nothing(house: OidcWorld, orders: dict[str, Any]) -> None:
    problem(machine(house, **orders), 401, "sign-in-needed")


def test_an_access_token_never_acts_for_a_person(house: OidcWorld) -> None:
    problem(machine(house, claims={"roles": ["safety_officer", "admin"]}), 403, "forbidden")
    assert machine(house, claims={"roles": ["safety_officer", "system"]}).status_code == 200
    me = [one for one in house.logs.getvalue().splitlines() if '"/api/v1/cases"' in one][-1]
    assert MACHINE in me


def test_a_machines_role_may_be_a_scope(house: OidcWorld) -> None:
    assert machine(house, "openid tocsin:system", claims={"roles": None}).status_code == 200
    problem(
        machine(house, "tocsin:admin", claims={"roles": None, "sub": "sub-b", "client_id": "machine-b"}),
        403,
        "forbidden",
    )


def test_a_machine_cannot_take_a_persons_name(house: OidcWorld) -> None:
    house.as_("safety-officer-1")
    problem(machine(house, claims={"sub": "sub-c", "client_id": "safety-officer-1"}), 401, "sign-in-needed")


@pytest.mark.parametrize("name", ["system", "console", "provider", "System"])
def test_nobody_comes_by_a_name_that_acts_in_the_trail(house: OidcWorld, name: str) -> None:
    there = house.visitor()
    came = there.comes_back("/sign-in/start", "sub-auditor", claims={"sub": "sub-g", "preferred_username": name})
    refused(came, "không gửi tên người dùng")
    problem(machine(house, claims={"sub": "sub-h", "client_id": name}), 401, "sign-in-needed")
    assert house.app.state.auth.users.get(name.lower()) is None


def trail_of(world: OidcWorld, user_id: str) -> tuple[Any, int]:
    """Somebody's row and how many entries their trail has."""
    users = world.app.state.auth.users
    entries = select(AuditRow).where(AuditRow.stream == user_id)
    return users.get(user_id), len(users._db.read(lambda tx: tx.session.exec(entries).all()))


@pytest.mark.parametrize("client", [MACHINE, "another-client", "auditor"])
def test_an_access_token_of_a_person_acts_for_nobody_and_changes_nothing(world: OidcWorld, client: str) -> None:
    """Issued to a person through a client that has our audience and the system scope."""
    auditor = world.visitor()
    auditor.signs_in("auditor")
    before = trail_of(world, "auditor")
    persons = {"sub": "sub-auditor", "client_id": client, "roles": ["system"]}
    problem(machine(world, "tocsin:system", claims=persons), 401, "sign-in-needed")
    assert trail_of(world, "auditor") == before
    assert auditor.get("/api/v1/me").json()["roles"] == ["auditor"]


def test_a_machines_account_is_one_client_and_a_client_one_account(house: OidcWorld) -> None:
    assert machine(house, claims={"sub": "sub-d", "client_id": "machine-d"}).status_code == 200
    problem(machine(house, claims={"sub": "sub-d", "client_id": "machine-e"}), 401, "sign-in-needed")
    problem(machine(house, claims={"sub": "sub-e", "client_id": "machine-d"}), 401, "sign-in-needed")
    assert house.app.state.auth.users.get("machine-e") is None


@pytest.mark.parametrize(
    "persons",
    [
        {"sid": "5b1f"},
        {"auth_time": NOW},
        {"preferred_username": "clinician"},
        {"preferred_username": MACHINE},
        {"preferred_username": "service-account-another"},
    ],
)
def test_an_access_token_that_is_visibly_a_persons_opens_nothing(house: OidcWorld, persons: dict[str, Any]) -> None:
    """Nobody's account is known yet: what gives it away are its claims alone."""
    claims = {"sub": "sub-f", "client_id": "machine-f"} | persons
    problem(machine(house, claims=claims), 401, "sign-in-needed")
    assert house.app.state.auth.users.get("machine-f") is None


def test_keycloaks_name_for_a_clients_own_account_is_no_persons(house: OidcWorld) -> None:
    assert machine(house, claims={"preferred_username": f"service-account-{MACHINE}"}).status_code == 200


def test_an_access_token_ends_when_it_says(world: OidcWorld) -> None:
    headers = world.as_(MACHINE)
    assert world.get("/api/v1/cases", headers=headers).status_code == 200
    world.clock.advance(minutes=4)
    assert world.get("/api/v1/cases", headers=headers).status_code == 200
    world.clock.advance(minutes=1, seconds=31)
    problem(world.get("/api/v1/cases", headers=headers), 401, "sign-in-needed")


def test_a_machine_that_was_shut_out_stays_out(world: OidcWorld) -> None:
    headers = world.as_(MACHINE)
    assert world.get("/api/v1/cases", headers=headers).status_code == 200
    world.app.state.auth.users.set_active(MACHINE, False, world.clock.now(), reason="left")
    world.app.state.auth._generations._entries.clear()  # half a minute later
    assert world.get("/api/v1/cases", headers=headers).status_code == 401


def test_without_an_audience_no_access_token_is_taken(provider: TestProvider) -> None:
    world = OidcWorld(provider, TOCSIN_OIDC_AUDIENCE="")
    problem(world.get("/api/v1/cases", MACHINE), 401, "sign-in-needed")
    world.close()


# Text that waits ----------------------------------------------------------------------------------------------------

REPORT = {"story": "Sốt cao, co giật lúc 2 giờ", "key": "k-1"}


def test_a_post_whose_sign_in_ended_keeps_its_text_through_the_provider(world: OidcWorld, visitor: Visitor) -> None:
    visitor.signs_in()
    world.clock.advance(hours=world.settings.session_hours + 1)
    page = visitor.post("/report", data=REPORT)
    assert page.status_code == 401 and 'target="_blank"' in page.text
    carried = hidden(page.text, "carried")
    not_yet = visitor.post("/sign-in/resume", data={"carried": carried})
    assert not_yet.status_code == 401 and hidden(not_yet.text, "carried") == carried
    back = visitor.comes_back(link(page.text, "/sign-in/start"), "sub-clinician")
    assert back.headers["location"] == "/sign-in/back"
    assert "kept.js" in visitor.get("/sign-in/back").text
    again = visitor.post("/sign-in/resume", data={"carried": carried})
    assert again.status_code == 200 and 'action="/report"' in again.text
    assert fields(again.text) == REPORT


def test_another_site_resumes_nothing_and_a_forged_text_is_dropped(world: OidcWorld, visitor: Visitor) -> None:
    visitor.signs_in()
    foreign = visitor.post("/sign-in/resume", data={"carried": "x"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert foreign.status_code == 403
    assert visitor.post("/sign-in/resume", data={"carried": "forged.text"}).status_code == 303


# Signatures ---------------------------------------------------------------------------------------------------------


class Signing:
    """A monitor in front of a proposal."""

    def __init__(self, world: OidcWorld) -> None:
        self.world = world
        child = world.child()
        world.infusion(child)
        self.case_id = world.case(child)["case_id"]
        world.drain()
        self.monitor = world.visitor()
        self.monitor.signs_in("medical-monitor-1")
        world.clock.advance(minutes=20)
        self.path = f"/assessments/{self.case_id}"

    def form(self, **changes: str) -> dict[str, str]:
        page = self.monitor.get(self.path)
        assert page.status_code == 200 and 'type="password"' not in page.text
        pairs = [part.split('"')[0] for part in page.text.split('name="pair.')[1:]]
        made = {"version": hidden(page.text, "version"), "meaning": "Tôi đồng ý"}
        for index in pairs:
            made[f"pair.{index}"] = hidden(page.text, f"pair.{index}")
            made[f"accepted.{index}"] = "probable"
            made[f"reason.{index}"] = "diễn biến phù hợp"
        return made | changes

    def asks(self, **changes: str) -> Any:
        page = self.monitor.post(f"{self.path}/sign", data=self.form(**changes))
        assert page.status_code == 403 and "Chưa có gì được ký" in page.text, page.text
        return page

    def proves(self, page: Any, user: str = "medical-monitor-1", **orders: Any) -> Any:
        self.world.clock.advance(seconds=20)
        return self.monitor.comes_back(link(page.text, "/sign-in/start"), f"sub-{user}", **orders)

    def sends(self, page: Any, **changes: str) -> Any:
        again = self.monitor.post("/sign-in/resume", data={"carried": hidden(page.text, "carried")})
        assert again.status_code == 200 and f'action="{self.path}/sign"' in again.text
        return self.monitor.post(f"{self.path}/sign", data=fields(again.text) | changes)

    @property
    def signature(self) -> dict[str, Any] | None:
        answer = self.world.get(f"/api/v1/assessments/{self.case_id}", "medical-monitor-1")
        return answer.json()["assessment"]["signature"]


@pytest.fixture
def signing(desk: OidcWorld, provider: TestProvider) -> Signing:
    return Signing(desk)


def test_a_signature_goes_there_and_back_and_signs_what_was_kept(signing: Signing) -> None:
    page = signing.asks()
    assert signing.signature is None
    there = asked_at(signing.monitor.goes(link(page.text, "/sign-in/start")))
    assert (there["prompt"], there["max_age"], there["login_hint"]) == ("login", "0", "medical-monitor-1")
    back = signing.proves(page)
    assert back.status_code == 303 and back.headers["location"] == "/sign-in/back"
    assert signing.signature is None
    assert signing.sends(page).status_code == 303
    made = signing.signature
    assert made is not None and made["signed_by"] == "medical-monitor-1" and made["meaning"] == "Tôi đồng ý"
    proved_at = signing.world.clock.now()
    assert made["signed_at"] == proved_at.isoformat().replace("+00:00", "Z")
    [told] = [one for one in verify_all(signing.world.settings) if one.service == "auth"]
    assert told.ok, told


@pytest.mark.parametrize("orders", [{"claims": {"auth_time": None}}, {"claims": {"auth_time": "now"}}])
def test_a_provider_that_does_not_say_when_signs_nothing(signing: Signing, orders: dict[str, Any]) -> None:
    page = signing.asks()
    refused(signing.proves(page, **orders), "không xác nhận rằng bạn vừa đăng nhập lại")
    assert signing.sends(page).status_code == 403 and signing.signature is None


def test_a_proof_older_than_the_request_signs_nothing(signing: Signing) -> None:
    """The provider remembered an earlier sign-in and asked for nothing."""
    page = signing.asks()
    before = int(signing.world.clock.now().timestamp()) - 1
    refused(signing.proves(page, claims={"auth_time": before}), "không xác nhận")
    assert signing.sends(page).status_code == 403 and signing.signature is None


@pytest.mark.parametrize(("before_s", "status"), [(31, 403), (30, 303), (3_600, 403)])
def test_a_sign_in_between_the_page_and_the_trip_is_no_fresh_proof(
    signing: Signing, before_s: int, status: int
) -> None:
    """The page lay open; the person signed in elsewhere at the provider, which then asked for nothing."""
    page = signing.asks()
    signing.world.clock.advance(hours=2)
    there = signing.monitor.goes(link(page.text, "/sign-in/start"))
    earlier = int(signing.world.clock.now().timestamp()) - before_s
    signing.world.clock.advance(seconds=20)
    back = signing.monitor.back_from(there, "sub-medical-monitor-1", claims={"auth_time": earlier})
    assert signing.monitor.get(back).status_code == status
    assert signing.sends(page).status_code == status and (signing.signature is None) == (status == 403)


def test_another_persons_proof_signs_nothing_and_changes_no_sign_in(signing: Signing) -> None:
    page = signing.asks()
    refused(signing.proves(page, "safety-officer-1"), "không phải là người đang ký")
    assert signing.monitor.get("/api/v1/me").json()["user_id"] == "medical-monitor-1"
    assert signing.sends(page).status_code == 403 and signing.signature is None


@pytest.mark.parametrize("change", [{"meaning": "Something else"}, {"accepted.0": "unlikely"}, {"reason.0": "other"}])
def test_a_proof_is_for_exactly_what_was_asked(signing: Signing, change: dict[str, str]) -> None:
    page = signing.asks()
    signing.proves(page)
    assert signing.sends(page, **change).status_code == 403
    assert signing.signature is None


def test_a_proof_is_for_one_signature(signing: Signing) -> None:
    page = signing.asks()
    signing.proves(page)
    kept = signing.monitor.http.cookies["tocsin_proof"]
    assert signing.sends(page).status_code == 303
    auth = signing.world.app.state.auth
    payload = auth.signer.open("proof", kept)
    found = auth.openid.proof(kept, "medical-monitor-1", payload["what"])
    assert found is not None
    used = auth.openid.accounts.use_proof(found.proof_id, "medical-monitor-1", found.sha256, found.at, found.at)
    assert not used


def test_a_proof_ends_after_ten_minutes(signing: Signing) -> None:
    page = signing.asks()
    signing.proves(page)
    signing.world.clock.advance(minutes=11)
    assert signing.sends(page).status_code == 403 and signing.signature is None


def test_a_proof_of_another_person_is_worth_nothing(signing: Signing) -> None:
    page = signing.asks()
    signing.proves(page)
    signing.world.person("monitor-2", roles=["medical_monitor"])
    other = signing.world.visitor()
    other.signs_in("monitor-2")
    other.http.cookies.set("tocsin_proof", signing.monitor.http.cookies["tocsin_proof"])
    signing.monitor = other
    assert signing.sends(page).status_code == 403 and signing.signature is None


def test_a_session_however_young_signs_nothing(signing: Signing) -> None:
    signing.monitor.signs_in("medical-monitor-1")
    signing.asks()
    assert signing.signature is None


def test_the_api_signs_nothing_without_the_round_trip(signing: Signing) -> None:
    body = {"version": 1, "password": "tocsin-demo-medical-monitor-1", "meaning": "I agree", "decisions": []}
    answer = signing.world.post(f"/api/v1{signing.path}/sign", "medical-monitor-1", json=body)
    problem(answer, 403, "proof-needed")
    assert signing.signature is None


def test_an_old_or_forged_request_for_a_proof_goes_nowhere(signing: Signing) -> None:
    start = link(signing.asks().text, "/sign-in/start")
    assert signing.monitor.get("/sign-in/start?ask=forged.text").status_code == 403
    signing.world.clock.advance(hours=25)
    assert signing.monitor.get(start).status_code == 403


# Files that judge ---------------------------------------------------------------------------------------------------


def test_files_are_activated_by_a_proof_for_these_files_and_this_reason(provider: TestProvider, tmp_path: Path) -> None:
    files = Files(tmp_path)
    world = OidcWorld(provider, **files.environ)
    files.edit("rules/vn.yaml", SEVEN, SEVEN.replace("7", "5"))
    world.restart(**provider.environment, **files.environ)
    monitor = world.visitor()
    monitor.signs_in("medical-monitor-1")
    page = monitor.get("/rules").text
    assert 'type="password"' not in page
    form = {
        "sha256": hidden(page, "sha256"),
        "preview_sha256": hidden(page, "preview_sha256"),
        "reason": "thông tư mới",
    }
    asked = monitor.post("/rules/activate", data=form)
    assert asked.status_code == 403 and "Chưa có gì được ký" in asked.text
    world.clock.advance(seconds=20)
    monitor.comes_back(link(asked.text, "/sign-in/start"), "sub-medical-monitor-1")
    again = monitor.post("/sign-in/resume", data={"carried": hidden(asked.text, "carried")})
    assert fields(again.text) == form
    other = monitor.post("/rules/activate", data=form | {"reason": "another reason"})
    assert other.status_code == 403
    assert monitor.get("/api/v1/rules").json()["active"]["activation"]["number"] == 1
    assert monitor.post("/rules/activate", data=fields(again.text)).status_code == 303
    active = monitor.get("/api/v1/rules").json()["active"]["activation"]
    assert (active["number"], active["activated_by"]) == (2, "medical-monitor-1")
    world.close()
