"""What a run found: printed as a table of ratios, kept as `bench/results.json`."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

PATH = Path(__file__).parent / "results.json"


@dataclass(frozen=True)
class Rate:
    name: str
    clients: int
    per_second: float
    p50_ms: float | None = None
    p99_ms: float | None = None


@dataclass
class Results:
    rates: list[Rate] = field(default_factory=list)
    notes: dict[str, float] = field(default_factory=dict)

    def rate(
        self, name: str, clients: int, per_second: float, p50_ms: float | None = None, p99_ms: float | None = None
    ) -> None:
        self.rates.append(Rate(name, clients, per_second, p50_ms, p99_ms))
        latency = "" if p50_ms is None or p99_ms is None else f", p50 {p50_ms:.1f} ms, p99 {p99_ms:.1f} ms"
        print(f"  {name} x{clients}: {per_second:.0f}/s{latency}", flush=True)

    def note(self, what: str, value: float) -> None:
        self.notes[what] = value
        print(f"  {what}: {value:.1f}", flush=True)

    def found(self, name: str, clients: int) -> float | None:
        return next((one.per_second for one in self.rates if one.name == name and one.clients == clients), None)

    def show(self) -> None:
        table = Table(title="Reports accepted per second")
        for column in ("what", "clients", "per second", "p50 ms", "p99 ms", "of bare", "of naive"):
            table.add_column(column, justify="left" if column == "what" else "right")
        for one in self.rates:
            bare = "bare SQLite" if "SQLite" in one.name else "bare PostgreSQL"
            table.add_row(
                one.name,
                str(one.clients),
                f"{one.per_second:.0f}",
                "" if one.p50_ms is None else f"{one.p50_ms:.1f}",
                "" if one.p99_ms is None else f"{one.p99_ms:.1f}",
                _ratio(one.per_second, self.found(bare, one.clients)),
                _ratio(one.per_second, self.found("naive", one.clients)),
            )
        Console(width=110).print(table)
        rest = Table(title="Beside it")
        rest.add_column("what")
        rest.add_column("value", justify="right")
        for what, value in self.notes.items():
            rest.add_row(what, f"{value:,.1f}")
        Console(width=110).print(rest)

    def write(self) -> None:
        machine = {"machine": platform.machine(), "python": platform.python_version(), "cpus": os.cpu_count()}
        document = {**machine, "rates": [asdict(one) for one in self.rates], "notes": self.notes}
        PATH.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _ratio(value: float, base: float | None) -> str:
    return "" if not base else f"{value / base:.2f}"
