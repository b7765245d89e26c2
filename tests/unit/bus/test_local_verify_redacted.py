"""Words taken back from what was written: the log that still holds them is no breach, and one blanked by hand is."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from shared.bus import local_verify
from shared.bus.local import LocalBus
from shared.bus.local_verify import Written, verify_log
from shared.bus.port import BusSettings, Record
from shared.bus.redacted import withholds, without_words
from shared.canonical import canonical
from shared.case import CaseReport
from shared.case.withholding import withhold
from shared.events.generate import EXAMPLES

TYPE = "tocsin.case.amended.v1"
KEPT = json.loads((EXAMPLES / f"{TYPE}.json").read_text(encoding="utf-8"))
BLANKED = withhold(CaseReport, KEPT["body"], lambda text: text.pointer == "/change_reason")[0]


def record(body: object) -> Record:
    headers = tuple((name, value.encode()) for name, value in KEPT["headers"].items())
    return Record(KEPT["topic"], KEPT["key"], canonical(body), headers)  # type: ignore[arg-type]


def on_a_log(folder: Path, body: object) -> tuple[Path, str]:
    path = folder / "bus.db"

    async def put() -> str:
        bus = LocalBus(BusSettings(local_path=str(path)))
        await bus.start()
        [outcome] = await bus.publish([record(body)])
        await bus.close()
        assert outcome.placed is not None
        return f"log/{outcome.placed.topic}/{outcome.placed.partition}/{outcome.placed.offset}"

    return path, asyncio.run(put())


def as_written(body: object, place: str) -> dict[str, Written]:
    one = record(body)
    headers = json.dumps([(name, value.decode("latin-1")) for name, value in one.headers])
    bare = None
    if withholds(TYPE, one.value.decode()):
        bare = local_verify._bare(one.topic, one.key, headers, one.value)
    digest = local_verify._digest(one.topic, one.key, headers, one.value)
    return {KEPT["headers"]["ce_id"]: Written(place, digest, bare)}


def test_the_old_log_may_still_hold_the_words(tmp_path: Path) -> None:
    path, place = on_a_log(tmp_path, KEPT["body"])
    assert verify_log(path, lambda: as_written(BLANKED, place)) == (1, ())


def test_a_log_blanked_by_hand_is_a_breach(tmp_path: Path) -> None:
    path, place = on_a_log(tmp_path, BLANKED)
    assert verify_log(path, lambda: as_written(BLANKED, place)) == (1, ()), "made anew by a republish"
    [breach] = verify_log(path, lambda: as_written(KEPT["body"], place))[1]
    assert "was changed on the log" in breach.what


def test_anything_else_in_it_is_still_a_breach(tmp_path: Path) -> None:
    path, place = on_a_log(tmp_path, KEPT["body"] | {"case_number": "VN-VINMEC-2026-999999"})
    [breach] = verify_log(path, lambda: as_written(BLANKED, place))[1]
    assert "was changed on the log" in breach.what
    assert without_words("no.such.type", b"{}") is None


def test_other_words_are_a_breach(tmp_path: Path) -> None:
    path, place = on_a_log(tmp_path, KEPT["body"] | {"change_reason": "other words"})
    [breach] = verify_log(path, lambda: as_written(BLANKED, place))[1]
    assert "was changed on the log" in breach.what
