"""How often a rule crosses when nothing but chance is at work: exact, by carrying the distribution from child to child."""

from __future__ import annotations

from collections.abc import Sequence


def crossing_probability(table: Sequence[int], rate: float) -> float:
    """P(crossing at any look) when every child has the event with this rate; `table[n - 1]` crosses at n children."""
    if not 0 <= rate <= 1:
        raise ValueError("a rate lies between 0 and 1")
    going = {0: 1.0}
    crossed = 0.0
    for needed in table:
        after: dict[int, float] = {}
        for events, chance in going.items():
            for more, likely in ((0, 1 - rate), (1, rate)):
                if events + more >= needed:
                    crossed += chance * likely
                else:
                    after[events + more] = after.get(events + more, 0.0) + chance * likely
        going = after
    return crossed
