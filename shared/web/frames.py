"""Fragments where no script runs: each in a frame of this origin, as a small page of its own around the same fragment.

Only fragments may stand in a frame, and only in one of our own pages; every other answer forbids it.
"""

from __future__ import annotations

import re

from starlette.requests import HTTPConnection

ASKED = "frame"
"""`?frame=1` asks for the small page; a larger number also has it loaded again after so many seconds."""
_FRAGMENTS = re.compile(r"^/(fragments/.+|ops/[a-z_]+/parked)$")
_MOST_S = 600


def is_fragment(path: str) -> bool:
    """Whether the answer to this address may stand in a frame."""
    return _FRAGMENTS.match(path) is not None


def frame_of(request: HTTPConnection) -> int:
    """0: no frame is asked for; 1: a frame; more: a frame that is loaded again after so many seconds."""
    asked = request.query_params.get(ASKED, "")
    if not (is_fragment(request.url.path) and asked.isdecimal()):
        return 0
    return min(int(asked[:4]), _MOST_S)
