"""Runs the known-wrong designs under the fault that each of them does not survive; the checker must say so."""

from __future__ import annotations

import json
import random
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from deploy.dev.postgres import DevPostgres
from tests.chaos import deliveries
from tests.chaos.anomaly import Anomaly, AnomalyKind
from tests.chaos.authorities import missing
from tests.chaos.checker import check
from tests.chaos.client import Unanswered
from tests.chaos.cluster import KafkaCluster, discard
from tests.chaos.drain import drain
from tests.chaos.load import Load, Pace
from tests.chaos.observe import Observer
from tests.chaos.sending import settle
from tests.chaos.tally import Tally

ROUNDS = 3
"""Attempts before a mutant counts as having survived."""
DRAIN_S = 45.0
SERVICES = ("ae_intake", "sae_notifier")


@dataclass(frozen=True)
class Mutant:
    """`target` is the service that runs it, `kinds` what it must be caught at, `act` the fault."""

    name: str
    target: Literal["ae_intake", "sae_notifier"]
    kinds: frozenset[AnomalyKind]
    act: Callable[[KafkaCluster, Load, random.Random], None]
    electronic: bool = False
    """Needs the authorities, and so the E2B(R3) schemas."""


def _kill_at(service: str, failpoints: str) -> Callable[[KafkaCluster, Load, random.Random], None]:
    def act(cluster: KafkaCluster, load: Load, rng: random.Random) -> None:
        """Both instances die there, one after the other, while reports keep coming."""
        for victim in cluster.of(service):
            victim.kill()
            victim.start(failpoints)
            victim.ready()
            _reports(load, rng, 3, until=lambda v=victim: v.pid is None)
            victim.kill()
            victim.start()
            victim.ready()

    return act


def _backlog_then_kill(failpoints: str) -> Callable[[KafkaCluster, Load, random.Random], None]:
    def act(cluster: KafkaCluster, load: Load, rng: random.Random) -> None:
        """Reports pile up while no notifier lives; the first one that comes back dies over them."""
        victim, other = cluster.of("sae_notifier")
        victim.kill()
        other.kill()
        _reports(load, rng, 8)
        victim.start(failpoints)
        victim.ready()
        victim.died(40)
        victim.kill()
        for one in (victim, other):
            one.start()
        for one in (victim, other):
            one.ready()

    return act


def _reports(load: Load, rng: random.Random, count: int, until: Callable[[], bool] = lambda: True) -> None:
    """At least `count`, and more until `until` says so, for 25 s at most."""
    client = load.client(300)
    deadline = time.monotonic() + 25
    sent = 0
    try:
        while sent < count or (not until() and time.monotonic() < deadline):
            load.report(client, rng, load.child(rng))
            sent += 1
            time.sleep(0.2)
    except Unanswered:
        return
    finally:
        client.close()


def _slow_beside_quick(cluster: KafkaCluster, load: Load, rng: random.Random) -> None:
    """One instance commits late what it numbered early."""
    slow = cluster.of("ae_intake")[0]
    slow.kill()
    slow.start("intake.before_commit=sleep:0.7")
    slow.ready()
    _reports(load, rng, 15)


def _again(cluster: KafkaCluster, load: Load, rng: random.Random) -> None:
    _reports(load, rng, 4)
    client = load.client(301)
    for ack in load.cases[-4:]:
        load.amend(client, rng, ack.id)
    client.close()
    drain(cluster, within_s=DRAIN_S)
    assert cluster.kafka is not None
    deliveries.deliver_again(cluster.kafka.bootstrap, rng, most=500)


def _told(load: Load, rng: random.Random, until: Callable[[], bool]) -> list[str]:
    """Serious cases told electronically, each as soon as its duties are there, until `until`, for 40 s at most; their ids."""
    assert load.sending is not None
    client = load.client(302)
    deadline = time.monotonic() + 40
    told: list[str] = []
    try:
        while not (told and until()) and time.monotonic() < deadline:
            made = load.report(client, rng, load.child(rng), profile="serious")
            time.sleep(1.5)
            if made is not None:
                load.sending.tell_all(client, rng, made.id)
                told.append(made.id)
    except Unanswered:
        pass
    finally:
        client.close()
    return told


def _tell_then_die(mood: str, failpoint: str) -> Callable[[KafkaCluster, Load, random.Random], None]:
    def act(cluster: KafkaCluster, load: Load, rng: random.Random) -> None:
        """The only notifier that lives dies there; then both go on."""
        assert cluster.authorities is not None
        cluster.authorities.all(mood)
        victim, other = cluster.of("sae_notifier")
        other.kill()
        victim.kill()
        victim.start(f"{failpoint}=kill@1")
        victim.ready()
        _told(load, rng, until=lambda: victim.pid is None)
        victim.kill()
        for one in (victim, other):
            one.start()
        for one in (victim, other):
            one.ready()

    return act


def _news_while_closed(cluster: KafkaCluster, load: Load, rng: random.Random) -> None:
    """Reports wait for their next attempt when the next versions are sent and the authority opens again."""
    assert cluster.authorities is not None and load.sending is not None
    cluster.authorities.all("unavailable")
    told: list[str] = []
    _told(load, rng, until=lambda: told.append("") or len(told) > 3)  # type: ignore[func-returns-value]
    client = load.client(303)
    cluster.authorities.all("accept")
    for case_id in [ack.id for ack in load.cases[-4:]]:
        load.amend(client, rng, case_id, profile="serious")
        time.sleep(0.5)
        load.sending.tell_all(client, rng, case_id)
    client.close()


MUTANTS = (
    Mutant("publish_first", "ae_intake", frozenset({"phantom"}), _kill_at("ae_intake", "intake.before_commit=kill@2")),
    Mutant(
        "commit_then_publish", "ae_intake", frozenset({"lost"}), _kill_at("ae_intake", "intake.after_commit=kill@2")
    ),
    Mutant("offset_first", "sae_notifier", frozenset({"lost"}), _backlog_then_kill("consume.before_commit=kill@1")),
    Mutant("no_received_check", "sae_notifier", frozenset({"doubled", "out_of_order"}), _again),
    Mutant(
        "memory_position",
        "sae_notifier",
        frozenset({"lost"}),
        _backlog_then_kill("consume.after_effect=sleep:0.4,consume.before_commit=kill@1"),
    ),
    Mutant("sequence_cursor", "ae_intake", frozenset({"lost", "out_of_order"}), _slow_beside_quick),
    Mutant(
        "made_at_sending",
        "sae_notifier",
        frozenset({"doubled"}),
        _tell_then_die("never", "filing.after_send"),
        electronic=True,
    ),
    Mutant(
        "fetched_away", "sae_notifier", frozenset({"lost"}), _tell_then_die("again", "ack.after_take"), electronic=True
    ),
    Mutant("overtaking", "sae_notifier", frozenset({"out_of_order"}), _news_while_closed, electronic=True),
)


def run_mutants(names: Sequence[str] | None, *, seed: int, to: Path | None) -> int:
    """0 when every one was caught; without the E2B(R3) schemas those of electronic reports are left out, and it says so."""
    chosen = [one for one in MUTANTS if names is None or one.name in names]
    if not chosen:
        sys.stdout.write(f"no such mutant; there are {', '.join(one.name for one in MUTANTS)}\n")
        return 2
    left_out = [one for one in chosen if one.electronic and missing()]
    chosen = [one for one in chosen if one not in left_out]
    tally = Tally()
    postgres = DevPostgres()
    results: dict[str, list[Anomaly]] = {}
    try:
        for mutant in chosen:
            results[mutant.name] = _run(mutant, postgres, seed, tally)
    finally:
        postgres.stop(mode="immediate")
        shutil.rmtree(postgres.directory, ignore_errors=True)
    for mutant in chosen:
        caught = results[mutant.name]
        what = f"caught: {caught[0].kind}: {caught[0].what}" if caught else "SURVIVED"
        sys.stdout.write(f"  {mutant.name:<20} {what} ({len(caught)} anomalies)\n")
    for mutant in left_out:
        sys.stdout.write(f"  {mutant.name:<20} LEFT OUT: {missing()}\n")
    if to:
        to.write_text(json.dumps({name: [one.what for one in found] for name, found in results.items()}, indent=1))
    return 0 if all(results.values()) else 1


def _run(mutant: Mutant, postgres: DevPostgres, seed: int, tally: Tally) -> list[Anomaly]:
    """The anomalies of the kinds it must show; empty when it survived every round."""
    tally.say(f"{mutant.name}: starting")
    cluster = KafkaCluster(SERVICES, postgres=postgres, mutant=mutant.name, mutated=mutant.target)
    try:
        cluster.start()
        load = Load(cluster, seed, Pace(children=12, clients=2, most_cases=30, pause_s=0.8, filings=0, reports=0))
        for number in range(ROUNDS):
            load.resume()
            mutant.act(cluster, load, random.Random(f"{seed}/{mutant.name}/{number}"))
            load.stop()
            if mutant.electronic and cluster.authorities is not None:
                cluster.authorities.calm()
                settle(cluster.authorities, load.client(98), within_s=DRAIN_S)
            undrained, parked = drain(cluster, within_s=DRAIN_S)
            history = Observer(cluster, load).look()
            history.undrained, history.parked = undrained, parked
            found = [one for one in check(history) if one.kind in mutant.kinds]
            harmed = {one.place for one in found}
            whole = [
                one for one in history.cases.values() if not {f"case {one.case_number}", f"case {one.case_id}"} & harmed
            ]
            tally.say(
                f"{mutant.name}: round {number + 1}, {len(history.cases)} cases, {len(whole)} of them whole, "
                f"{len(found)} anomalies"
            )
            if not whole:
                raise RuntimeError(f"{mutant.name} harms every case: it does not work at all, so it proves nothing")
            if found:
                return found
        return []
    finally:
        cluster.stop()
        discard(cluster, keep=False)
