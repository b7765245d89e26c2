"""Stops a process inside an open transaction for three session timeouts, so that the others must go on without it."""

from __future__ import annotations

import time
from contextlib import suppress

import psycopg

from deploy.dev.postgres import DevPostgres
from tests.chaos.instance import Instance
from tests.chaos.settings import SESSION_TIMEOUT_MS

STOPPED_S = 3 * SESSION_TIMEOUT_MS / 1000
ASLEEP_S = 2.0
"""How long the failpoint holds the transaction open: the window in which we stop it."""
_SESSION = """
SELECT pid, xact_start FROM pg_stat_activity
WHERE state = 'idle in transaction' AND application_name = %s AND client_port = ANY(%s)
  AND now() - state_change > interval '150 milliseconds'
ORDER BY xact_start LIMIT 1
"""
_STILL = "SELECT 1 FROM pg_stat_activity WHERE pid = %s AND xact_start = %s AND state = 'idle in transaction'"


def make_zombie(postgres: DevPostgres, victim: Instance, failpoint: str, *, within_s: float = 30.0) -> bool:
    """Restart it with a sleeping failpoint, SIGSTOP it there, wait, SIGCONT. True when its session was idle in transaction."""
    victim.kill()
    victim.start(f"{failpoint}=sleep:{ASLEEP_S:g}")
    victim.ready()
    counted = _stop_inside(postgres, victim, within_s)
    if counted:
        time.sleep(STOPPED_S)
    victim.resume()
    time.sleep(ASLEEP_S + 1)  # let it wake up with what it believes, and be refused
    return counted


def _stop_inside(postgres: DevPostgres, victim: Instance, within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline and victim.pid:
        with (
            suppress(psycopg.OperationalError),
            psycopg.connect(postgres.dsn(), autocommit=True, connect_timeout=2) as look,
        ):
            while time.monotonic() < deadline and victim.pid:
                ports = sorted(victim.ports_to(postgres.port))
                found = look.execute(_SESSION, (f"tocsin-{victim.service}", ports)).fetchone()
                if found is None:
                    time.sleep(0.05)
                    continue
                victim.pause()
                if look.execute(_STILL, found).fetchone():
                    return True
                victim.resume()
    return False
