"""Ours is closed to others; what is not ours keeps its mode, whatever a setting says."""

from __future__ import annotations

import stat
from pathlib import Path

from shared.private import own_file, own_folder


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_database_and_the_folder_made_for_it_are_closed(tmp_path: Path) -> None:
    made = own_file(tmp_path / "var" / "ae_intake.db")
    assert (mode(made), mode(made.parent)) == (0o600, 0o700)


def test_an_open_database_is_closed_and_its_folder_stays_as_its_owner_made_it(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "old.db").touch(mode=0o644)
    assert mode(own_file(tmp_path / "old.db")) == 0o600
    assert mode(own_folder(tmp_path)) == 0o755


def test_a_folder_named_as_a_database_keeps_its_mode(tmp_path: Path) -> None:
    """A typing error in a setting once closed a folder of the system to every other program."""
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    theirs.chmod(0o755)
    own_file(theirs)
    assert mode(theirs) == 0o755
