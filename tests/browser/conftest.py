"""One embedded Tocsin as `make run` starts it, and a real Chromium in front of it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, sync_playwright

from deploy.dev.ports import free_ports
from deploy.dev.process import end
from tests.browser.visitor import Visitors
from tests.support.provider import TestProvider

ROOT = Path(__file__).parents[2]
UP_WITHIN_S = 90.0


@pytest.fixture(scope="session")
def base_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running installation with an empty database."""
    with running(tmp_path_factory.mktemp("browser-var"), {}) as url:
        yield url


@pytest.fixture(scope="session")
def vouched_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, TestProvider]]:
    """The same with people from a provider, which to the browser is another site; demonstration users stand beside."""
    provider = TestProvider.start()
    both = {"TOCSIN_LOCAL_USERS": "1", "TOCSIN_DEMO": "1"}
    elsewhere = {"TOCSIN_OIDC_ISSUER": provider.issuer.replace("127.0.0.1", "localhost")}
    with running(tmp_path_factory.mktemp("vouched-var"), provider.environment | both | elsewhere) as url:
        yield url, provider
    provider.stop()


@contextmanager
def running(var: Path, more: dict[str, str]) -> Iterator[str]:
    (port,) = free_ports(1)
    ours = {name: value for name, value in os.environ.items() if not name.startswith("TOCSIN_")}
    environment = ours | {"PORT": str(port), "TOCSIN_VAR": str(var), "TOCSIN_HISTORY": "0"} | more
    url = f"http://127.0.0.1:{port}"
    with (var / "run.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "services", "run"], cwd=ROOT, env=environment, stdout=log, stderr=log
        )
        try:
            deadline = time.monotonic() + UP_WITHIN_S
            while not _ready(url):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"it did not start: {(var / 'run.log').read_text()[-2000:]}")
                time.sleep(0.2)
            yield url
        finally:
            end(process, signal.SIGTERM, within_s=15)


def _ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The system's Chromium; without one these tests are skipped, which CI does not allow."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no Chromium on this machine: install one")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def visitors(chromium: Browser, base_url: str) -> Iterator[Visitors]:
    """Signed-in browsers; afterwards no page may have complained (a broken script, a refused style)."""
    made = Visitors(chromium, base_url)
    yield made
    made.close()
    assert not made.complaints, made.complaints
