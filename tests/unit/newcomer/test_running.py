"""The second terminal: `make demo` knows what `make run` was started with, unless it is told otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from services import running
from shared.settings import ROOT, Settings

MULTINATIONAL = str(ROOT / "deploy" / "trials" / "demo-multinational.yaml")


def settings(var: Path, **more: str) -> Settings:
    return Settings.load({"TOCSIN_VAR": str(var)} | more)


def test_what_the_instance_runs_with_is_taken_over(tmp_path: Path) -> None:
    running.note(settings(tmp_path, TOCSIN_TRIAL=MULTINATIONAL, TOCSIN_E2B_SCHEMAS=str(tmp_path / "xsd")))
    mine = running.follow(settings(tmp_path))
    assert (str(mine.trial), mine.e2b_schemas_dir) == (MULTINATIONAL, tmp_path / "xsd")
    assert "key" not in (tmp_path / running.FILE).read_text()


def test_what_was_set_here_wins(tmp_path: Path) -> None:
    running.note(settings(tmp_path, TOCSIN_TRIAL=MULTINATIONAL, TOCSIN_E2B_SCHEMAS=str(tmp_path / "xsd")))
    shipped = str(ROOT / "deploy" / "trials" / "vinmec-cp-bmmnc.yaml")
    mine = running.follow(settings(tmp_path, TOCSIN_TRIAL=shipped))
    assert (str(mine.trial), mine.e2b_schemas_dir) == (shipped, tmp_path / "xsd")


@pytest.mark.parametrize("content", [None, "", "[]", "{}", "{"])
def test_a_file_that_says_nothing_changes_nothing(tmp_path: Path, content: str | None) -> None:
    before = settings(tmp_path)
    if content is not None:
        (tmp_path / running.FILE).write_text(content)
    assert running.follow(before) == before
