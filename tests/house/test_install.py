"""`make run` and `make demo` as the first commands of a fresh clone, in one moment: one of them installs, once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy import install

ROOT = Path(__file__).parents[2]
STAND_IN = """
import sys, time
from deploy import install
def write(folder):
    time.sleep(0.5)
    with open("installed", "a") as file:
        file.write("once\\n")
install.install = write
install.main()
"""


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in install.NAMED:
        (tmp_path / name).touch()
    return tmp_path


def _make(clone: Path, code: str = STAND_IN) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, ".venv"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, cwd=clone, env=environment, stdout=subprocess.PIPE, text=True)


def test_of_several_at_once_one_installs_and_the_others_wait_for_it(clone: Path) -> None:
    started = [_make(clone) for _ in range(4)]
    said = [one.communicate(timeout=60)[0] for one in started]
    assert [one.returncode for one in started] == [0] * 4
    assert (clone / "installed").read_text() == "once\n"
    assert sum("Installing" in one for one in said) == 1
    assert install.is_done(str(clone / ".venv" / ".installed"))


def test_a_lock_file_that_changed_is_installed_again(clone: Path) -> None:
    _make(clone).communicate(timeout=60)
    later = (clone / ".venv" / ".installed").stat().st_mtime + 1
    os.utime(clone / "requirements.lock", (later, later))
    assert not install.is_done(str(clone / ".venv" / ".installed"))


def test_what_failed_is_tried_again(clone: Path) -> None:
    fails = STAND_IN.replace("time.sleep(0.5)", "raise install.subprocess.CalledProcessError(3, 'pip')")
    failed = _make(clone, fails)
    failed.communicate(timeout=60)
    assert failed.returncode == 3 and not install.is_done(str(clone / ".venv" / ".installed"))
    again = _make(clone)
    again.communicate(timeout=60)
    assert again.returncode == 0 and (clone / "installed").read_text() == "once\n"
