"""Reports accepted per second and their latency: the bare database, the naive design, ours on both databases."""

from __future__ import annotations

from pathlib import Path

from bench import bare
from bench.load import Order, Outcome
from bench.results import Results
from bench.stage import Process, Stage, send, sign_in
from deploy.dev.ports import LOOPBACK

CASES = "/api/v1/cases"


def measure(stage: Stage, results: Results, *, clients: tuple[int, ...], seconds: float, children: int) -> None:
    """Everything at every number of clients, interleaved, so that a busy machine is busy for all."""
    ours = stage.service("ae_intake")
    token = sign_in(ours.url)
    _register(ours, token, children)
    send(_order(ours, token, clients=4, seconds=1.0, children=children))
    rows = bare.shapes(stage.dsn)
    results.note("bytes per report", sum(len(str(value)) for shape in rows for value in shape.row))
    naive = stage.naive()
    send(_order(naive, "naive-token", clients=4, seconds=1.0, children=children))
    for count in clients:
        if count <= 16:
            results.rate("bare PostgreSQL", count, bare.postgres(stage.dsn, rows, count, seconds))
            results.rate("bare SQLite", count, bare.sqlite(Path(stage.directory) / "bare.db", rows, count, seconds))
        for name, process, bearer in (("naive", naive, "naive-token"), ("ours", ours, token)):
            used = process.cpu_s()
            got = send(_order(process, bearer, clients=count, seconds=seconds, children=children))
            _add(results, name, count, got)
            results.note(f"{name} CPU ms per report at {count}", (process.cpu_s() - used) * 1000 / max(1, got.accepted))
    stage.stop(naive)
    stage.stop(ours)


def measure_sqlite(stage: Stage, results: Results, *, clients: tuple[int, ...], seconds: float, children: int) -> None:
    """The same intake with the adapters of embedded mode."""
    ours = stage.on_sqlite()
    token = sign_in(ours.url)
    _register(ours, token, children)
    for count in clients:
        got = send(_order(ours, token, clients=count, seconds=seconds, children=children))
        _add(results, "ours on SQLite", count, got)
    stage.stop(ours)


def _add(results: Results, name: str, count: int, got: Outcome) -> None:
    if got.refused:
        raise RuntimeError(f"{name} refused {got.refused} of {got.refused + got.accepted} reports")
    results.rate(name, count, got.per_second, got.p50_ms, got.p99_ms)


def _order(process: Process, token: str, *, clients: int, seconds: float, children: int) -> Order:
    return Order(LOOPBACK, process.port, CASES, clients, token=token, seconds=seconds, warm_s=0.5, children=children)


def _register(process: Process, token: str, children: int) -> None:
    done = send(Order(LOOPBACK, process.port, "/api/v1/subjects", 8, what="subject", token=token, total=children))
    if done.refused:
        raise RuntimeError(f"{done.refused} children were refused")
