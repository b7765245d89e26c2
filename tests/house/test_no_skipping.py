"""A skip under TOCSIN_REQUIRE_ALL must fail the run: on a machine without a broker, CI would be green by not looking."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SKIPS = {
    "by_mark": "import pytest\n@pytest.mark.skip(reason='no broker')\ndef test_it(): pass\n",
    "while_running": "import pytest\ndef test_it(): pytest.skip('no broker')\n",
    "as_a_module": "import pytest\npytest.skip('no broker', allow_module_level=True)\ndef test_it(): pass\n",
    "in_a_fixture": "import pytest\n@pytest.fixture\ndef f(): pytest.skip('no broker')\ndef test_it(f): pass\n",
}
EXPECTED_FAILURE = (
    "import pytest\n@pytest.mark.xfail(strict=True)\ndef test_it(): assert False\ndef test_runs(): pass\n"
)


def _run(directory: Path, *, require_all: bool, workers: int = 0) -> subprocess.CompletedProcess[str]:
    (directory / "pytest.ini").write_text("[pytest]\n")
    for name, code in {**SKIPS, "expected_failure": EXPECTED_FAILURE}.items():
        (directory / f"test_{name}.py").write_text(code)
    plugins = ["-p", "no:cacheprovider", "-p", "tests.support.skipping", "-n", str(workers)]
    command = [sys.executable, "-m", "pytest", "-q", "-rfE", "--continue-on-collection-errors", *plugins]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TOCSIN_REQUIRE_ALL": "1" if require_all else "0"}
    return subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("workers", [0, 2])
def test_every_kind_of_skip_fails_when_all_is_required(tmp_path: Path, workers: int) -> None:
    done = _run(tmp_path, require_all=True, workers=workers)
    assert done.returncode == 1, done.stdout
    blamed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    assert {name for name in SKIPS if any(f"test_{name}.py" in line for line in blamed)} == set(SKIPS), done.stdout
    assert not any("expected_failure" in line for line in blamed), "an expected failure is not a skip"


def test_otherwise_a_skip_is_a_skip(tmp_path: Path) -> None:
    done = _run(tmp_path, require_all=False)
    assert done.returncode == 0, done.stdout
