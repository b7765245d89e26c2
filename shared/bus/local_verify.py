"""The embedded log held against the outboxes of its owners: nothing is gone from it, nothing added, nothing changed or moved.

The outboxes are held against the trail, so the log needs no trail of its own. A log in Kafka is the brokers' to guard; there
the readers' received versions tell.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from sqlalchemy import select
from sqlmodel import col

from shared.audit_verify import Breach
from shared.bus import local_log, redacted
from shared.bus.outbox import OutboxRow
from shared.db import Tx

SHOWN = 20
"""Places named before the rest is only counted."""


@dataclass(frozen=True)
class Written:
    """One event as its owner wrote it; `place` is None until its relay has marked it."""

    place: str | None
    digest: str
    withheld: str | None = None
    """The same with every text as its hash alone, where words were taken back: the log holds them until it is made anew."""


def written(tx: Tx) -> dict[str, Written]:
    """Every event of one owner's outbox, by id."""
    found: dict[str, Written] = {}
    for row in tx.session.execute(select(OutboxRow).order_by(col(OutboxRow.position))).scalars().yield_per(500):
        record = row.record()
        headers = json.dumps([(name, value.decode("latin-1")) for name, value in record.headers])
        place = None if row.published_at is None else _place(row.topic, row.partition, row.place)
        digest = _digest(record.topic, record.key, headers, record.value)
        bare = (
            _bare(record.topic, record.key, headers, record.value) if redacted.withholds(row.type, row.body) else None
        )
        found[row.event_id] = Written(place, digest, bare)
        tx.session.expunge(row)
    return found


def verify_log(path: Path, written_by_all: Callable[[], dict[str, Written]]) -> tuple[int, tuple[Breach, ...]]:
    """(records, breaches). What is published before must be there; what came meanwhile is looked up afterwards."""
    known = written_by_all()
    on_the_log: dict[str, dict[str, str]] = {}
    for place, event_id, digest, bare in _records(path, known):
        one = known.get(event_id)
        still = one is not None and bare is not None and bare == one.withheld
        on_the_log.setdefault(event_id, {})[place] = one.digest if one is not None and still else digest
    if on_the_log.keys() - known.keys():
        known = written_by_all() | known
    breaches: list[Breach] = []
    for event_id, places in on_the_log.items():
        one = known.get(event_id)
        for place, digest in places.items():
            if one is None:
                breaches.append(Breach(place, "this record was added by hand: no service wrote it"))
            elif digest != one.digest:
                breaches.append(Breach(place, f"event {event_id} was changed on the log"))
            elif one.place not in (None, place):
                breaches.append(Breach(place, f"event {event_id} was moved here: it was published at {one.place}"))
    for event_id, one in known.items():
        if one.place is not None and event_id not in on_the_log:
            breaches.append(Breach(one.place, f"event {event_id} was published here and is gone"))
    if len(breaches) > SHOWN:
        breaches[SHOWN:] = [Breach("log", f"and {len(breaches) - SHOWN} places more")]
    return len(on_the_log), tuple(breaches)


def _records(path: Path, known: Mapping[str, Written]) -> Iterator[tuple[str, str, str, str | None]]:
    if not path.exists():
        return
    with closing(local_log.connect(str(path))) as connection:
        query = 'SELECT topic, partition, "offset", event_id, "key", headers, CAST(value AS BLOB) FROM records ORDER BY 1, 2, 3'
        for topic, partition, offset, event_id, key, headers, value in connection.execute(query):
            digest = _digest(topic, str(key), str(headers), value)
            one = known.get(str(event_id))
            taken_from = one is not None and one.withheld is not None and one.digest != digest
            bare = _bare(topic, str(key), str(headers), value) if taken_from else None
            yield _place(topic, partition, offset), str(event_id), digest, bare


def _place(topic: str, partition: int | None, offset: int | None) -> str:
    return f"log/{topic}/{partition}/{offset}"


def _bare(topic: str, key: str, headers: str, value: bytes) -> str | None:
    """The digest of a record without its words; None for one that is no event of ours."""
    name = next((text for header, text in json.loads(headers) if header == "ce_type"), "")
    made = redacted.without_words(name, value)
    return None if made is None else _digest(topic, key, headers, made)


def _digest(topic: str, key: str, headers: str, value: bytes) -> str:
    return sha256(b"\0".join((topic.encode(), key.encode(), headers.encode(), value))).hexdigest()
