"""What a run came to, as a table, as JSON and as an exit code."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.anomaly import KINDS, Anomaly
from tests.chaos.history import History
from tests.chaos.tally import Tally

MOST_SHOWN = 25


@dataclass
class Report:
    backend: str
    seed: int
    asked_kills: int
    seconds: float
    tally: Tally
    history: History
    anomalies: list[Anomaly]
    refused: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)
    """Faults that the harness itself could not do: the run proves less than it should."""
    left_out: str = ""
    """Why nothing electronic was sent."""

    @property
    def ok(self) -> bool:
        return not self.anomalies and not self.failed and self.tally.kills >= self.asked_kills

    @property
    def verdict(self) -> str:
        if self.anomalies:
            return "BROKEN"
        if not self.ok:
            return f"INCOMPLETE ({self.tally.kills} of {self.asked_kills} kills; {len(self.failed)} faults not done)"
        return "held"

    @property
    def counts(self) -> dict[str, int]:
        found = Counter(one.kind for one in self.anomalies)
        return {kind: found[kind] for kind in KINDS}

    def rows(self) -> list[tuple[str, str]]:
        acks = Counter(ack.kind for ack in self.history.acknowledged)
        tally = self.tally
        zombies = {kind: count for kind, count in tally.zombies.items() if " not " not in kind}
        rows = [
            ("backend, seed", f"{self.backend}, {self.seed}"),
            ("kills", f"{tally.kills} ({tally.at_failpoints.total()} at {len(tally.at_failpoints)} failpoints)"),
            ("failpoints not reached", _several(tally.not_reached)),
            ("zombies that counted", _several(zombies)),
            ("zombies that did not", str(tally.zombies.total() - sum(zombies.values()))),
            ("other faults", _several(tally.others)),
            ("ended by themselves", _several(tally.ended_by_themselves)),
            ("acknowledged", f"{acks.total()}: {_several(acks)}"),
            ("refused", _several(self.refused)),
            ("cases, mails", f"{len(self.history.cases)}, {len(self.history.mails)}"),
        ]
        if board := self.history.board:
            rows.append(("board's cut", f"{len(board.versions)} documents, {board.crossings} crossings of a rule"))
        rows += self._electronic()
        rows += [(kind.replace("_", " "), str(count)) for kind, count in self.counts.items()]
        return [*rows, ("seconds", f"{self.seconds:.0f}"), ("verdict", self.verdict)]

    def _electronic(self) -> list[tuple[str, str]]:
        if self.left_out:
            return [("electronic reports", f"LEFT OUT: {self.left_out}")]
        if (seen := self.history.electronic) is None:
            return []
        repeats = sum(one.times - 1 for one in seen.books)
        cases = {one.case_id for one in seen.transmissions}
        codes = Counter(one.code or "garbage" for one in seen.given)
        states = Counter(one.acceptance or "not answered" for one in seen.transmissions)
        used = sum(one.state == "used" for one in seen.kept)
        return [
            ("electronic reports", f"{len(seen.transmissions)} of {len(cases)} cases: {_several(states)}"),
            ("at the authorities", f"{len(seen.books)} files, {repeats} of them came again"),
            ("their answers", f"{len(seen.given)}: {_several(codes)}; kept {len(seen.kept)}, used {used}"),
        ]

    def show(self) -> None:
        rows = self.rows()
        width = max(len(name) for name, _ in rows)
        lines = [f"  {name:<{width}}  {value}" for name, value in rows]
        lines += [f"  ! {why}" for why in self.failed]
        lines += [f"  {one.kind}: {one.place}: {one.what}" for one in self.anomalies[:MOST_SHOWN]]
        if len(self.anomalies) > MOST_SHOWN:
            lines.append(f"  ... and {len(self.anomalies) - MOST_SHOWN} more")
        sys.stdout.write("\n" + "\n".join(lines) + "\n")
        sys.stdout.flush()

    def as_json(self) -> dict[str, Any]:
        tally = self.tally
        return {
            "backend": self.backend,
            "seed": self.seed,
            "ok": self.ok,
            "seconds": round(self.seconds, 1),
            "kills": tally.kills,
            "failpoints": dict(tally.at_failpoints),
            "not_reached": dict(tally.not_reached),
            "zombies": dict(tally.zombies),
            "others": dict(tally.others),
            "ended_by_themselves": dict(tally.ended_by_themselves),
            "acknowledged": dict(Counter(ack.kind for ack in self.history.acknowledged)),
            "refused": dict(self.refused),
            "cases": len(self.history.cases),
            "electronic": dict(self._electronic()),
            "counts": self.counts,
            "anomalies": [{"kind": one.kind, "place": one.place, "what": one.what} for one in self.anomalies],
            "failed": self.failed,
        }


def _several(counted: Counter[str] | dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counted.items())) or "none"
