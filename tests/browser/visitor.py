"""A person in front of a browser: signs in, presses keys, and looks whether anything spills over the edge."""

from __future__ import annotations

from typing import Any

import httpx
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 900}
ZONE = "Asia/Ho_Chi_Minh"


class Visitors:
    """`page("safety-officer-1")` is a signed-in page; `complaints` collects what the browsers' consoles said."""

    def __init__(self, browser: Browser, base_url: str) -> None:
        self._browser, self.base_url = browser, base_url
        self._contexts: list[BrowserContext] = []
        self.complaints: list[str] = []
        self.api = Api(base_url)

    def page(
        self,
        user: str,
        *,
        viewport: dict[str, int] = PHONE,
        language: str = "vi",
        zone: str = "Europe/Paris",
        scripts: bool = True,
    ) -> Page:
        page = self.blank(viewport=viewport, language=language, zone=zone, scripts=scripts)
        page.goto("/sign-in")
        page.fill("#f-username", user)
        page.fill("#f-password", f"tocsin-demo-{user}")
        page.keyboard.press("Enter")
        page.wait_for_url(lambda url: "/sign-in" not in url)
        return page

    def blank(
        self,
        *,
        viewport: dict[str, int] = PHONE,
        language: str = "vi",
        zone: str = "Europe/Paris",
        scripts: bool = True,
    ) -> Page:
        """A browser of somebody who has not signed in."""
        context = self._browser.new_context(
            viewport=viewport,  # type: ignore[arg-type]
            locale=language,
            timezone_id=zone,
            java_script_enabled=scripts,
            base_url=self.base_url,
        )
        self._contexts.append(context)
        page = context.new_page()
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        return page

    def _heard(self, message: ConsoleMessage) -> None:
        # A refused status is the browser's own remark about an answer that the test asked for.
        if message.type == "error" and "the server responded with a status of" not in message.text:
            self.complaints.append(message.text)

    def close(self) -> None:
        for context in self._contexts:
            context.close()
        self.api.close()


class Api:
    """What happens elsewhere while somebody looks at a page."""

    def __init__(self, base_url: str) -> None:
        self._http = httpx.Client(base_url=base_url, timeout=30)
        self._tokens: dict[str, str] = {}

    def ask(self, user: str, method: str, path: str, **how: Any) -> Any:
        return self._send(user, method, path, **how).json()

    def _send(self, user: str, method: str, path: str, **how: Any) -> httpx.Response:
        if user not in self._tokens:
            body = {"username": user, "password": f"tocsin-demo-{user}"}
            self._tokens[user] = self._http.post("/api/v1/sign-in", json=body).raise_for_status().json()["token"]
        headers = {"Authorization": f"Bearer {self._tokens[user]}"} | how.pop("headers", {})
        return self._http.request(method, path, headers=headers, **how).raise_for_status()

    def allocate(self, child: str, arm: str) -> None:
        """The answer is empty."""
        body = {"subject_id": child, "arm": arm}
        self._send("investigator", "POST", "/api/v1/allocations", json=body)

    def serious_case(self, child: str) -> tuple[str, str]:
        """(case id, case number) of meningitis 14 hours after an infusion."""
        self.ask("clinician", "POST", "/api/v1/subjects", json={"subject_id": child, "birth": moment("2021-03")})
        infusion = {
            "subject_id": child,
            "kind": "bm_mnc_infusion",
            "infusion_number": 1,
            "start": moment("2026-03-09T09:00"),
            "end": moment("2026-03-09T09:30"),
        }
        self.ask("clinician", "POST", "/api/v1/exposures", json=infusion)
        event = {
            "verbatim": {"text": "viêm màng não", "language": "vi"},
            "term_code": "10027199",
            "onset": moment("2026-03-09T23:30"),
            "grades": [{"grade": 4}],
            "seriousness": {"death": "no", "life_threatening": "yes", "hospitalisation": "yes"},
        }
        body = {
            "subject_id": child,
            "reporter_role": "clinician",
            "events": [event],
            "given": {"answer": "yes", "kinds": ["bm_mnc_infusion"]},
        }
        case = self.ask("clinician", "POST", "/api/v1/cases", json=body)
        return case["case_id"], case["case_number"]

    def close(self) -> None:
        self._http.close()


def moment(value: str) -> dict[str, str]:
    return {"value": value, "zone": ZONE}


def spills_over(page: Page) -> int:
    """Pixels by which the page is wider than the window; 0 is right."""
    return int(page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))


def tab_to(page: Page, selector: str, most: int = 150) -> None:
    """Press Tab until the element has the focus, as somebody without a mouse would."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate("(selector) => document.activeElement?.matches(selector) ?? false", selector):
            return
    raise AssertionError(f"{selector} cannot be reached with the Tab key")
