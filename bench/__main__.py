"""`python -m bench [--quick] [--only intake,alerts,consume,memory]`: the numbers are worth something only beside each other."""

from __future__ import annotations

import argparse
import time

from bench import intake
from bench.results import PATH, Results
from bench.stage import Stage

PARTS = ("intake", "sqlite")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="about 90 s instead of several minutes")
    parser.add_argument("--only", default=",".join(PARTS), help=f"parts, separated by commas: {', '.join(PARTS)}")
    parser.add_argument("--clients", default="1,16,64", help="how many clients post at the same time")
    asked = parser.parse_args()
    parts = set(asked.only.split(","))
    clients = tuple(int(one) for one in asked.clients.split(","))
    seconds, children = (4.0, 400) if asked.quick else (15.0, 3_000)
    results, begun = Results(), time.monotonic()
    with Stage() as stage:
        ours = intake.measure(stage, results, clients=clients, seconds=seconds, children=children)
        stage.stop(ours)
        if "sqlite" in parts:
            intake.measure_sqlite(stage, results, clients=clients[:2], seconds=seconds, children=children)
    results.show()
    results.write()
    print(f"{time.monotonic() - begun:.0f} s; kept in {PATH}")


if __name__ == "__main__":
    main()
