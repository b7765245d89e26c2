"""One file by its Maven coordinates: for what comes as a single jar and needs no list of others."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from deploy.dev.process import ServerFailed


def get(artifact: str, into: Path) -> Path:
    """Have Maven put `group:name:version[:packaging]` into the directory; does nothing when it is there."""
    _, name, version, *packaging = artifact.split(":")
    there = into / f"{name}-{version}.{packaging[0] if packaging else 'jar'}"
    if there.is_file():
        return there
    if not shutil.which("mvn"):
        raise ServerFailed(f"{there.name} is missing and there is no Maven: install `mvn`")
    into.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=into) as part:
        _run("dependency:get", f"-Dartifact={artifact}", "-Dtransitive=false")
        _run("dependency:copy", f"-Dartifact={artifact}", f"-DoutputDirectory={part}")
        (Path(part) / there.name).replace(there)
    return there


def _run(*words: str) -> None:
    done = subprocess.run(
        ["mvn", "-q", "-B", *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode:
        raise ServerFailed(f"Maven could not fetch it ({' '.join(words)}): {done.stdout[-3000:]}")
