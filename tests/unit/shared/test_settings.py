"""What is unsafe never starts, and every problem is told at once."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from shared.auth.oidc.options import options_of
from shared.settings import Settings, UnsafeSettings, names, unknown_names

SAFE = {
    "TOCSIN_MODE": "production",
    "TOCSIN_DATABASE_URL": "postgresql+psycopg://tocsin:pw@db/tocsin",
    "TOCSIN_KAFKA": "kafka:9092",
    "TOCSIN_BASE_URL": "https://safety.hospital.test/",
    "TOCSIN_SECRET_KEY": "k3J9-aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789",
    "TOCSIN_AUDIT_KEY": "Z9y8X7w6V5u4T3s2R1q0PoNmLkJiHgFeDcBa98765",
    "TOCSIN_WEBHOOK_SECRET": "m1N2b3V4c5X6z7L8k9J0h1G2f3D4s5A6p7O8i9U0",
    "TOCSIN_SMTP_FROM": "safety@hospital.test",
    "TOCSIN_ALARM_MAIL": "bell@hospital.test",
}


def problems_of(changes: dict[str, str], without: tuple[str, ...] = ()) -> list[str]:
    environment = {name: value for name, value in {**SAFE, **changes}.items() if name not in without}
    with pytest.raises(UnsafeSettings) as caught:
        Settings.load(environment)
    return caught.value.problems


def test_safe_production_starts() -> None:
    settings = Settings.load(SAFE)
    assert settings.base_url == "https://safety.hospital.test"
    assert (
        settings.is_https and not settings.is_demo and not settings.is_rehearsal and not settings.illustrative_allowed
    )
    assert settings.database_url_of("causality").startswith("postgresql+psycopg://")
    assert settings.bus_settings("x").kafka_bootstrap == "kafka:9092"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"TOCSIN_DATABASE_URL": "sqlite:///x.db"}, "TOCSIN_DATABASE_URL"),
        ({"TOCSIN_DATABASE_URL": "postgresql://x"}, "TOCSIN_DATABASE_URL"),
        ({"TOCSIN_KAFKA": ""}, "TOCSIN_KAFKA"),
        ({"TOCSIN_SECRET_KEY": "short"}, "TOCSIN_SECRET_KEY"),
        ({"TOCSIN_SECRET_KEY": "please-change-me-please-change-me-0123"}, "TOCSIN_SECRET_KEY"),
        ({"TOCSIN_AUDIT_KEY": "a" * 64}, "TOCSIN_AUDIT_KEY"),
        ({"TOCSIN_AUDIT_KEY": SAFE["TOCSIN_SECRET_KEY"]}, "TOCSIN_AUDIT_KEY"),
        ({"TOCSIN_WEBHOOK_SECRET": ""}, "TOCSIN_WEBHOOK_SECRET"),
        ({"TOCSIN_BASE_URL": "http://safety.hospital.test"}, "TOCSIN_BASE_URL"),
        ({"TOCSIN_BASE_URL": ""}, "TOCSIN_BASE_URL"),
        ({"TOCSIN_ALARM_MAIL": ""}, "TOCSIN_ALARM_MAIL"),
        ({"TOCSIN_SMTP_FROM": ""}, "TOCSIN_SMTP_FROM"),
        ({"TOCSIN_DEMO": "1"}, "TOCSIN_DEMO"),
        ({"TOCSIN_FAILPOINTS": "relay.after_send=kill@1"}, "TOCSIN_FAILPOINTS"),
        ({"TOCSIN_ALARM_WEBHOOK": "http://x"}, "TOCSIN_ALARM_WEBHOOK"),
        ({"TOCSIN_ALRAM_MAIL": "typo@hospital.test"}, "TOCSIN_ALRAM_MAIL"),
        ({"TOCSIN_KAFKA_HEARTBEAT_MS": "9000"}, "TOCSIN_KAFKA_HEARTBEAT_MS"),
    ],
)
def test_each_unsafe_value_is_refused_by_name(changes: dict[str, str], named: str) -> None:
    problems = problems_of(changes)
    assert [problem.split(":")[0] for problem in problems] == [named]


OIDC = {
    "TOCSIN_AUTH": "oidc",
    "TOCSIN_OIDC_ISSUER": "https://login.hospital.test/realms/trial",
    "TOCSIN_OIDC_CLIENT_ID": "tocsin",
    "TOCSIN_OIDC_CLIENT_SECRET": "x7Kq-made-up",
}


def test_a_provider_may_vouch_for_people() -> None:
    settings = Settings.load(SAFE | OIDC)
    options = options_of(settings)
    assert options is not None and not options.insecure
    assert options.redirect_uri == "https://safety.hospital.test/sign-in/callback"
    assert not settings.local_users
    assert "x7Kq-made-up" not in repr(settings) + repr(options)
    assert options_of(Settings.load(SAFE)) is None


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"TOCSIN_OIDC_ISSUER": "http://login.hospital.test"}, "TOCSIN_OIDC_ISSUER"),
        ({"TOCSIN_OIDC_ISSUER": "http://127.0.0.1:8180/realms/x"}, "TOCSIN_OIDC_ISSUER"),
        ({"TOCSIN_OIDC_ISSUER": "login.hospital.test"}, "TOCSIN_OIDC_ISSUER"),
        ({"TOCSIN_OIDC_ISSUER": ""}, "TOCSIN_OIDC_ISSUER"),
        ({"TOCSIN_OIDC_CLIENT_ID": ""}, "TOCSIN_OIDC_CLIENT_ID"),
        ({"TOCSIN_OIDC_CLIENT_SECRET": ""}, "TOCSIN_OIDC_CLIENT_SECRET"),
        ({"TOCSIN_OIDC_AUDIENCE": "tocsin"}, "TOCSIN_OIDC_AUDIENCE"),
        ({"TOCSIN_OIDC_SCOPE": "profile"}, "TOCSIN_OIDC_SCOPE"),
        ({"TOCSIN_OIDC_SKEW_S": "600"}, "TOCSIN_OIDC_SKEW_S"),
        ({"TOCSIN_AUTH": "local"}, "TOCSIN_OIDC_ISSUER"),
    ],
)
def test_a_provider_that_cannot_be_trusted_is_refused_by_name(changes: dict[str, str], named: str) -> None:
    assert [problem.split(":")[0] for problem in problems_of(OIDC | changes)] == [named]


def test_local_users_beside_a_provider_only_when_asked_for() -> None:
    rehearsal = SAFE | OIDC | {"TOCSIN_BASE_URL": "http://127.0.0.1:8080", "TOCSIN_DEMO": "1"}
    with pytest.raises(UnsafeSettings) as caught:
        Settings.load(rehearsal)
    assert [problem.split(":")[0] for problem in caught.value.problems] == ["TOCSIN_DEMO"]
    assert Settings.load(rehearsal | {"TOCSIN_LOCAL_USERS": "1"}).is_demo


def test_a_rehearsal_may_have_its_provider_on_this_machine(tmp_path: Path) -> None:
    here = OIDC | {"TOCSIN_OIDC_ISSUER": "http://127.0.0.1:8180/realms/tocsin"}
    assert Settings.load(SAFE | here | {"TOCSIN_BASE_URL": "http://127.0.0.1:8080"}).is_rehearsal
    embedded = Settings.load(here | {"TOCSIN_VAR": str(tmp_path)})
    assert not embedded.is_demo, "the demonstration's users have passwords"


def test_all_problems_are_told_together() -> None:
    told = " ".join(problems_of({}, without=("TOCSIN_KAFKA", "TOCSIN_AUDIT_KEY", "TOCSIN_ALARM_MAIL")))
    assert "TOCSIN_KAFKA" in told and "TOCSIN_AUDIT_KEY" in told and "TOCSIN_ALARM_MAIL" in told


def test_no_problem_quotes_a_secret() -> None:
    assert "hunter2hunter2" not in " ".join(problems_of({"TOCSIN_SECRET_KEY": "hunter2hunter2"}))


def test_a_rehearsal_on_this_machine_may_use_http_demo_and_failpoints() -> None:
    settings = Settings.load(
        SAFE
        | {
            "TOCSIN_BASE_URL": "http://127.0.0.1:8080",
            "TOCSIN_DEMO": "1",
            "TOCSIN_FAILPOINTS": "relay.after_send=kill@1",
        }
    )
    assert settings.is_rehearsal and settings.is_demo


def test_unreadable_values_are_named_too() -> None:
    with pytest.raises(UnsafeSettings) as caught:
        Settings.load({"PORT": "many", "TOCSIN_MODE": "cloud"})
    assert [problem.split(":")[0] for problem in caught.value.problems] == ["PORT", "TOCSIN_MODE"]


def test_embedded_makes_its_secrets_once_and_keeps_them_private(tmp_path: Path) -> None:
    first = Settings.load({"TOCSIN_VAR": str(tmp_path / "var"), "PORT": "8123"})
    again = Settings.load({"TOCSIN_VAR": str(tmp_path / "var")})
    assert first.signing_keys == again.signing_keys and first.audit_keys == again.audit_keys
    assert first.signing_keys != first.audit_keys
    assert stat.S_IMODE((tmp_path / "var" / "secrets.json").stat().st_mode) == 0o600
    assert first.base_url == "http://127.0.0.1:8123" and first.is_demo and first.illustrative_allowed
    assert first.database_url_of("ae_intake") == f"sqlite:///{tmp_path}/var/ae_intake.db"
    assert first.bus_settings("x").kafka_bootstrap == ""


def test_the_environment_wins_over_the_kept_secret(tmp_path: Path) -> None:
    given = Settings.load({"TOCSIN_VAR": str(tmp_path), "TOCSIN_AUDIT_KEY": SAFE["TOCSIN_AUDIT_KEY"]})
    assert given.audit_keys == (SAFE["TOCSIN_AUDIT_KEY"].encode(),)


def test_rotated_keys_come_after_the_current_one() -> None:
    settings = Settings.load(SAFE | {"TOCSIN_AUDIT_KEY_PREVIOUS": "old-1, old-2", "TOCSIN_SECRET_KEY_PREVIOUS": "old"})
    assert settings.audit_keys[1:] == (b"old-1", b"old-2")
    assert settings.signing_keys[1:] == (b"old",)


def test_secrets_do_not_show() -> None:
    shown = repr(Settings.load(SAFE | {"TOCSIN_AUDIT_KEY_PREVIOUS": "older-audit-key"}))
    assert SAFE["TOCSIN_AUDIT_KEY"] not in shown and "older-audit-key" not in shown and ":pw@" not in shown


def test_settings_are_frozen() -> None:
    with pytest.raises(Exception, match="frozen"):
        Settings.load(SAFE).port = 1


def test_every_setting_has_a_sentence_and_a_name() -> None:
    assert names()["port"] == "PORT" and names()["rules_dir"] == "TOCSIN_RULES_DIR"
    for name, field in Settings.model_fields.items():
        assert field.description and field.description.endswith((".", ")")), name
    assert unknown_names({"TOCSIN_REFERENCE": "x", "TOCSIN_VAR": "y", "PATH": "z"}) == set()
