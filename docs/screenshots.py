"""The README's pictures, from a running instance: `make screenshots` tells the case of examples/meningitis and looks at it.

The instance is of its own: a free port, an empty folder, and it ends with the script. Chromium comes from the system.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

from playwright.sync_api import Browser, Page, sync_playwright

from deploy.dev.ports import LOOPBACK, free_ports
from services.demo.filing import Filing
from services.demo.night import CHILD, REPORT, instant, night
from services.demo.people import PASSWORDS, NotAsTold, People, until
from services.demo.sending import Sending
from services.demo.words import Say
from shared import runtime
from shared.clock import SystemClock
from shared.settings import ROOT, Settings

IMAGES = ROOT / "docs" / "images"
PHONE, SCREEN = (390, 844), (1280, 900)
START_S = 120.0
INFUSION = "h3:has-text('BM MNC infusion')"
CLINICIAN, INVESTIGATOR, OFFICER, MONITOR = "clinician", "investigator", "safety-officer-1", "medical-monitor-1"


@contextlib.contextmanager
def instance(folder: Path) -> Iterator[People]:
    """An embedded instance without history, ready."""
    (port,) = free_ports(1)
    ours = {name: value for name, value in os.environ.items() if not name.startswith("TOCSIN_")}
    environment = ours | {"PORT": str(port), "TOCSIN_VAR": str(folder), "TOCSIN_HISTORY": "0"}
    server = subprocess.Popen([sys.executable, "-m", "services", "run"], cwd=ROOT, env=environment, stdout=sys.stderr)
    people = People(f"http://{LOOPBACK}:{port}")
    try:
        until(lambda: _ready(people, server), START_S, "instance")
        yield people
    finally:
        people.close()
        server.terminate()
        server.wait(20)


def _ready(people: People, server: subprocess.Popen[bytes]) -> bool:
    if server.poll() is not None:
        raise NotAsTold(f"the instance ended with {server.returncode}")
    try:
        people.knock()
    except NotAsTold:
        time.sleep(0.3)
        return False
    return True


class Story:
    """The case, as far as it has been told."""

    def __init__(self, people: People) -> None:
        self.people, self.clock = people, SystemClock()
        self.trial = runtime.load_trial(Settings.load({}))
        self.sending = Sending(people, "screenshots")
        self.before, self.report, *self.news = night(CHILD, self.clock.now())
        self.case: dict[str, Any] = {}

    def reported(self) -> None:
        self.case = self.sending.send(CLINICIAN, self.report.requests[0])
        self.sending.learn_events(CLINICIAN, REPORT)
        until(self._called, 30, "alert")
        until(self.duties, 30, "duty")

    def became_known(self) -> None:
        for step in self.news:
            for request in step.requests:
                self.sending.send(INVESTIGATOR, request)
        version = self.sending.version(REPORT)
        until(lambda: self._assessed(version), 60, "assessment")

    def signed(self) -> None:
        assessment = self.people.get(MONITOR, f"/api/v1/assessments/{self.case['case_id']}")["assessment"]
        meaning = {"meaning": "I agree with this assessment", "password": PASSWORDS[MONITOR], "decisions": []}
        self.people.post(
            MONITOR, f"/api/v1/assessments/{self.case['case_id']}/sign", meaning | {"version": assessment["version"]}
        )

    def confirmed(self) -> None:
        for alert in self.people.get(OFFICER, f"/api/v1/alerts?case_id={self.case['case_id']}&state=open")["alerts"]:
            self.people.post(OFFICER, f"/api/v1/alerts/{alert['alert_id']}/confirm", {"note": "I am on it"})

    def filed(self, *recipients: str) -> None:
        """Told and received, as the demonstration does it; the others are still owed."""
        from rich.console import Console

        say = Say(Console(stderr=True), "en", self.trial.desk_zone)
        filing = Filing(self.people, self.trial, say, self.clock, OFFICER)
        for duty in self.duties():
            if duty["recipient"] in recipients and duty["state"] == "open":
                filing.fulfil(duty, self.sending.version(REPORT))

    def duties(self) -> list[dict[str, Any]]:
        path = f"/api/v1/obligations?case_id={self.case['case_id']}"
        found: list[dict[str, Any]] = self.people.get(OFFICER, path)["obligations"]
        return found

    def _called(self) -> bool:
        alerts = self.people.get(OFFICER, f"/api/v1/alerts?case_id={self.case['case_id']}")["alerts"]
        return any(call["state"] == "sent" for alert in alerts for call in alert["calls"])

    def _assessed(self, version: int) -> bool:
        found = self.people.get(MONITOR, f"/api/v1/assessments/{self.case['case_id']}")
        return found["assessment"]["case_version"] == version and found["status"] == "proposed"


def page_of(browser: Browser, base_url: str, user: str, size: tuple[int, int], locale: str) -> Page:
    """A page with this person signed in."""
    width, height = size
    context = browser.new_context(
        base_url=base_url,
        viewport={"width": width, "height": height},
        locale=locale,
        timezone_id="Asia/Ho_Chi_Minh",
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.goto("/sign-in")
    page.fill('input[name="username"]', user)
    page.fill('input[name="password"]', PASSWORDS[user])
    page.locator('form[action="/sign-in"] button[type="submit"]').first.click()
    page.wait_for_url(lambda url: "/sign-in" not in url)
    return page


def fill(page: Page, body: dict[str, Any]) -> None:
    """The six questions, as the clinician answers them."""
    event, zone = body["events"][0], ZoneInfo(body["site_aware"]["zone"])
    page.goto("/report")
    page.fill('input[name="child"]', body["subject_id"])
    page.fill('textarea[name="what"]', event["verbatim"]["text"])
    for name, moment in (("onset", event["onset"]), ("aware", body["site_aware"])):
        at = instant(moment).astimezone(zone)
        page.fill(f'input[name="{name}_date"]', f"{at:%Y-%m-%d}")
        page.fill(f'input[name="{name}_time"]', f"{at:%H:%M}")
    for criterion, answer in event["seriousness"].items():
        page.check(f'input[name="bad_{criterion}"][value="{answer}"]')
    page.check(f'input[name="given"][value="{body["given"]["answer"]}"]')
    for kind in body["given"]["kinds"]:
        page.check(f'input[name="given_kinds"][value="{kind}"]')
    page.fill('textarea[name="given_text"]', body["given"]["text"]["text"])


def take(page: Page, name: str, path: str = "", *, most: int, begin: str = "") -> None:
    """`most` pixels from the top of the page, or from just above the first element that `begin` selects."""
    if path:
        page.goto(path)
    page.wait_for_load_state("load")
    page.wait_for_timeout(1_500)  # fragments of the other services
    page.evaluate("document.activeElement && document.activeElement.blur(); window.scrollTo(0, 0)")
    top = 0.0
    if begin:
        box = page.locator(begin).first.bounding_box()
        if box is None:
            raise NotAsTold(f"{name}: the page shows no {begin}")
        top = max(0.0, box["y"] - 24)
    size = page.viewport_size or {"width": 0}
    height = min(most, int(page.evaluate("document.documentElement.scrollHeight") - top))
    page.screenshot(
        path=str(IMAGES / f"{name}.png"),
        full_page=True,
        clip={"x": 0, "y": top, "width": size["width"], "height": height},
    )


def main() -> None:
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        sys.exit("no Chromium on this machine: install the system's package")
    IMAGES.mkdir(exist_ok=True)
    with TemporaryDirectory() as var, instance(Path(var) / "var") as people, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        story, base = Story(people), people.base_url
        for request in story.before.requests:
            story.sending.send(CLINICIAN, request)
        phone = page_of(browser, base, CLINICIAN, PHONE, "vi-VN")
        fill(phone, story.report.requests[0].body)
        take(phone, "phone", most=1_430)
        story.reported()
        case_id = story.case["case_id"]
        take(phone, "receipt", f"/report/{case_id}/receipt", most=1_430)
        desk = page_of(browser, base, OFFICER, SCREEN, "en")
        take(desk, "desk", "/desk", most=960)
        story.confirmed()
        story.became_known()
        monitor = page_of(browser, base, MONITOR, SCREEN, "en")
        monitor.goto(f"/assessments/{case_id}")
        infusion = monitor.locator(INFUSION)
        monitor.locator(f"{INFUSION} ~ details summary").first.click()
        infusion.scroll_into_view_if_needed()
        take(monitor, "assessment", most=1_000, begin=INFUSION)
        story.signed()
        story.filed("necbr", "sponsor", "iec")
        take(desk, "case", f"/cases/{case_id}#course", most=860, begin=".part:has(#course)")
        take(desk, "ledger", f"/ledger?case={story.case['case_number']}", most=1_000)
        browser.close()
    for file in sorted(IMAGES.glob("*.png")):
        sys.stdout.write(f"{file.relative_to(ROOT)}: {file.stat().st_size:,} bytes\n")


if __name__ == "__main__":
    main()
