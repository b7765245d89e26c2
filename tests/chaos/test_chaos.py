"""The same runs under pytest: `pytest -m chaos`. Short by default; CHAOS_KILLS and CHAOS_SEED scale them."""

from __future__ import annotations

import os
import shutil

import pytest

from tests.chaos.authorities import missing
from tests.chaos.mutation import MUTANTS, Mutant, run_mutants
from tests.chaos.run import run

KILLS, SEED = int(os.environ.get("CHAOS_KILLS", "12")), int(os.environ.get("CHAOS_SEED", "1"))
pytestmark = [pytest.mark.chaos, pytest.mark.timeout(0)]  # a run has bounds of its own, which grow with its kills


def needs(backend: str) -> None:
    if backend == "kafka" and not shutil.which("java"):
        pytest.skip("Apache Kafka needs a Java runtime >= 17: install one")


@pytest.mark.parametrize("backend", ["kafka", "local"])
def test_nothing_is_lost_doubled_or_out_of_order(backend: str) -> None:
    needs(backend)
    report = run(backend, kills=KILLS, seed=SEED)
    report.show()
    assert report.ok, (report.failed, report.anomalies)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda one: one.name)
def test_a_known_wrong_design_is_caught(mutant: Mutant) -> None:
    needs("kafka")
    if mutant.electronic and missing():
        pytest.skip(missing())
    assert run_mutants([mutant.name], seed=SEED, to=None) == 0
