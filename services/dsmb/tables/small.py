"""Small numbers outside the closed report: which rows to withhold so that neither they nor a difference shows one.

Two groups of rows stand beside each other. The first adds up to all children, who are known. The second (worst grades) adds up
to the children with any event, who are known as soon as those without one are.
"""

from __future__ import annotations

from collections.abc import Mapping

NONE = "none"
"""The row of children without any event."""


def withhold(parts: Mapping[str, int], grades: Mapping[str, int], below: int) -> frozenset[str]:
    """Names of the rows to withhold. A count of 0 is no child and may be shown; 1 to below `below` may not."""
    hidden = {name for group in (parts, grades) for name, n in group.items() if 0 < n < below}
    while True:
        before = len(hidden)
        _cover(parts, hidden, below)
        if NONE not in hidden:
            _cover(grades, hidden, below)
        elif not hidden & grades.keys():
            # The grades, all shown, would add up to the children with an event, and so to those without.
            _hide_smallest(grades, hidden)
        if len(hidden) == before:
            return frozenset(hidden)


def _cover(group: Mapping[str, int], hidden: set[str], below: int) -> None:
    """What is withheld of a group whose sum is known: at least two rows that together are not few either."""
    while True:
        names = [name for name in group if name in hidden]
        if not names or (len(names) >= 2 and sum(group[name] for name in names) >= below):
            return
        if not _hide_smallest(group, hidden):
            return


def _hide_smallest(group: Mapping[str, int], hidden: set[str]) -> bool:
    """Withhold the smallest row that shows somebody, or an empty one when there is no other; False when none is left."""
    left = sorted((n == 0, n, name) for name, n in group.items() if name not in hidden)
    if not left:
        return False
    hidden.add(left[0][2])
    return True
