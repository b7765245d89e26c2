"""Every setting, read once at start from the environment; frozen, and refusing what would be unsafe in production.

`Settings.load()` raises `UnsafeSettings` with *all* problems at once. Embedded mode makes its own secrets, once, in
`TOCSIN_VAR/secrets.json` (mode 0600). A rehearsal (`TOCSIN_BASE_URL` on this machine) may run production over http.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from shared import failpoint, own_secrets
from shared.bus.port import BusSettings
from shared.endpoints import Endpoint
from shared.endpoints import parse as parse_endpoints

ROOT = Path(__file__).resolve().parent.parent
MIN_SECRET_BYTES = 32
SECRETS = ("secret_key", "audit_key", "webhook_secret")
"""What an embedded installation makes for itself."""
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_WEAK = ("change", "secret", "default", "example", "password")


class UnsafeSettings(Exception):
    """What is wrong, one sentence per problem, each naming the variable and the remedy."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("the settings cannot be used:\n" + "\n".join(f"  - {problem}" for problem in problems))
        self.problems = problems


class Settings(BaseSettings):
    """Names below are the environment's, with `TOCSIN_` before them (except PORT)."""

    model_config = SettingsConfigDict(env_prefix="TOCSIN_", frozen=True, extra="ignore", env_ignore_empty=True)

    port: int = Field(
        default=8000, validation_alias="PORT", ge=1, le=65535, description="TCP port the HTTP server listens on."
    )
    host: str = Field(default="127.0.0.1", description="Address the HTTP server binds; 0.0.0.0 inside a container.")
    trusted_proxies: str = Field(
        default="127.0.0.1", description="Addresses whose X-Forwarded-For and -Proto are believed, separated by commas."
    )
    mode: Literal["embedded", "production"] = Field(
        default="embedded",
        description="embedded: all services in one process, SQLite, local log. production: PostgreSQL and Kafka.",
    )
    var: Path = Field(
        default=Path("var"),
        description="Directory of everything embedded mode keeps: databases, log, secrets, documents.",
    )
    base_url: str = Field(
        default="", description="Address people and mails use; default http://127.0.0.1:PORT when embedded."
    )
    database_url: SecretStr = Field(
        default=SecretStr(""), description="postgresql+psycopg://… of the production database (a schema per service)."
    )
    kafka: str = Field(
        default="", description="Kafka bootstrap servers, host:port separated by commas; empty uses the local log."
    )
    kafka_replication: int = Field(
        default=1, ge=1, description="Replication factor used when the topics have to be created."
    )
    kafka_session_timeout_ms: int = Field(
        default=10_000, ge=1_000, description="Milliseconds after which a silent consumer loses its partitions."
    )
    kafka_heartbeat_ms: int = Field(default=1_000, ge=100, description="Milliseconds between a consumer's heartbeats.")
    kafka_max_request_bytes: int = Field(
        default=4_000_000, ge=1_100_000, description="Largest request to the broker, in bytes."
    )
    trial: Path = Field(default=ROOT / "deploy/trials/vinmec-cp-bmmnc.yaml", description="The trial file.")
    rules_dir: Path = Field(default=ROOT / "deploy/rules", description="Directory of the authorities' rules.")
    calendars_dir: Path = Field(default=ROOT / "deploy/calendars", description="Directory of the holiday overrides.")
    e2b_schemas: Path | None = Field(
        default=None,
        description="Directory of the official E2B(R3) schemas (coreschemas, multicacheschemas). Default: e2b-schemas under TOCSIN_VAR.",
    )
    e2b_schemas_url: str = Field(
        default="https://codeload.github.com/QVIS-safety/e2br3/zip/698f907f3abe6a555594931ace82e9fbcb9c204d",
        description="Where `tocsin e2b fetch-schemas` gets the ICH schema files: a zip that holds them; each file is verified by SHA-256.",
    )
    endpoints: SecretStr = Field(
        default=SecretStr(""),
        description="JSON: endpoint name of the trial file -> address, answers, token of a recipient's computer.",
    )
    secret_key: SecretStr = Field(
        default=SecretStr(""), description="Signs sign-ins and kept forms; at least 32 random bytes as text."
    )
    secret_key_previous: SecretStr = Field(
        default=SecretStr(""), description="The secret key before the last rotation; still accepted, never used."
    )
    audit_key: SecretStr = Field(
        default=SecretStr(""),
        description="Chains and seals the audit trail; kept outside the database and its backups.",
    )
    audit_key_previous: str = Field(
        default="",
        description="Earlier audit keys, separated by commas, so that older entries still verify.",
        repr=False,
    )
    smtp_url: str = Field(
        default="smtp://127.0.0.1:1025",
        description="Mail server: smtp://, or smtp+starttls:// with user:password@host:port.",
        repr=False,
    )
    smtp_from: str = Field(default="tocsin@example.org", description="Sender of alerts, reports and alarms.")
    webhook_secret: SecretStr = Field(
        default=SecretStr(""), description="Signs alert and alarm webhooks (HMAC-SHA256)."
    )
    alarm_mail: str = Field(default="", description="Mail address of the bell of last resort.")
    alarm_webhook: str = Field(default="", description="Address of the bell of last resort's webhook.")
    auth: Literal["local", "oidc"] = Field(
        default="local", description="Where people come from: users of this installation, or an OpenID provider."
    )
    local_users: bool = Field(
        default=False, description="1: passwords of this installation are taken beside the provider (emergencies)."
    )
    oidc_issuer: str = Field(
        default="", description="The provider's issuer, letter for letter as its discovery names it."
    )
    oidc_client_id: str = Field(default="", description="The client id that the provider gave this installation.")
    oidc_client_secret: SecretStr = Field(default=SecretStr(""), description="The client secret that belongs to it.")
    oidc_audience: str = Field(
        default="",
        description="Audience of machines' access tokens; another than the client id. Empty: none are taken.",
    )
    oidc_scope: str = Field(default="openid profile", description="Scopes that are asked for; openid is one of them.")
    oidc_user_claim: str = Field(
        default="preferred_username", description="Claim with the user name, the id that the trail and the roster use."
    )
    oidc_roles_claim: str = Field(
        default="roles", description="Claim with the roles; a path such as realm_access.roles may be given."
    )
    oidc_sites_claim: str = Field(
        default="sites", description="Claim with the site ids of the trial; a path may be given."
    )
    oidc_role_prefix: str = Field(
        default="", description="What stands before a role's name at the provider, such as tocsin- in tocsin-clinician."
    )
    oidc_skew_s: int = Field(
        default=30, ge=0, le=60, description="Seconds by which the provider's clock and ours may differ."
    )
    oidc_whom_to_ask: str = Field(
        default="", description="Whom somebody without a role should ask: an office or address, shown on that page."
    )
    session_hours: float = Field(
        default=12.0, gt=0, le=72, description="Hours a sign-in lasts; a signature asks again anyway."
    )
    demo: bool | None = Field(
        default=None, description="1: demonstration users and history. Default: on in embedded mode, off in production."
    )
    history: bool = Field(
        default=True, description="0: embedded mode loads no demonstration history into an empty database."
    )
    allow_illustrative: bool = Field(
        default=False,
        description="1: production accepts safety information or a charter marked ILLUSTRATIVE (rehearsals only).",
    )
    failpoints: str = Field(
        default="", description="Armed crash points for chaos tests, such as relay.after_send=kill@3."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severe log level that is written."
    )
    max_body_bytes: int = Field(
        default=12_000_000, ge=100_000, description="Largest HTTP request body, in bytes (attached proofs included)."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what `load` hands over: nothing is read behind its back."""
        return (init_settings,)

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the environment, complete it for embedded mode, and refuse what is unsafe. Raises UnsafeSettings."""
        environ = os.environ if environ is None else environ
        given = {key: environ[name] for key, name in names().items() if environ.get(name, "") != ""}
        values = {("PORT" if key == "port" else key): value for key, value in given.items()}
        try:
            settings = cls(**values)  # type: ignore[arg-type]
        except ValidationError as error:
            raise UnsafeSettings([_sentence(problem["loc"], problem["msg"]) for problem in error.errors()]) from None
        completed: dict[str, object] = {"base_url": settings.base_url.rstrip("/")}
        if settings.mode == "embedded":
            completed["base_url"] = completed["base_url"] or f"http://127.0.0.1:{settings.port}"
            completed |= _own_secrets(settings)
        settings = settings.model_copy(update=completed)
        problems = settings.problems()
        if settings.mode == "production":
            problems += [f"{name}: no such setting" for name in sorted(unknown_names(environ))]
        if problems:
            raise UnsafeSettings(problems)
        return settings

    @property
    def e2b_schemas_dir(self) -> Path:
        return self.e2b_schemas or self.var / "e2b-schemas"

    @property
    def is_demo(self) -> bool:
        return (self.mode == "embedded" and self.auth == "local") if self.demo is None else self.demo

    @property
    def is_rehearsal(self) -> bool:
        """The base URL is this machine: nobody else can be using it, so http, demo users and failpoints are allowed."""
        return (urlsplit(self.base_url).hostname or "") in _LOOPBACK

    @property
    def is_https(self) -> bool:
        return self.base_url.startswith("https://")

    @property
    def illustrative_allowed(self) -> bool:
        return self.mode == "embedded" or self.allow_illustrative

    @property
    def signing_keys(self) -> tuple[bytes, ...]:
        """The key that signs sign-ins, then the one before it."""
        return _keys(self.secret_key.get_secret_value(), self.secret_key_previous.get_secret_value())

    @property
    def audit_keys(self) -> tuple[bytes, ...]:
        """The key that chains the audit trail, then earlier ones."""
        return _keys(self.audit_key.get_secret_value(), *self.audit_key_previous.split(","))

    @property
    def endpoints_by_name(self) -> dict[str, Endpoint]:
        return parse_endpoints(self.endpoints.get_secret_value())

    @property
    def webhook_key(self) -> bytes:
        return self.webhook_secret.get_secret_value().encode()

    def database_url_of(self, schema: str) -> str:
        """The URL for `Database(url, schema)`: a file under `var` per service, or the production database."""
        if self.mode == "embedded":
            return f"sqlite:///{self.var / (schema + '.db')}"
        return self.database_url.get_secret_value()

    def bus_settings(self, client_id: str) -> BusSettings:
        return BusSettings(
            local_path=str(self.var / "bus.db"),
            kafka_bootstrap=self.kafka if self.mode == "production" else "",
            client_id=client_id,
            session_timeout_ms=self.kafka_session_timeout_ms,
            heartbeat_interval_ms=self.kafka_heartbeat_ms,
            replication_factor=self.kafka_replication,
            max_request_size=self.kafka_max_request_bytes,
        )

    def problems(self) -> list[str]:
        """Everything that must be put right before a start, in words."""
        found: list[str] = []
        try:
            failpoint.parse(self.failpoints)
        except ValueError as error:
            found.append(f"TOCSIN_FAILPOINTS: {error}")
        try:
            parse_endpoints(self.endpoints.get_secret_value())
        except ValueError as error:
            found.append(f"TOCSIN_ENDPOINTS: {error}")
        if self.kafka_heartbeat_ms * 3 > self.kafka_session_timeout_ms:
            found.append("TOCSIN_KAFKA_HEARTBEAT_MS: must be at most a third of TOCSIN_KAFKA_SESSION_TIMEOUT_MS")
        if self.auth == "oidc":
            found += self._unusable_provider()
        elif self.oidc_issuer:
            found.append("TOCSIN_OIDC_ISSUER: has no effect without TOCSIN_AUTH=oidc; set that, or unset this")
        if self.mode == "production":
            found += self._unsafe_in_production()
        return found

    def _unusable_provider(self) -> list[str]:
        found: list[str] = []
        issuer = urlsplit(self.oidc_issuer)
        here = issuer.hostname in _LOOPBACK and (self.mode == "embedded" or self.is_rehearsal)
        if not issuer.hostname or issuer.query or issuer.fragment:
            found.append("TOCSIN_OIDC_ISSUER: set it to the provider's issuer, an https address")
        elif issuer.scheme != "https" and not (issuer.scheme == "http" and here):
            found.append("TOCSIN_OIDC_ISSUER: must be https (http only for a rehearsal on 127.0.0.1)")
        if not self.oidc_client_id:
            found.append("TOCSIN_OIDC_CLIENT_ID: set the client id that the provider gave this installation")
        if not self.oidc_client_secret.get_secret_value():
            found.append("TOCSIN_OIDC_CLIENT_SECRET: set the secret that the provider gave with the client id")
        if self.oidc_audience and self.oidc_audience == self.oidc_client_id:
            found.append(
                "TOCSIN_OIDC_AUDIENCE: must differ from TOCSIN_OIDC_CLIENT_ID, whose tokens are for signing in"
            )
        if "openid" not in self.oidc_scope.split():
            found.append("TOCSIN_OIDC_SCOPE: must contain openid")
        if self.demo and not self.local_users:
            found.append(
                "TOCSIN_DEMO: demonstration users have passwords, which TOCSIN_AUTH=oidc does not take; unset it"
            )
        return found

    def _unsafe_in_production(self) -> list[str]:
        found: list[str] = []
        database = self.database_url.get_secret_value()
        if database.startswith("sqlite"):
            found.append("TOCSIN_DATABASE_URL: SQLite cannot serve several processes; use postgresql+psycopg://…")
        elif not database.startswith("postgresql+psycopg://"):
            found.append("TOCSIN_DATABASE_URL: set it to postgresql+psycopg://user:password@host/database")
        if not self.kafka:
            found.append("TOCSIN_KAFKA: set it to the brokers, host:port,host:port")
        for name, value in (
            ("TOCSIN_SECRET_KEY", self.secret_key),
            ("TOCSIN_AUDIT_KEY", self.audit_key),
            ("TOCSIN_WEBHOOK_SECRET", self.webhook_secret),
        ):
            why = _weakness(value.get_secret_value())
            if why:
                found.append(f"{name}: {why}; make one with: openssl rand -base64 48")
        if self.signing_keys and self.signing_keys[:1] == self.audit_keys[:1]:
            found.append("TOCSIN_AUDIT_KEY: must differ from TOCSIN_SECRET_KEY")
        if not self.alarm_mail:
            found.append("TOCSIN_ALARM_MAIL: set the address that hears the bell of last resort")
        if not self.is_rehearsal:
            found += self._unsafe_in_public()
        return found

    def _readable_endpoints(self) -> list[Endpoint]:
        try:
            return list(self.endpoints_by_name.values())
        except ValueError:
            return []  # told already

    def _unsafe_in_public(self) -> list[str]:
        found: list[str] = []
        if not self.is_https:
            found.append("TOCSIN_BASE_URL: set the https address people use (http only for a rehearsal on 127.0.0.1)")
        if self.alarm_webhook and not self.alarm_webhook.startswith("https://"):
            found.append("TOCSIN_ALARM_WEBHOOK: must be https")
        if any(one.in_the_clear for one in self._readable_endpoints()):
            found.append("TOCSIN_ENDPOINTS: an http address sends reports in the clear; use https")
        if "example." in self.smtp_from:
            found.append("TOCSIN_SMTP_FROM: set the address that sends alerts")
        if self.demo:
            found.append("TOCSIN_DEMO: demonstration users have public passwords; unset it")
        if self.failpoints:
            found.append("TOCSIN_FAILPOINTS: crash points have no place in production; unset it")
        return found


def names() -> dict[str, str]:
    """Field name -> environment variable, for every setting."""
    return {name: "PORT" if name == "port" else f"TOCSIN_{name.upper()}" for name in Settings.model_fields}


def unknown_names(environ: Mapping[str, str]) -> set[str]:
    """TOCSIN_ variables that are no setting: most likely a misspelt one. TOCSIN_REFERENCE belongs to the tests."""
    return {name for name in environ if name.startswith("TOCSIN_")} - set(names().values()) - {"TOCSIN_REFERENCE"}


def _sentence(place: tuple[int | str, ...], message: str) -> str:
    field = str(place[0]) if place else ""
    return f"{'PORT' if field == 'PORT' else 'TOCSIN_' + field.upper()}: {message}"


def _keys(*texts: str) -> tuple[bytes, ...]:
    return tuple(text.strip().encode() for text in texts if text.strip())


def _weakness(secret: str) -> str | None:
    if not secret:
        return "is missing"
    if len(secret.encode()) < MIN_SECRET_BYTES:
        return f"is shorter than {MIN_SECRET_BYTES} bytes"
    if len(set(secret)) < 12 or any(word in secret.lower() for word in _WEAK):
        return "can be guessed"
    return None


def _own_secrets(settings: Settings) -> dict[str, object]:
    """The secrets of an embedded installation; what the environment sets wins."""
    try:
        kept = own_secrets.keep(settings.var, SECRETS)
    except own_secrets.UnreadableSecrets as error:
        raise UnsafeSettings([f"TOCSIN_VAR: {error}"]) from None
    return {name: SecretStr(kept[name]) for name in SECRETS if not getattr(settings, name).get_secret_value()}
