"""Under TOCSIN_REQUIRE_ALL=1 a skipped test is a failed test: CI must not be green because something did not run."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest

REQUIRE_ALL = "TOCSIN_REQUIRE_ALL"


def require_all() -> bool:
    return os.environ.get(REQUIRE_ALL, "") not in ("", "0")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A skip while running (also `pytest.mark.skip` and fixtures that skip); an expected failure is not a skip."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and require_all():
        report.outcome = "failed"
        report.longrepr = f"{REQUIRE_ALL} is set, but {item.nodeid} was skipped: {_reason(report.longrepr)}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A whole module that skips itself while it is imported."""
    report = yield
    if report.outcome == "skipped" and require_all():
        report.outcome = "failed"
        report.longrepr = f"{REQUIRE_ALL} is set, but {collector.nodeid} was skipped: {_reason(report.longrepr)}"
    return report


def _reason(said: object) -> str:
    return str(said[2]) if isinstance(said, tuple) else str(said)
