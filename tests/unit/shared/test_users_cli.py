"""`tocsin users`: who is shut out and let in again from the machine itself, and what the trail keeps of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlmodel import col, select
from typer.testing import CliRunner, Result

from services.cli import app
from shared import compose
from shared.audit import AuditRow
from shared.auth.accounts import Accounts
from shared.auth.authenticator import GENERATION_CACHE_S, Authenticator
from shared.auth.console import login
from shared.clock import ManualClock
from shared.db import Database
from shared.errors import SignInNeeded
from shared.settings import Settings

NOW = datetime(2026, 3, 9, 2, 10, tzinfo=UTC)
PASSWORD = "a long enough password"


class Installed:
    """A database as an installation has it, and a service that runs on it."""

    def __init__(self, var: Path) -> None:
        self.environ = {"TOCSIN_VAR": str(var), "TOCSIN_DEMO": "0"}
        self.auth: Authenticator
        self.db: Database
        self.auth, self.db = compose.make_authenticator(Settings.load(self.environ), ManualClock(NOW), "test")
        self.auth.users.add("leaver", "Leaver", PASSWORD, ["auditor"], now=NOW)

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(app, ["users", *words], env=self.environ)

    def half_a_minute_later(self) -> None:
        self.auth._generations._keep_s = -1.0
        self.auth._generations._entries.clear()

    def told(self, user_id: str) -> dict[str, object]:
        newest = select(AuditRow).where(AuditRow.stream == user_id).order_by(col(AuditRow.seq).desc())
        row = self.db.read(lambda tx: tx.session.exec(newest).first())
        assert row is not None
        return json.loads(row.entry)


@pytest.fixture
def installed(tmp_path: Path) -> Iterator[Installed]:
    made = Installed(tmp_path)
    yield made
    made.db.close()


def test_shut_out_ends_what_is_open_and_let_in_revives_none_of_it(installed: Installed) -> None:
    auth = installed.auth
    _, token, _ = auth.sign_in("leaver", PASSWORD, "a")
    assert auth.slow_token(token, "cookie") is not None
    done = installed.run("shut-out", "leaver", "--reason", "left the hospital")
    assert done.exit_code == 0 and f"within {GENERATION_CACHE_S:.0f} seconds" in done.stdout
    installed.half_a_minute_later()
    assert auth.quick_token(token, "cookie") is None and auth.slow_token(token, "cookie") is None
    with pytest.raises(SignInNeeded):
        auth.sign_in("leaver", PASSWORD, "a")
    assert installed.run("let-in", "leaver", "--reason", "came back").exit_code == 0
    assert auth.slow_token(token, "cookie") is None
    assert auth.sign_in("leaver", PASSWORD, "b")[0].user_id == "leaver"


def test_the_trail_names_who_was_at_the_console_and_why(installed: Installed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SUDO_USER", raising=False)
    installed.run("shut-out", "leaver", "--reason", " left the hospital ")
    told = installed.told("leaver")
    assert (told["actor"], told["action"], told["reason"]) == ("console", "shut a user out", "left the hospital")
    assert told["detail"] == {"login": login()} and login()
    monkeypatch.setenv("SUDO_USER", "operator")
    installed.run("let-in", "leaver", "--reason", "came back")
    told = installed.told("leaver")
    assert (told["action"], told["reason"]) == ("let a user in again", "came back")
    assert told["detail"] == {"login": f"{login().split()[0]} (sudo by operator)"}


def test_somebody_of_the_provider_is_shut_out_too(installed: Installed) -> None:
    accounts = Accounts(installed.db, installed.auth.users._audit)

    def enters() -> object:
        return accounts.enter(
            "https://id.example.org",
            "sub-1",
            user_id="vouched",
            name="",
            roles=frozenset({"auditor"}),
            sites=frozenset(),
            auth_time=NOW,
            now=NOW,
        )

    enters()
    assert installed.run("shut-out", "vouched", "--reason", "left").exit_code == 0
    assert enters() == "shut_out"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("let-in", "leaver", "--reason", "x"), "user leaver is not shut out"),
        (("shut-out", "nobody", "--reason", "x"), "there is no user nobody"),
        (("shut-out", "leaver", "--reason", "  "), "a reason is needed"),
    ],
)
def test_what_would_change_nothing_or_says_nothing_is_refused(
    installed: Installed, words: tuple[str, ...], why: str
) -> None:
    before = installed.told("leaver")
    done = installed.run(*words)
    assert done.exit_code == 1 and why in done.stderr
    assert installed.told("leaver") == before and installed.auth.users.generation("leaver") == 0


def test_nobody_is_shut_out_twice(installed: Installed) -> None:
    assert installed.run("shut-out", "leaver", "--reason", "left").exit_code == 0
    again = installed.run("shut-out", "leaver", "--reason", "left")
    assert again.exit_code == 1 and "shut out already" in again.stderr
