"""Who sits at the machine itself, as its operating system knows them: the trail names them beside `console`."""

from __future__ import annotations

import os
import pwd


def login() -> str:
    """The login behind this process, and behind `sudo` who called it; a number where the machine has no name for it."""
    uid = os.getuid()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = str(uid)
    caller = os.environ.get("SUDO_USER", "")
    return f"{name} (sudo by {caller})" if caller else name
