"""How many stories a stateful test walks: in `make test` a few, always the same; `STATEFUL_EXAMPLES=500` walks that many new ones."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

EXAMPLES = int(os.environ.get("STATEFUL_EXAMPLES", "0"))


def stories(usual: int, *, steps: int) -> settings:
    """`usual` stories of at most so many steps; new ones go half as far again."""
    return settings(
        max_examples=EXAMPLES or usual,
        stateful_step_count=steps * 3 // 2 if EXAMPLES else steps,
        deadline=None,
        derandomize=not EXAMPLES,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
