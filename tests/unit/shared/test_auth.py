"""Who gets in, for how long, and what they may do."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from shared.audit import Audit, AuditKeys
from shared.audit_verify import verify
from shared.auth import users as store
from shared.auth.authenticator import GENERATION_CACHE_S, Authenticator
from shared.auth.carry import Carried, TooLargeToCarry, carry, is_local_path, uncarry
from shared.auth.demo import DEMO_USERS, ensure_demo_users
from shared.auth.identity import Identity
from shared.auth.roles import PERMISSIONS, ROLES, TABLE, roles_for
from shared.auth.throttle import FREE_FAILURES, MAX_WAIT_S, Throttle, TooManyAttempts
from shared.auth.tokens import Signer, SignIns
from shared.auth.users import UserRow, Users, create_tables
from shared.clock import ManualClock
from shared.db import Database
from shared.errors import Conflict, Forbidden, NotFound, Refused, SignInNeeded
from tests.support import passwords

NOW = datetime(2026, 3, 9, 2, 10, tzinfo=UTC)
TRAIL = Audit("auth", AuditKeys(b"a" * 32))
KEY, OTHER = b"k" * 32, b"o" * 40
PASSWORD = "a long enough password"


def someone(*roles: str, sites: tuple[str, ...] = (), **more: object) -> Identity:
    return Identity("u", frozenset(roles), frozenset(sites), NOW, **more)  # type: ignore[arg-type]


# --- roles and sites


def test_the_table_names_only_known_roles_and_every_permission_has_somebody() -> None:
    for permission, roles in TABLE.items():
        assert roles and roles <= ROLES, permission


def test_what_must_never_be_in_one_hand() -> None:
    assert TABLE["see_arms"] == {"dsmb_member", "dsmb_statistician"}
    assert TABLE["sign_assessment"] == {"medical_monitor"}
    assert TABLE["nullify_case"] == {"safety_officer", "medical_monitor", "admin"}
    reading = {"see_cases", "see_assessment", "see_desk", "see_ledger", "see_parked", "see_open_report"}
    changing = PERMISSIONS - reading
    assert not any("auditor" in TABLE[name] for name in changing)  # type: ignore[index]
    dsmb = {name for name, roles in TABLE.items() if roles & {"dsmb_member", "dsmb_statistician"}}
    assert dsmb == {"see_arms", "freeze_cut", "see_open_report"}


def test_a_role_or_a_permission_but_nothing_else() -> None:
    assert roles_for("admin") == {"admin"} and roles_for("see_arms") == TABLE["see_arms"]
    with pytest.raises(ValueError, match="neither"):
        roles_for("root")


def test_sites_bound_clinicians_and_investigators_only() -> None:
    clinician = someone("clinician", sites=("VINMEC",))
    assert clinician.sees_site("VINMEC") and not clinician.sees_site("OTHER") and not clinician.sees_site(None)
    assert someone("safety_officer").sees_site("OTHER")
    assert someone("clinician", "safety_officer", sites=("VINMEC",)).sees_site("OTHER")
    with pytest.raises(Forbidden):
        clinician.must_see_site("OTHER")
    with pytest.raises(Forbidden, match="medical_monitor"):
        clinician.must("sign_assessment")


def test_nobody_without_roles_sees_every_site() -> None:
    assert not someone().sees_site("VINMEC")


# --- tokens


def test_a_sign_in_comes_back_as_it_was_and_ends() -> None:
    sign_ins = SignIns(Signer((KEY,)), timedelta(hours=12))
    token, ends = sign_ins.issue(someone("clinician", sites=("VINMEC",), name="Bác sĩ", generation=3), NOW)
    assert ends == NOW + timedelta(hours=12)
    back = sign_ins.read(token, ends - timedelta(seconds=1), "cookie")
    assert back is not None and back.roles == {"clinician"} and back.sites == {"VINMEC"} and back.name == "Bác sĩ"
    assert back.auth_time == NOW and back.expires_at == ends and back.generation == 3 and back.via == "cookie"
    assert sign_ins.read(token, ends, "cookie") is None
    assert sign_ins.read(token, NOW - timedelta(minutes=2), "cookie") is None
    assert sign_ins.whose(token) == "u"


def test_rotation_accepts_the_key_before_and_no_other() -> None:
    token = Signer((OTHER,)).seal("sign-in", {"a": 1})
    assert Signer((KEY, OTHER)).open("sign-in", token) is not None
    assert Signer((KEY,)).open("sign-in", token) is None


def test_one_use_is_not_another() -> None:
    signer = Signer((KEY,))
    assert signer.open("sign-in", signer.seal("carried", {"sub": "u"})) is None


def test_a_changed_payload_is_refused() -> None:
    token, _ = SignIns(Signer((KEY,)), timedelta(hours=1)).issue(someone("clinician"), NOW)
    body, mac = token.split(".")
    payload = json.loads(base64.urlsafe_b64decode(body + "=="))
    payload["roles"] = ["admin"]
    forged = base64.urlsafe_b64encode(json.dumps(payload).encode()).rstrip(b"=").decode()
    assert SignIns(Signer((KEY,)), timedelta(hours=1)).read(f"{forged}.{mac}", NOW, "cookie") is None


@given(st.one_of(st.text(), st.from_regex(r"[A-Za-z0-9_-]{0,40}\.[A-Za-z0-9_-]{0,44}", fullmatch=True)))
def test_no_other_text_opens(text: str) -> None:
    assert Signer((KEY,)).open("sign-in", text) is None


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="32"):
        Signer((b"short",))


# --- what was typed is kept


@given(st.lists(st.tuples(st.text(min_size=1, max_size=8), st.text(max_size=50)), max_size=8))
def test_fields_come_back_in_order_repeats_included(fields: list[tuple[str, str]]) -> None:
    fields = [(name, value) for name, value in fields if name not in ("password", "username", "carried", "next")]
    signer = Signer((KEY,))
    sealed = carry(signer, Carried("/report?lang=vi", (*fields, ("password", "secret")), "u", 1), NOW)
    assert uncarry(signer, sealed, NOW) == Carried("/report?lang=vi", tuple(fields), "u", 1)
    assert uncarry(signer, sealed, NOW + timedelta(hours=25)) is None
    assert uncarry(Signer((OTHER,)), sealed, NOW) is None


def test_what_is_too_large_is_said_before_it_is_lost() -> None:
    with pytest.raises(TooLargeToCarry):
        carry(Signer((KEY,)), Carried("/report", (("a", "ặ" * 200_000),)), NOW)
    with pytest.raises(TooLargeToCarry):
        carry(Signer((KEY,)), Carried("/report", (("a", "b"),) * 1_001), NOW)


@pytest.mark.parametrize(
    "path", ["//evil.test", "https://evil.test", "/\\evil.test", "", "report", "/a\nb", "/a\\b", "/\t/evil.test"]
)
def test_no_way_leads_off_this_site(path: str) -> None:
    assert not is_local_path(path)


# --- throttle


def test_guessing_is_slowed_and_forgiven_in_time() -> None:
    now = [0.0]
    throttle = Throttle(lambda: now[0])
    for _ in range(FREE_FAILURES):
        throttle.check("u", "a")
        throttle.failed("u", "a")
    with pytest.raises(TooManyAttempts) as caught:
        throttle.check("u", "a")
    assert caught.value.wait_s == 2
    throttle.check("u", "elsewhere")
    throttle.check("other", "a")
    now[0] = 2.1
    throttle.check("u", "a")
    for _ in range(40):
        throttle.failed("u", "a")
    now[0] += MAX_WAIT_S + 1
    throttle.check("u", "a")


def test_one_address_cannot_guess_at_everybody() -> None:
    throttle = Throttle(lambda: 0.0)
    for number in range(60):
        throttle.failed(f"user-{number}", "a")
    throttle.succeeded("user-1", "a")
    with pytest.raises(TooManyAttempts):
        throttle.check("somebody-new", "a")
    throttle.check("somebody-new", "b")


# --- users


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('auth') / 'auth.db'}", "auth")
    create_tables(database)
    create_tables(database)
    Users(database, TRAIL).add("clinician", "Clinician", PASSWORD, ["clinician"], now=NOW, sites=["VINMEC"])
    yield database
    database.close()


def test_a_password_is_stored_as_argon2_and_verifies(db: Database) -> None:
    users = Users(db, TRAIL)
    row = users.get("clinician")
    assert row is not None and row.password_hash.startswith("$argon2id$") and row.created_at == NOW
    found = users.check("clinician", PASSWORD, NOW)
    assert found is not None and found.roles == {"clinician"} and found.sites == {"VINMEC"} and found.auth_time == NOW
    assert users.check("clinician", PASSWORD + "x", NOW) is None
    assert users.check("nobody", PASSWORD, NOW) is None
    assert users.check("clinician", "x" * 1_000_000, NOW) is None


def test_a_stolen_table_of_passwords_costs_what_argon2_recommends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_HASHER", passwords.RECOMMENDED)
    database = Database(f"sqlite:///{tmp_path / 'auth.db'}", "auth")
    create_tables(database)
    users = Users(database, TRAIL)
    users.add("clinician", "Clinician", PASSWORD, ["clinician"], now=NOW)
    row = users.get("clinician")
    assert row is not None
    cost = re.fullmatch(r"\$argon2id\$v=19\$m=(\d+),t=(\d+),p=\d+\$.*", row.password_hash)
    assert cost and int(cost[1]) >= 64 * 1024 and int(cost[2]) >= 3, row.password_hash
    assert users.check("clinician", PASSWORD, NOW) is not None and users.check("clinician", "wrong one", NOW) is None
    database.close()


def test_bad_users_are_refused_by_field(db: Database) -> None:
    with pytest.raises(Refused) as caught:
        Users(db, TRAIL).add("Bad Id", "n", "short", ["root"], now=NOW)
    assert [problem.pointer for problem in caught.value.problems] == ["/username", "/password", "/roles"]
    with pytest.raises(Refused):
        Users(db, TRAIL).add("ends-with-newline\n", "n", PASSWORD, ["admin"], now=NOW)
    with pytest.raises(Conflict):
        Users(db, TRAIL).add("clinician", "again", PASSWORD, ["clinician"], now=NOW)
    with pytest.raises(NotFound):
        Users(db, TRAIL).set_active("nobody", False, NOW, reason="left")


@pytest.mark.parametrize("user_id", ["system", "console", "provider"])
def test_a_name_that_acts_in_the_trail_is_nobodys(db: Database, user_id: str) -> None:
    with pytest.raises(Refused) as caught:
        Users(db, TRAIL).add(user_id, "n", PASSWORD, ["auditor"], now=NOW)
    assert [problem.pointer for problem in caught.value.problems] == ["/username"]
    assert Users(db, TRAIL).get(user_id) is None


def test_every_change_moves_the_generation(db: Database) -> None:
    users = Users(db, TRAIL)
    users.add("mover", "Mover", PASSWORD, ["auditor"], now=NOW)
    assert users.generation("mover") == 0
    users.set_roles("mover", ["clinician"], ["VINMEC"], NOW)
    users.set_password("mover", PASSWORD + "2", NOW)
    assert users.generation("mover") == 2
    assert users.check("mover", PASSWORD, NOW) is None
    users.set_active("mover", False, NOW, reason="left")
    assert users.generation("mover") is None
    assert users.check("mover", PASSWORD + "2", NOW) is None


def test_a_user_changed_by_hand_is_named(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'auth.db'}", "auth")
    create_tables(database)
    users = Users(database, TRAIL)
    users.add("mover", "Mover", PASSWORD, ["auditor"], now=NOW)
    users.set_roles("mover", ["clinician"], ["VINMEC"], NOW, by="admin")
    users.add("stayer", "Stayer", PASSWORD, ["auditor"], now=NOW)

    def places() -> set[str]:
        return {one.place for one in database.read(lambda tx: verify(tx, TRAIL, (UserRow,), reads_log=False)).breaches}

    assert places() == set()
    for sql, place in (
        ("UPDATE users SET roles = 'admin' WHERE user_id = 'mover'", "users/mover"),
        ("UPDATE users SET password_hash = 'x' WHERE user_id = 'stayer'", "users/stayer"),
        ("DELETE FROM users WHERE user_id = 'stayer'", "users/stayer"),
    ):
        kept = database.read(lambda tx: tx.execute(text("SELECT * FROM users")).mappings().all())
        database.transact(lambda tx, s=sql: tx.execute(text(s)) and None)
        assert place in places()
        database.transact(lambda tx: tx.execute(text("DELETE FROM users")) and None)
        for row in kept:
            names = ", ".join(row)
            back = text(f"INSERT INTO users ({names}) VALUES ({', '.join(f':{name}' for name in row)})")
            database.transact(lambda tx, b=back, r=dict(row): tx.execute(b, r) and None)
    assert places() == set()
    database.close()


# --- the authenticator


class CountingUsers(Users):
    checks = 0

    def check(self, user_id: str, password: str, now: datetime) -> Identity | None:
        self.checks += 1
        return super().check(user_id, password, now)


def test_basic_pays_argon2_once_and_ends_with_the_user(db: Database) -> None:
    now = [0.0]
    users = CountingUsers(db, TRAIL)
    users.add("script", "Script", PASSWORD, ["system"], now=NOW)
    auth = Authenticator(users, (KEY,), ManualClock(NOW), monotonic=lambda: now[0])
    assert auth.quick_basic("script", PASSWORD) is None
    assert auth.slow_basic("script", PASSWORD, "a").via == "basic"
    assert auth.quick_basic("script", PASSWORD) is not None and auth.quick_basic("script", PASSWORD + "x") is None
    now[0] = GENERATION_CACHE_S + 1
    assert auth.quick_basic("script", PASSWORD) is None
    auth.slow_basic("script", PASSWORD, "a")
    assert users.checks == 1
    users.set_active("script", False, NOW, reason="left")
    now[0] += GENERATION_CACHE_S + 1
    with pytest.raises(SignInNeeded):
        auth.slow_basic("script", PASSWORD, "a")


def test_a_token_ends_when_its_user_is_shut_out(db: Database) -> None:
    now = [0.0]
    users = Users(db, TRAIL)
    users.add("leaver", "Leaver", PASSWORD, ["clinician"], now=NOW, sites=["VINMEC"])
    auth = Authenticator(users, (KEY,), ManualClock(NOW), monotonic=lambda: now[0])
    who, token, _ = auth.sign_in("leaver", PASSWORD, "a")
    assert auth.quick_token(token, "cookie") is None
    assert auth.slow_token(token, "cookie") is not None
    assert auth.quick_token(token, "cookie") is not None and auth.still_valid(who)
    users.set_active("leaver", False, NOW, reason="left")
    now[0] = GENERATION_CACHE_S + 1
    assert auth.quick_token(token, "cookie") is None and auth.slow_token(token, "cookie") is None
    assert not auth.still_valid(who)


def test_a_signature_needs_the_password_itself_and_is_throttled(db: Database) -> None:
    auth = Authenticator(Users(db, TRAIL), (KEY,), ManualClock(NOW), monotonic=lambda: 0.0)
    auth.slow_basic("clinician", PASSWORD, "a")
    assert auth.verify_password("clinician", PASSWORD)
    for _ in range(FREE_FAILURES):
        assert not auth.verify_password("clinician", "wrong password!")
    with pytest.raises(TooManyAttempts):
        auth.verify_password("clinician", PASSWORD)


# --- the demonstration


def test_demo_users_are_made_once_and_are_on_the_roster(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'auth.db'}", "auth")
    create_tables(database)
    users = Users(database, TRAIL)
    ensure_demo_users(users, NOW)
    ensure_demo_users(users, NOW)
    assert {row.user_id for row in users.list()} == {demo.user_id for demo in DEMO_USERS}
    assert {role for row in users.list() for role in row.roles.split()} == ROLES
    officer = users.check("safety-officer-1", "tocsin-demo-safety-officer-1", NOW)
    assert officer is not None and officer.can("confirm_alert")
    roster = (Path(__file__).parents[3] / "deploy/trials/vinmec-cp-bmmnc.yaml").read_text(encoding="utf-8")
    for user_id in ("safety-officer-1", "safety-officer-2", "medical-monitor-1"):
        assert f"user_id: {user_id}" in roster and any(demo.user_id == user_id for demo in DEMO_USERS)
    database.close()
