"""Folders in memory: a process dies here, not the machine, so nothing is proved by waiting for a disk."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest

_RAM = Path("/dev/shm")
_KEPT: list[Path] = []


def made_in_ram(prefix: str) -> Path:
    """A folder that whoever asked removes."""
    return Path(mkdtemp(prefix=prefix, dir=_RAM if os.access(_RAM, os.W_OK) else None))


def kept_in_ram(prefix: str) -> Path:
    """A folder that worlds are copied from until the run ends."""
    _KEPT.append(made_in_ram(prefix))
    return _KEPT[-1]


@pytest.fixture(scope="session", autouse=True)
def _kept() -> Iterator[None]:
    yield
    while _KEPT:
        shutil.rmtree(_KEPT.pop(), ignore_errors=True)
