"""The load generator, a process of its own: keep-alive connections that each post, wait for the answer, and post again.

Reads one JSON order from standard input and prints one JSON line. Hand-written HTTP/1.1, since a full client would use as
much processor time as the server it measures.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import count
from uuid import uuid4

from bench import workload


@dataclass(frozen=True)
class Order:
    """`what`: report or subject. Ends after `seconds`, or after `total` answers when that is not 0."""

    host: str
    port: int
    path: str
    clients: int
    what: str = "report"
    token: str = ""
    seconds: float = 5.0
    warm_s: float = 0.0
    total: int = 0
    children: int = 500
    seed: int = 1
    pause_s: float = 0.0
    serious: bool | None = None


@dataclass(frozen=True)
class Outcome:
    """Accepted answers after the warm-up, and their latencies in milliseconds."""

    accepted: int
    refused: int
    seconds: float
    per_second: float
    p50_ms: float
    p99_ms: float
    sent_at: dict[str, float]
    """Case number → wall-clock second at which it was sent, when the order has a pause between posts."""


class Connection:
    """One client."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._auth = f"Authorization: Bearer {order.token}\r\n" if order.token else ""

    async def open(self) -> None:
        self._reader, self._writer = await asyncio.open_connection(self._order.host, self._order.port)

    async def post(self, body: bytes) -> tuple[int, bytes]:
        """(status, body) of one POST with a fresh Idempotency-Key."""
        head = (
            f"POST {self._order.path} HTTP/1.1\r\nHost: {self._order.host}:{self._order.port}\r\n{self._auth}"
            f"Idempotency-Key: {uuid4()}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        self._writer.write(head.encode() + body)
        answer = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        length = int(answer.partition(b"content-length:")[2].partition(b"\r\n")[0])
        return int(answer[9:12]), await self._reader.readexactly(length)


async def run(order: Order) -> Outcome:
    numbers = count()
    latencies: list[float] = []
    sent_at: dict[str, float] = {}
    refused = 0
    begun = time.perf_counter()
    measured_from = begun + order.warm_s
    until = measured_from + order.seconds

    def more(number: int) -> bool:
        return number < order.total if order.total else time.perf_counter() < until

    async def client(index: int) -> None:
        nonlocal refused
        rng = random.Random(order.seed * 1000 + index)
        connection = Connection(order)
        await connection.open()
        while more(number := next(numbers)):
            body = _body(order, number, rng)
            wall, started = time.time(), time.perf_counter()
            status, answer = await connection.post(body)
            ended = time.perf_counter()
            if status >= 300:
                refused += 1
            elif started >= measured_from:
                latencies.append((ended - started) * 1000)
                if order.pause_s:
                    sent_at[json.loads(answer)["case_number"]] = wall
            if order.pause_s:
                await asyncio.sleep(order.pause_s)

    await asyncio.gather(*(client(index) for index in range(order.clients)))
    seconds = max(time.perf_counter() - measured_from, 1e-9)
    latencies.sort()
    at: Callable[[float], float] = lambda q: latencies[min(len(latencies) - 1, int(q * len(latencies)))]  # noqa: E731
    return Outcome(
        accepted=len(latencies),
        refused=refused,
        seconds=seconds,
        per_second=len(latencies) / seconds,
        p50_ms=at(0.50) if latencies else 0.0,
        p99_ms=at(0.99) if latencies else 0.0,
        sent_at=sent_at,
    )


def _body(order: Order, number: int, rng: random.Random) -> bytes:
    if order.what == "subject":
        document = workload.subject(workload.child(number))
    else:
        document = workload.report(workload.child(rng.randrange(order.children)), rng, serious=order.serious)
    return json.dumps(document, ensure_ascii=False).encode()


def main() -> None:
    order = Order(**json.loads(sys.stdin.read()))
    print(json.dumps(asdict(asyncio.run(run(order)))))


if __name__ == "__main__":
    main()
