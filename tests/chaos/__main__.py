"""`python -m tests.chaos --kills 150 --seed 1 [--backend local] [--json FILE]`, `--mutants`, `--mutant NAME`."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from pathlib import Path

from tests.chaos.authorities import missing


def main() -> int:
    """0: everything held (or every mutant was caught); 1: not."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=150, help="SIGKILLs; 150 and more are the full proof")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--backend", choices=["kafka", "local"], default="kafka")
    parser.add_argument("--json", type=Path, help="write the result here too")
    parser.add_argument("--keep", action="store_true", help="keep the logs of a run that held")
    parser.add_argument("--mutant", help="run one known-wrong design: it must be caught")
    parser.add_argument("--mutants", action="store_true", help="run all of them; fails when one survives")
    parser.add_argument(
        "--require-schemas", action="store_true", help="fail where nothing electronic can be sent, instead of saying so"
    )
    asked = parser.parse_args()
    if asked.require_schemas and (why := missing()):
        parser.error(why)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is ended
    if asked.mutant or asked.mutants:
        from tests.chaos.mutation import run_mutants

        return run_mutants([asked.mutant] if asked.mutant else None, seed=asked.seed, to=asked.json)
    from tests.chaos.run import run

    report = run(asked.backend, kills=asked.kills, seed=asked.seed, keep=asked.keep)
    report.show()
    if asked.json:
        asked.json.write_text(json.dumps(report.as_json(), ensure_ascii=False, indent=1), encoding="utf-8")
    return 0 if report.ok else 1


if __name__ == "__main__":
    sys.exit(main())
