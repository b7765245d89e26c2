"""The history is loaded once, whatever interrupts it, and only into an empty database."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from examples import replay
from services.history import COHORT, Loader, Marker, NotLoaded, by_child, past

NOW = datetime(2026, 11, 23, tzinfo=UTC)
KEYS = {request.key for request in replay.cohort(COHORT)}
ALL = len(KEYS)


class Server:
    """Answers as the real one does, remembers what it kept, and fails when told to."""

    def __init__(self) -> None:
        self.kept: dict[str, dict[str, object]] = {}
        self.sent: Counter[str] = Counter()
        self.subjects: list[str] = []
        self.refuse_after: int | None = None
        self.busy = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path == "/api/v1/sign-in":
            return httpx.Response(200, json={"token": "t"})
        assert request.headers["authorization"] == "Bearer t"
        if request.method == "GET":
            return httpx.Response(200, json={"subjects": self.subjects})
        if self.busy:
            self.busy -= 1
            return httpx.Response(503)
        if self.refuse_after is not None and len(self.kept) >= self.refuse_after:
            return httpx.Response(422, text="this child is unknown")
        key, body = request.headers["idempotency-key"], json.loads(request.content)
        self.sent[key] += 1
        assert self.kept.setdefault(key, body) == body, "the same key came with another body"
        name = path.rsplit("/", 1)[1]
        if name == "allocations":
            return httpx.Response(204)
        field = {"batches": "batch_id"}.get(name, f"{name[:-1]}_id")
        return httpx.Response(201, json={field: body.get(field, f"id-of-{key}"), "version": 1})


def load(server: Server, folder: Path, *, now: datetime = NOW, stop_after: int | None = None) -> int | None:
    stopping = asyncio.Event()

    def told(done: int, total: int) -> None:
        if done == stop_after:
            stopping.set()

    async def run() -> int | None:
        async with httpx.AsyncClient(transport=httpx.MockTransport(server), base_url="http://t") as http:
            return await Loader(http, folder, told=told, stopping=stopping).load(now)

    return asyncio.run(run())


def test_every_record_is_sent_once_and_the_next_start_sends_nothing(tmp_path: Path) -> None:
    server = Server()
    assert load(server, tmp_path) == ALL
    assert server.kept.keys() == KEYS
    assert set(server.sent.values()) == {1}
    assert load(server, tmp_path) is None
    assert set(server.sent.values()) == {1}


def test_a_stop_in_the_middle_is_taken_up_again(tmp_path: Path) -> None:
    server = Server()
    assert load(server, tmp_path, stop_after=100) is None
    assert 100 <= len(server.kept) < 110
    assert Marker.read(tmp_path) == Marker("begun")
    server.subjects = ["VN01-001"]  # no longer empty, but it is our own work
    assert load(server, tmp_path) == ALL
    assert server.kept.keys() == KEYS


def test_a_database_with_children_in_it_is_left_alone(tmp_path: Path) -> None:
    server = Server()
    server.subjects = ["VN01-900"]
    assert load(server, tmp_path) is None
    assert not server.kept and Marker.read(tmp_path) is None


def test_a_busy_server_is_asked_again_and_a_refusal_is_told(tmp_path: Path) -> None:
    server = Server()
    server.busy, server.refuse_after = 2, 50
    with pytest.raises(NotLoaded, match="422: this child is unknown"):
        load(server, tmp_path)
    assert len(server.kept) >= 50
    assert Marker.read(tmp_path) == Marker("begun")


def test_a_clock_before_the_cohorts_end_moves_it_into_the_past_and_it_stays_moved(tmp_path: Path) -> None:
    early = datetime(2025, 6, 1, tzinfo=UTC)
    moved = past(tuple(replay.cohort(COHORT)), early)
    assert moved < 0 == past(tuple(replay.cohort(COHORT)), NOW)
    server = Server()
    load(server, tmp_path, now=early, stop_after=100)
    assert Marker.read(tmp_path) == Marker("begun", moved)
    assert load(server, tmp_path, now=NOW) == ALL  # else the same key would come with another body


def test_a_childs_records_keep_their_order() -> None:
    children = by_child(replay.cohort(COHORT))
    assert len(children) == 40
    for child in children:
        assert len({one.body["subject_id"] for one in child}) == 1
        ranks = [replay.COHORT_ORDER.index(one.path.rsplit("/", 1)[1]) for one in child]
        assert ranks == sorted(ranks)
