"""What stands on this machine's disk about children is for the one user the program runs as, whatever that user's umask says."""

from __future__ import annotations

import os
import stat
from pathlib import Path

_OTHERS = 0o077


def own_folder(path: Path) -> Path:
    """The folder, made for its owner alone; one that stood there before keeps the mode its owner gave it."""
    if not path.is_dir():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=0o700, exist_ok=True)
    return path


def own_file(path: Path) -> Path:
    """An empty file to write a database into, or the one that is there, closed to others (SQLite's -wal and -shm follow it)."""
    own_folder(path.parent)
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    found = path.stat()
    # A path that leads elsewhere (a folder, a device) is not ours to close: a wrong setting must not lock others out of it.
    if stat.S_ISREG(found.st_mode) and found.st_mode & _OTHERS and found.st_uid == os.geteuid():
        path.chmod(found.st_mode & 0o700)
    return path
