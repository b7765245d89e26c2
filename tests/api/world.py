"""The embedded application answering without a socket, a background loop or a wall clock: the routes as people and machines meet them.

`drain()` relays and applies until nothing moves; `hand_over()` makes every call that is due. Files are copied from a
template that was migrated once.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any
from unittest import mock

import httpx
import structlog
from fastapi import FastAPI

from services import embedded
from services.sae_notifier.dispatch import Dispatcher
from services.sae_notifier.handlers import Notifier
from services.sae_notifier.handlers.law import Laws, load_law
from shared.auth.demo import DEMO_USERS
from shared.auth.users import Users
from shared.bus.breaker import Breaker
from shared.bus.wake import Wake
from shared.clock import ManualClock
from shared.settings import Settings
from shared.telemetry import configure_logging
from tests.support.memory_log import MemoryLog, Quiet
from tests.support.ram import kept_in_ram, made_in_ram
from tests.support.read_once import read_once
from tests.support.world import Taker

START = datetime(2026, 3, 10, 20, 0, tzinfo=UTC)
"""A Wednesday, 03:00 in Hanoi."""
ZONE = "Asia/Ho_Chi_Minh"
sys.modules.setdefault("sniffio", None)  # type: ignore[arg-type]
# httpx asks Trio's sniffio before every answer of an application: not installed, it was looked for on the disk each time.
ELSEWHERE = "clinician-elsewhere"
"""A clinician of a site that has no child here."""
ROLE_USERS: dict[str, str] = {one.role: one.user_id for one in reversed(DEMO_USERS)}
"""Role -> a user who has that role and no other."""


def _application(settings: Settings, clock: ManualClock, log: MemoryLog) -> FastAPI:
    with mock.patch("shared.compose.make_bus", return_value=log), read_once():
        return embedded.create_app(settings, clock)


def _shut(app: FastAPI) -> None:
    for one in app.state.runtimes.values():
        one.db.close()
    users: Users = app.state.auth.users
    users._db.close()


_TEMPLATES: dict[tuple[str, str], Path] = {}


def _template(environ: Mapping[str, str]) -> Path:
    """The template of this trial file; where a copy of the file stands is no part of what it says."""
    named = {name: environ[name] for name in ("TOCSIN_TRIAL",) if name in environ}
    trial = Path(named.get("TOCSIN_TRIAL") or Settings().trial)
    said = (trial.name, trial.read_text(encoding="utf-8"))
    if said not in _TEMPLATES:
        _TEMPLATES[said] = _made(named)
    return _TEMPLATES[said]


def _made(named: Mapping[str, str]) -> Path:
    """Migrated databases with every demonstration user and one clinician of another site, under the law of one trial file."""
    var = kept_in_ram("tocsin-api-template-")
    app = _application(Settings.load({"TOCSIN_VAR": str(var), **named}), ManualClock(START), MemoryLog())
    app.state.auth.users.add(
        ELSEWHERE, "Clinician elsewhere", f"tocsin-demo-{ELSEWHERE}", ["clinician"], now=START, sites=["ELSEWHERE"]
    )
    _shut(app)
    return var


class ApiWorld:
    """One installation. `as_` gives the headers of a signed-in user; children are told apart by `child()`."""

    left_out: tuple[str, ...] = ()
    """Files of the template that this kind of installation makes anew."""

    def __init__(self, *, at: datetime = START, **environ: str) -> None:
        self.var = made_in_ram("tocsin-api-")
        for path in _template(environ).iterdir():
            if path.suffix in (".db", ".json") and path.name not in self.left_out:
                shutil.copy(path, self.var)
        self._logging = json_logs()
        self.logs = self._logging.__enter__()
        """Every line the process would have written."""
        self.clock = ManualClock(at)
        self.log = MemoryLog()
        self.mail, self.hooks = Taker(), Taker()
        self.loop = asyncio.new_event_loop()
        self._tokens: dict[str, tuple[str, datetime]] = {}
        self._children = 100
        self._open(environ)

    def _open(self, environ: Mapping[str, str]) -> None:
        self.settings = Settings.load({"TOCSIN_VAR": str(self.var), **environ})
        self.app = _application(self.settings, self.clock, self.log)
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self.app, client=("192.0.2.1", 1)), base_url=self.settings.base_url
        )
        for one in self.app.state.runtimes.values():
            one.relay._sealed_at = math.inf
            one.guard.be("open")  # nothing compares with the log where no loop runs
            one.worker.breaker = Breaker(consecutive=10**9, ratio=2.0)
        run = self.app.state.runtimes["sae_notifier"]
        with read_once():
            laws = Laws(load_law(self.settings, run.trial))
        notifier = Notifier(run.trial, laws, run.audit, Wake(), Wake())
        channels = {"mail": self.mail, "webhook": self.hooks}
        self.dispatcher = Dispatcher(
            run.db, notifier, self.clock, channels, self.settings.base_url, lambda kind, place: None
        )

    def restart(self, **environ: str) -> None:
        """The process ends and another begins on the same data, perhaps with other settings."""
        self.loop.run_until_complete(self.http.aclose())
        _shut(self.app)
        (self.var / "tocsin.lock").unlink(missing_ok=True)  # what ends with the process
        self._open(environ)

    def close(self) -> None:
        self.loop.run_until_complete(self.http.aclose())
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()
        _shut(self.app)
        shutil.rmtree(self.var, ignore_errors=True)
        self._logging.__exit__(None, None, None)

    # Asking ------------------------------------------------------------------------------------------------------

    def as_(self, user_id: str) -> dict[str, str]:
        """The headers of a signed-in user; signs in anew when the token has ended."""
        token, ends = self._tokens.get(user_id, ("", self.clock.now()))
        if ends <= self.clock.now():
            _, token, ends = self.app.state.auth.sign_in(user_id, f"tocsin-demo-{user_id}", "192.0.2.1")
            self._tokens[user_id] = token, ends
        return {"Authorization": f"Bearer {token}"}

    def ask(
        self, method: str, path: str, user: str | None = None, *, headers: Mapping[str, str] | None = None, **how: Any
    ) -> httpx.Response:
        given = dict(self.as_(user) if user else {}) | dict(headers or {})
        return self.loop.run_until_complete(self.http.request(method, path, headers=given, **how))

    def get(self, path: str, user: str | None = None, **how: Any) -> httpx.Response:
        return self.ask("GET", path, user, **how)

    def post(self, path: str, user: str | None = None, **how: Any) -> httpx.Response:
        return self.ask("POST", path, user, **how)

    def patch(self, path: str, user: str | None = None, **how: Any) -> httpx.Response:
        return self.ask("PATCH", path, user, **how)

    # What stands there before a test -----------------------------------------------------------------------------

    def child(self, *, recorded: bool = True) -> str:
        """A code of the site that nobody has used yet."""
        self._children += 1
        code = f"VN01-{self._children}"
        if recorded:
            made = self.post("/api/v1/subjects", "clinician", json={"subject_id": code, "birth": at("2021-03")})
            assert made.status_code == 201, made.text
        return code

    def infusion(self, child: str, start: str = "2026-03-10T09:00", end: str = "2026-03-10T09:30") -> str:
        body = {
            "subject_id": child,
            "kind": "bm_mnc_infusion",
            "start": at(start),
            "end": at(end),
            "infusion_number": 1,
        }
        made = self.post("/api/v1/exposures", "clinician", json=body)
        assert made.status_code == 201, made.text
        return made.json()["exposure_id"]

    def case(self, child: str, user: str = "clinician", **changes: Any) -> dict[str, Any]:
        """A serious case, reported; the answer."""
        made = self.post("/api/v1/cases", user, json=serious(child) | changes)
        assert made.status_code == 201, made.text
        return made.json()

    # Data moves --------------------------------------------------------------------------------------------------

    def drain(self) -> None:
        """Relay and apply until nothing moves."""
        for _ in range(50):
            if not sum(self.loop.run_until_complete(one.relay.once()) for one in self.app.state.runtimes.values()):
                return
            for one in self.app.state.runtimes.values():
                self.loop.run_until_complete(_consumed(one.worker))
        raise AssertionError("the services answer each other without end")

    def hand_over(self) -> None:
        """Every call and mail that is due now."""

        async def run() -> None:
            while await self.dispatcher.hand_over_due():
                pass

        self.loop.run_until_complete(run())

    def db(self, service: str) -> Any:
        return self.app.state.runtimes[service].db


async def _consumed(worker: Any) -> None:
    Quiet.stop = asyncio.Event()
    await worker.loop(Quiet.stop)


def at(value: str, zone: str = ZONE) -> dict[str, str]:
    """A time as the API takes it."""
    return {"value": value, "zone": zone}


def serious(child: str | None) -> dict[str, Any]:
    """Meningitis after an infusion, told at 2 am."""
    body: dict[str, Any] = {
        "reporter_role": "clinician",
        "events": [
            {
                "verbatim": {"text": "Sốt cao, cứng gáy", "language": "vi"},
                "term_code": "10027199",
                "onset": at("2026-03-10T23:30"),
                "grades": [{"grade": 4}],
                "seriousness": {"death": "no", "life_threatening": "yes", "hospitalisation": "yes"},
            }
        ],
        "given": {"answer": "yes", "kinds": ["bm_mnc_infusion"]},
        "site_aware": at("2026-03-11T02:00"),
    }
    return body | ({"subject_id": child} if child else {})


@contextmanager
def json_logs(*, level: str = "info") -> Iterator[StringIO]:
    """What the process would write to its log, as it is configured when served."""
    root, written = logging.getLogger(), StringIO()
    before = root.handlers[:], root.level, structlog.get_config()
    configure_logging("tocsin", level=level, stream=written)
    try:
        yield written
    finally:
        root.handlers[:], root.level = before[0], before[1]
        structlog.configure(**before[2])


def everything_that_lasts(world: ApiWorld) -> Iterator[tuple[str, str]]:
    """(where, text) of every record on the log."""
    for delivery in world.log.all():
        yield delivery.topic, delivery.value.decode() + json.dumps([[n, v.decode()] for n, v in delivery.headers])
