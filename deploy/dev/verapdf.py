"""veraPDF, the reference checker of PDF/A: `python -m deploy.dev.verapdf check FILE...` says PASS or FAIL of each.

Needs a Java runtime, and Maven once to fetch its jar into `verapdf/lib`.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from deploy.dev import maven
from deploy.dev.process import ServerFailed

ARTIFACT = "org.verapdf.apps:greenfield-apps:1.28.1"
LIB = Path(__file__).parent / "verapdf" / "lib"
FLAVOUR = "2b"
_VERDICT = re.compile(r"^(PASS|FAIL) (.+) 2b$", re.MULTILINE)


def fetch() -> Path:
    """The jar, fetched when it is not there."""
    return maven.get(ARTIFACT, LIB)


def check(files: Sequence[Path]) -> dict[Path, bool]:
    """True for each file that is PDF/A-2b. Raises when there is no verdict on one of them: silence is not a pass."""
    asked = [one.resolve() for one in files]
    java = [os.environ.get("JAVA", "java"), "-Xmx512m", "-XX:+UseSerialGC", "-cp", str(fetch())]
    words = ["org.verapdf.apps.GreenfieldCliWrapper", "--flavour", FLAVOUR, "--format", "text", *map(str, asked)]
    done = subprocess.run([*java, *words], capture_output=True, text=True, check=False, timeout=300)
    found = {Path(path): verdict == "PASS" for verdict, path in _VERDICT.findall(done.stdout)}
    if set(found) != set(asked):
        raise ServerFailed(f"veraPDF gave no verdict on every file: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return {one: found[one.resolve()] for one in files}


def main() -> int:
    """`fetch` gets the jar; `check` exits with 1 when a file fails."""
    parser = argparse.ArgumentParser(prog="python -m deploy.dev.verapdf", description=__doc__)
    parser.add_argument("action", choices=["fetch", "check"])
    parser.add_argument("files", nargs="*", type=Path)
    asked = parser.parse_args()
    if asked.action == "fetch":
        fetch()
        return 0
    found = check(asked.files)
    for path, passed in found.items():
        print("PASS" if passed else "FAIL", path)
    return 0 if found and all(found.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
