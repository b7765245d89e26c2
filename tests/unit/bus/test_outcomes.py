"""After the first failure of a key nothing of that key counts as placed."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from shared.bus.outcomes import HELD_BACK, hold_back, outcome_of, send_in_order, too_large
from shared.bus.port import Placed, PublishOutcome, Record

PLACED = PublishOutcome(placed=Placed("t", 0, 0))
FAILED = PublishOutcome(error="away")


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=20))
def test_only_an_unbroken_beginning_of_each_key_counts(batch: list[tuple[str, bool]]) -> None:
    records = [Record("t", key, b"") for key, _ in batch]
    ruled = hold_back(records, [PLACED if placed else FAILED for _, placed in batch])
    for key in "abc":
        asked = [placed for one, placed in batch if one == key]
        counted = [
            outcome.placed is not None for record, outcome in zip(records, ruled, strict=True) if record.key == key
        ]
        unbroken = asked.index(False) if False in asked else len(asked)
        assert counted == [True] * unbroken + [False] * (len(asked) - unbroken)
    assert all((outcome.placed is None) == (outcome.error is not None) for outcome in ruled)


def test_keys_of_different_topics_do_not_hold_each_other_back() -> None:
    ruled = hold_back([Record("t", "a", b""), Record("u", "a", b"")], [FAILED, PLACED])
    assert ruled == [FAILED, PLACED]


def test_size_counts_key_value_and_headers_in_bytes() -> None:
    record = Record("t", "trẻ", b"1234", (("é", b"56"),))
    assert record.size == 5 + 4 + 2 + 2
    assert too_large(record, 13) is None
    assert "13 bytes, the log takes 12" in ((too_large(record, 12) or PLACED).error or "")


async def test_nothing_of_a_key_is_sent_after_its_refused_record() -> None:
    issued: list[bytes] = []

    async def send(record: Record) -> asyncio.Future[Placed]:
        issued.append(record.value)
        future: asyncio.Future[Placed] = asyncio.get_running_loop().create_future()
        future.set_result(Placed(record.topic, 1, len(issued)))
        return future

    records = [Record("t", "a", b"1"), Record("t", "b", b"2"), Record("t", "a", b"3"), Record("t", "b", b"4")]
    outcomes: list[PublishOutcome | None] = [FAILED, None, None, None]
    sent: dict[int, asyncio.Future[Placed]] = {}
    await send_in_order(send, records, outcomes, sent)  # type: ignore[arg-type]
    assert issued == [b"2", b"4"]
    assert outcomes == [FAILED, None, PublishOutcome(error=HELD_BACK), None]
    assert [outcome_of(future, None).placed for future in sent.values()] == [Placed("t", 1, 1), Placed("t", 1, 2)]  # type: ignore[arg-type]


async def test_what_has_no_place_did_not_happen() -> None:
    loop = asyncio.get_running_loop()
    pending: asyncio.Future[Placed] = loop.create_future()
    unknown: asyncio.Future[Placed] = loop.create_future()
    unknown.set_result(Placed("t", 0, -1))
    broken: asyncio.Future[Placed] = loop.create_future()
    broken.set_exception(OSError("away"))
    for future in (pending, unknown, broken):
        outcome = outcome_of(future, None)  # type: ignore[arg-type]
        assert outcome.placed is None
        assert outcome.error
