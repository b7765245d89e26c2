"""One run: start everything, load it, damage it, let it come to rest, look, judge."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from tests.chaos.authorities import missing
from tests.chaos.checker import check
from tests.chaos.cluster import Cluster, KafkaCluster, LocalCluster, discard
from tests.chaos.drain import drain, read
from tests.chaos.faults import Faults
from tests.chaos.load import Load, Pace
from tests.chaos.observe import Observer
from tests.chaos.report import Report
from tests.chaos.sending import settle
from tests.chaos.tally import Tally

FAR_BEHIND = 250
BACKENDS: dict[str, Callable[[], Cluster]] = {"kafka": KafkaCluster, "local": LocalCluster}


def run(backend: str, *, kills: int, seed: int, keep: bool = False) -> Report:
    """`kills` sets the scale: of the load, and of how often everything else that can go wrong does.

    Without the E2B(R3) schemas nothing electronic is sent; the report says so.
    """
    began = time.monotonic()
    tally = Tally()
    tally.say(f"starting ({backend})")
    cluster = BACKENDS[backend]()
    report: Report | None = None
    try:
        cluster.start()
        tally.say("everything is up; reports begin")
        load = Load(cluster, seed, pace_for(kills))
        authorities = cluster.authorities
        if authorities is not None:
            authorities.begin(seed)
        load.start()
        faults = Faults(cluster, load, tally, kills=kills, seed=seed, rounds=1 + kills // 75)
        ticker = _Ticker(cluster, tally, load)
        ticker.start()
        faults.run(within_s=180 + kills * 30)
        ticker.stop()
        load.stop()
        tally.say(f"{tally.kills} kills done; waiting until everything has come to rest")
        unsettled = ""
        if authorities is not None:
            authorities.calm()
            tally.others["moods of an authority"] = authorities.changes
            unsettled = settle(authorities, load.client(98, until=threading.Event()), within_s=150 + kills)
        undrained, parked = drain(cluster, within_s=240 + kills)
        tally.say("looking")
        history = Observer(cluster, load).look()
        history.undrained, history.parked = "; ".join(filter(None, (unsettled, undrained))), parked
        if (seen := history.electronic) is not None and not (seen.books and seen.given):
            faults.failed.append("no electronic report was sent, or none was answered")
        report = Report(
            backend,
            seed,
            kills,
            time.monotonic() - began,
            tally,
            history,
            check(history),
            load.refused,
            faults.failed,
            missing(),
        )
        return report
    finally:
        cluster.stop()
        discard(cluster, keep=keep or report is None or not report.ok)


def pace_for(kills: int) -> Pace:
    """Enough cases that every kill meets some, few enough that all can be looked at afterwards."""
    return Pace(
        children=min(58, 24 + kills // 4),
        most_cases=min(300, 24 + 2 * kills),
        filings=min(24, 3 + kills // 6),
        reports=min(60, 8 + kills // 3),
    )


class _Ticker:
    """A line every ten seconds; holds the load while the consumers are far behind."""

    def __init__(self, cluster: Cluster, tally: Tally, load: Load) -> None:
        self._cluster, self._tally, self._load, self._over = cluster, tally, load, threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join(20)

    def _run(self) -> None:
        while not self._over.wait(10):
            behind = read(self._cluster).behind
            (self._load.held.set if behind > FAR_BEHIND else self._load.held.clear)()
            acknowledged, cases = len(self._load.acknowledged), len(self._load.cases)
            self._tally.say(f"{self._tally.kills} kills, {acknowledged} acknowledged, {cases} cases, {behind} behind")
