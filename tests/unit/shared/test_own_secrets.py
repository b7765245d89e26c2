"""Whoever starts on a new folder, however many and whenever they die, all come away with the same secrets."""

from __future__ import annotations

import json
import multiprocessing
import stat
import sys
from multiprocessing.synchronize import Barrier
from pathlib import Path
from threading import Thread

import pytest

from shared import own_secrets
from shared.settings import Settings, UnsafeSettings

NAMES = ("secret_key", "audit_key", "webhook_secret")


def test_they_are_made_once_and_only_their_owner_reads_them(tmp_path: Path) -> None:
    made = own_secrets.keep(tmp_path / "var", NAMES)
    assert set(made) == set(NAMES) and len(set(made.values())) == 3
    assert all(len(value) >= 32 for value in made.values())
    assert own_secrets.keep(tmp_path / "var", NAMES) == made
    assert {stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "var").iterdir()} == {0o600}


def test_a_later_secret_is_added_to_the_old_ones(tmp_path: Path) -> None:
    old = own_secrets.keep(tmp_path, NAMES[:2])
    assert own_secrets.keep(tmp_path, NAMES).items() >= old.items()


def test_what_a_killed_writer_left_is_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / "secrets.new").write_text('{"audit_key": "hal')
    (tmp_path / "secrets.lock").touch()
    assert set(own_secrets.keep(tmp_path, NAMES)) == set(NAMES)


def test_many_at_once_get_the_same(tmp_path: Path) -> None:
    """Threads here: each opens the lock for itself, so that it holds among them as among processes."""
    switch = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for number in range(25):
            got: list[dict[str, str]] = []
            threads = [
                Thread(target=lambda to=got, var=tmp_path / str(number): to.append(own_secrets.keep(var, NAMES)))
                for _ in range(8)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert len(got) == 8 and all(one == got[0] for one in got)
            assert json.loads((tmp_path / str(number) / "secrets.json").read_text()) == got[0]
    finally:
        sys.setswitchinterval(switch)


def _start(var: Path, together: Barrier, answers: multiprocessing.Queue[tuple[bytes, ...]]) -> None:
    together.wait()
    answers.put(Settings.load({"TOCSIN_VAR": str(var)}).audit_keys)


def test_programs_started_in_one_moment_seal_with_one_key(tmp_path: Path) -> None:
    processes = multiprocessing.get_context("fork")
    answers = processes.Queue()
    together = processes.Barrier(4)
    started = [processes.Process(target=_start, args=(tmp_path / "var", together, answers)) for _ in range(4)]
    for one in started:
        one.start()
    got = [answers.get(timeout=60) for _ in started]
    for one in started:
        one.join()
    assert len(set(got)) == 1


@pytest.mark.parametrize("written", ["", "{", "[]", '{"audit_key": 7}', '{"audit_key": ""}'])
def test_a_damaged_file_is_never_replaced_in_silence(tmp_path: Path, written: str) -> None:
    (tmp_path / "secrets.json").write_text(written)
    with pytest.raises(UnsafeSettings) as refused:
        Settings.load({"TOCSIN_VAR": str(tmp_path)})
    [problem] = refused.value.problems
    assert problem.startswith("TOCSIN_VAR: ") and "secrets.json" in problem and "put its copy back" in problem
    assert (tmp_path / "secrets.json").read_text() == written
