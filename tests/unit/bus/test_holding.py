"""A partition is handed out only after its position was read, checked against the log, and gone to."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from shared.bus.holding import Holding, Place, Seen, check_position
from shared.bus.port import Position, PositionInvalid


@pytest.mark.parametrize(
    ("position", "seen"),
    [
        (Position(0), Seen(0, 0)),
        (Position(0), Seen(0, 9)),
        (Position(3, "e2"), Seen(0, 3, "e2")),
        (Position(3, "e2"), Seen(2, 9, "e2")),
        (Position(3, None), Seen(0, 9, None)),
    ],
)
def test_a_position_on_this_log_is_good(position: Position, seen: Seen) -> None:
    check_position("t", 0, position, seen)


@pytest.mark.parametrize(
    ("position", "seen", "says"),
    [
        (Position(-1), Seen(0, 9), "ends at 9"),
        (Position(10, "e9"), Seen(0, 9), "ends at 9"),
        (Position(1, "e0"), Seen(0, 0), "ends at 0"),
        (Position(0), Seen(2, 9), "begins at 2"),
        (Position(2, "e1"), Seen(2, 9), "begins at 2"),
        (Position(3, "e2"), Seen(0, 9, "x"), "is x, but the cursor has passed e2"),
        (Position(3, "e2"), Seen(0, 9, None), "without an id"),
        (Position(3, None), Seen(0, 9, "x"), "without an id"),
    ],
)
def test_a_position_of_another_log_is_told(position: Position, seen: Seen, says: str) -> None:
    with pytest.raises(PositionInvalid, match=says) as told:
        check_position("t", 7, position, seen)
    assert (told.value.topic, told.value.partition) == ("t", 7)


class Log:
    """Every partition holds 10 records, `e0` to `e9`."""

    def __init__(self) -> None:
        self.went: dict[Place, int] = {}

    async def look(self, positions: Mapping[Place, Position]) -> dict[Place, Seen]:
        return {place: Seen(0, 10, f"e{position.next_offset - 1}") for place, position in positions.items()}

    def go(self, place: Place, offset: int) -> None:
        self.went[place] = offset


async def at_four(topic: str, partition: int) -> Position:
    return Position(4, "e3")


async def test_sought_once_until_forgotten() -> None:
    log, holding = Log(), Holding(at_four)
    holding.assign([("t", 1), ("t", 2)])
    assert holding.sought() == {}
    await holding.seek(log.look, log.go)
    assert log.went == {("t", 1): 4, ("t", 2): 4}
    log.went.clear()
    holding.forget(("t", 2))
    holding.forget(("t", 9))
    await holding.seek(log.look, log.go)
    assert log.went == {("t", 2): 4}
    assert set(holding.sought()) == {("t", 1), ("t", 2)}
    assert ("t", 9) not in holding


async def test_what_was_lost_or_sent_back_while_reading_is_left_alone() -> None:
    log = Log()

    async def positions(topic: str, partition: int) -> Position:
        if partition == 1:
            holding.assign([("t", 2)])
        return Position(4, "e3")

    holding = Holding(positions)
    holding.assign([("t", 1), ("t", 2)])
    before = holding._held["t", 2]
    await holding.seek(log.look, log.go)
    assert log.went == {}
    assert holding.sought() == {}
    assert not holding.current(("t", 2), before)


async def test_one_bad_position_does_not_spoil_the_others() -> None:
    async def positions(topic: str, partition: int) -> Position:
        return Position(4, "another" if partition == 1 else "e3")

    log, holding = Log(), Holding(positions)
    holding.assign([("t", 1), ("t", 2)])
    with pytest.raises(PositionInvalid):
        await holding.seek(log.look, log.go)
    assert log.went == {("t", 2): 4}


async def test_a_source_that_fails_is_asked_again_later() -> None:
    asked = 0

    async def positions(topic: str, partition: int) -> Position:
        nonlocal asked
        asked += 1
        if asked == 1:
            raise ConnectionError
        return Position(4, "e3")

    log, holding = Log(), Holding(positions)
    holding.assign([("t", 1)])
    await holding.seek(log.look, log.go)
    await holding.seek(log.look, log.go)
    assert (asked, log.went) == (1, {})
    holding._held["t", 1].not_before = 0.0
    await holding.seek(log.look, log.go)
    assert (asked, log.went) == (2, {("t", 1): 4})


async def test_positions_are_the_handled_ones() -> None:
    log, holding = Log(), Holding(at_four)
    holding.assign([("t", 1)])
    assert await holding.positions() == {("t", 1): 4}
    await holding.seek(log.look, log.go)
    held = holding.sought()["t", 1]
    held.next_offset = 9
    assert await holding.positions() == {("t", 1): 4}
    held.handled = 9
    assert await holding.positions() == {("t", 1): 9}
