"""`python -m bench [--quick] [--only intake,sqlite,alerts,consume,dsmb,icsr]`: the numbers are worth something only beside each other."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from dataclasses import dataclass

from bench import alerts, consume, dsmb, icsr, intake
from bench.results import PATH, Results
from bench.stage import Stage
from tests.support.e2b import SCHEMAS


@dataclass(frozen=True)
class Sizes:
    """Seconds per rate, children who report, seconds of alerts, cases to catch up with, events for the memory, events in the board's tables."""

    seconds: float
    children: int
    alert_seconds: float
    cases: int
    events: int
    reported: int


QUICK = Sizes(seconds=3.0, children=1_000, alert_seconds=8.0, cases=600, events=3_000, reported=20_000)
FULL = Sizes(seconds=15.0, children=3_000, alert_seconds=60.0, cases=5_000, events=100_000, reported=100_000)
PARTS = ("intake", "sqlite", "alerts", "consume", "dsmb", "icsr")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="about 90 s on a calm machine instead of a quarter of an hour"
    )
    parser.add_argument("--only", default=",".join(PARTS), help=f"parts, separated by commas: {', '.join(PARTS)}")
    parser.add_argument("--clients", default="1,16,64", help="how many clients post at the same time")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started is ended in any case
    parts = set(asked.only.split(","))
    if unknown := parts - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    clients = tuple(int(one) for one in asked.clients.split(","))
    sizes = QUICK if asked.quick else FULL
    results, begun = Results(), time.monotonic()
    if parts & {"intake", "sqlite"}:
        with Stage() as stage:
            intake.measure(stage, results, clients=clients, seconds=sizes.seconds, children=sizes.children)
            if "sqlite" in parts:
                few = tuple(one for one in clients if one <= 16)
                intake.measure_sqlite(stage, results, clients=few, seconds=sizes.seconds, children=sizes.children)
    if "alerts" in parts:
        with Stage() as stage:
            alerts.measure(stage, results, seconds=sizes.alert_seconds)
    if "consume" in parts:
        with Stage() as stage:
            consume.measure(stage, results, cases=sizes.cases, events=sizes.events)
    if "dsmb" in parts:
        dsmb.measure(results, events=sizes.reported)
    if "icsr" in parts:
        icsr.measure(results, SCHEMAS, seconds=sizes.seconds / 3)
    results.show()
    results.write()
    print(f"{time.monotonic() - begun:.0f} s; kept in {PATH}")


if __name__ == "__main__":
    main()
