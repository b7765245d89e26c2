"""The secrets an embedded installation makes for itself, once, in `secrets.json` (mode 0600) of its own folder.

Several programs may start on a new folder in the same moment (`tocsin run` and `tocsin demo`, say). All must come away
with the same secrets: an audit trail sealed by a key that only one process ever knew cannot be verified by anybody.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock

from shared.private import own_folder


class UnreadableSecrets(Exception):
    """The file stands there and is not what was written. A new one in its place would orphan every seal."""


def keep(var: Path, wanted: Sequence[str]) -> dict[str, str]:
    """What `secrets.json` in `var` holds after every wanted name was added to it. Raises UnreadableSecrets."""
    own_folder(var)
    path = var / "secrets.json"
    kept = _read(path)
    if all(name in kept for name in wanted):
        return kept
    # The system lets go of the lock even when its holder is killed.
    with FileLock(var / "secrets.lock", mode=0o600):
        kept = _read(path)
        missing = [name for name in wanted if name not in kept]
        if missing:
            kept |= {name: secrets.token_urlsafe(48) for name in missing}
            _write(path, kept)
    return kept


def _read(path: Path) -> dict[str, str]:
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError:
        kept = None
    if not isinstance(kept, dict) or not all(isinstance(value, str) and value for value in kept.values()):
        raise UnreadableSecrets(
            f"{path} cannot be read; put its copy back (a new audit key could not verify what the old one sealed), "
            "or move it away if nothing was ever recorded in this folder"
        )
    return kept


def _write(path: Path, kept: dict[str, str]) -> None:
    """Whole or not at all, and on the disk before anybody uses it."""
    fresh = path.with_suffix(".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(kept, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
