"""Crash points do nothing unless armed, and exactly what was asked when they are."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from shared import failpoint


@pytest.fixture(autouse=True)
def _disarmed() -> Iterator[None]:
    yield
    failpoint.arm("")


def test_unarmed_does_nothing() -> None:
    failpoint.arm("")
    failpoint.hit("relay.after_send")


def test_fail_only_at_the_nth_hit() -> None:
    failpoint.arm("consume.before_commit=fail@2")
    failpoint.hit("consume.before_commit")
    with pytest.raises(failpoint.FailpointHit):
        failpoint.hit("consume.before_commit")
    failpoint.hit("consume.before_commit")
    failpoint.hit("consume.after_commit")


def test_sleep_blocks_the_caller() -> None:
    failpoint.arm("relay.before_mark=sleep:0.05")
    started = time.monotonic()
    failpoint.hit("relay.before_mark")
    assert time.monotonic() - started >= 0.05


def test_kill_is_a_real_kill() -> None:
    program = (
        "from shared import failpoint as f\nf.arm('intake.after_commit=kill@2')\n"
        "f.hit('intake.after_commit'); print('once', flush=True); f.hit('intake.after_commit'); print('never')"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ended.returncode == -9 and ended.stdout == "once\n"


@pytest.mark.parametrize("spec", ["relay.after_sent=kill", "relay.after_send", "relay.after_send=explode", "a=kill@0"])
def test_what_cannot_be_meant_is_refused(spec: str) -> None:
    with pytest.raises(ValueError, match="failpoint"):
        failpoint.arm(spec)


def test_an_unregistered_name_is_refused_when_armed() -> None:
    failpoint.arm("relay.after_send=sleep:0")
    with pytest.raises(ValueError, match=r"not in shared\.failpoint"):
        failpoint.hit("relay.somewhere")  # type: ignore[arg-type]
