"""A real Keycloak and the real embedded process: in, out, machines, and a signature that asks anew."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from deploy.dev.keycloak import MACHINE, DevKeycloak, fetch
from deploy.dev.ports import free_ports
from deploy.dev.process import ServerFailed, end
from tests.api.oidc_world import fields, hidden, link
from tests.api.world import at, serious
from tests.support.person import Person

pytestmark = pytest.mark.live
ROOT = Path(__file__).parents[2]


@dataclass
class Installed:
    url: str
    keycloak: DevKeycloak

    def person(self, user: str) -> Person:
        return Person(self.url, user, self.keycloak.password)

    def machine_token(self) -> str:
        body = {
            "grant_type": "client_credentials",
            "client_id": MACHINE,
            "client_secret": self.keycloak.machine_secret,
        }
        with httpx.Client(trust_env=False, timeout=30) as http:
            answer = http.post(f"{self.keycloak.issuer}/protocol/openid-connect/token", data=body)
        return answer.raise_for_status().json()["access_token"]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    if not shutil.which("java"):
        pytest.skip("Keycloak needs a Java runtime >= 17: install one")
    try:
        fetch()
    except ServerFailed as why:
        pytest.skip(str(why))
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    keycloak = DevKeycloak(tmp_path_factory.mktemp("keycloak"), base_url=url).start()
    var = tmp_path_factory.mktemp("var")
    ours = {name: value for name, value in os.environ.items() if not name.startswith("TOCSIN_")}
    environment = ours | keycloak.environment | {"PORT": str(port), "TOCSIN_VAR": str(var)}
    with (var / "run.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "services", "run"], cwd=ROOT, env=environment, stdout=log, stderr=log
        )
        try:
            until = time.monotonic() + 90
            while not _ready(url):
                assert process.poll() is None and time.monotonic() < until, (var / "run.log").read_text()[-2_000:]
                time.sleep(0.2)
            yield Installed(url, keycloak)
        finally:
            end(process, signal.SIGTERM, within_s=15)
            keycloak.stop()


def _ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=2, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def test_in_by_the_real_form_and_out_on_both_sides(installed: Installed) -> None:
    with installed.person("clinician") as person:
        form = person.asked("/sign-in/start?next=/report")
        wrong = person.proves(form, "not the password")
        assert wrong.status_code == 200 and "kc-form-login" in wrong.text
        back = person.proves(wrong)
        for _ in range(20):
            if back.status_code != 200:
                break
            # Against guessing, Keycloak refuses everybody by that name while it still counts the attempt before.
            time.sleep(0.5)
            back = person.proves(back)
        assert back.status_code == 302, back.text
        assert parse_qs(urlsplit(back.headers["location"]).query)["iss"]
        arrived = person.http.get(back.headers["location"])
        assert (arrived.status_code, arrived.headers["location"]) == (303, "/report")
        me = person.api("GET", "/api/v1/me")
        assert (me["user_id"], me["roles"], me["sites"]) == ("clinician", ["clinician"], ["VINMEC"])
        assert abs(datetime.now(UTC) - datetime.fromisoformat(me["auth_time"])) < timedelta(minutes=2)
        assert person.http.get("/report").status_code == 200

        known = person.asked()  # Keycloak still knows the person: no form
        assert known.status_code == 302 and "/sign-in/callback" in known.headers["location"]

        out = person.http.post("/sign-out")
        ended = person.http.get(link(out.text, installed.keycloak.issuer))
        assert ended.status_code == 302 and ended.headers["location"] == f"{installed.url}/sign-in"
        assert person.http.get("/api/v1/me").status_code == 401
        assert "kc-form-login" in person.asked().text


def test_somebody_without_a_role_is_told_whom_to_ask(installed: Installed) -> None:
    with installed.person("no-role") as person:
        answer = person.signs_in()
        assert answer.status_code == 403 and "no-role" in answer.text and "chưa có vai trò" in answer.text
        assert person.http.get("/api/v1/me").status_code == 401


def test_a_machine_comes_with_client_credentials(installed: Installed) -> None:
    token = installed.machine_token()
    with httpx.Client(base_url=installed.url, trust_env=False) as http:
        headers = {"Authorization": f"Bearer {token}"}
        me = http.get("/api/v1/me", headers=headers).raise_for_status().json()
        assert (me["user_id"], me["roles"]) == (MACHINE, ["system"])
        made = http.post("/api/v1/subjects", headers=headers, json={"subject_id": "VN01-801"})
        assert made.status_code == 201
        head, body, mac = token.split(".")
        spoilt = f"{head}.{body}.{mac[:-6]}AAAAAA"
        assert http.get("/api/v1/me", headers={"Authorization": f"Bearer {spoilt}"}).status_code == 401


def test_a_signature_asks_anew_although_the_provider_knows_the_person(installed: Installed) -> None:
    child = "VN01-802"
    with installed.person("investigator") as investigator:
        investigator.signs_in()
        investigator.api("POST", "/api/v1/subjects", json={"subject_id": child, "birth": at("2021-03")})
        infusion = {"subject_id": child, "kind": "bm_mnc_infusion", "infusion_number": 1}
        investigator.api("POST", "/api/v1/exposures", json=infusion | {"start": at("2026-03-10T09:00")})
        case_id = investigator.api("POST", "/api/v1/cases", json=serious(child))["case_id"]
    with installed.person("medical-monitor-1") as monitor:
        monitor.signs_in()
        path = f"/assessments/{case_id}"
        until = time.monotonic() + 30
        while (page := monitor.http.get(path)).status_code != 200:
            assert time.monotonic() < until, page.text
            time.sleep(0.3)
        form = {"version": hidden(page.text, "version"), "meaning": "Tôi đồng ý", "pair.0": hidden(page.text, "pair.0")}
        form |= {"accepted.0": "probable", "reason.0": "diễn biến phù hợp"}
        waits = monitor.http.post(f"{path}/sign", data=form)
        assert waits.status_code == 403, waits.text
        start = link(waits.text, "/sign-in/start")
        # The provider knows this person and asks all the same.
        assert monitor.asked("/sign-in/start").status_code == 302
        time.sleep(1.1)  # auth_time counts whole seconds
        asked = monitor.asked(start)
        assert asked.status_code == 200 and "password" in asked.text
        back = monitor.proves(asked)
        assert back.status_code == 302, back.text
        arrived = monitor.http.get(back.headers["location"])
        assert (arrived.status_code, arrived.headers.get("location")) == (303, "/sign-in/back"), arrived.text
        again = monitor.http.post("/sign-in/resume", data={"carried": hidden(waits.text, "carried")})
        signed = monitor.http.post(f"{path}/sign", data=fields(again.text))
        assert signed.status_code == 303, signed.text
        signature = monitor.api("GET", f"/api/v1/assessments/{case_id}")["assessment"]["signature"]
        assert signature["signed_by"] == "medical-monitor-1"
        # The proof was for that one signature: the next post is asked anew, and nothing waves it through.
        refused = monitor.http.post(f"{path}/sign", data=fields(again.text))
        assert refused.status_code in (403, 409, 412)
