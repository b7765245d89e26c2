"""Does the damage: one lane per service kills and restarts its instances; zombies and outages come in between."""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Callable, Iterator

from tests.chaos import deliveries, zombies
from tests.chaos.client import Unanswered
from tests.chaos.cluster import Cluster, KafkaCluster
from tests.chaos.instance import Instance
from tests.chaos.load import Load
from tests.chaos.tally import Tally

CONSUME = ("consume.after_effect", "consume.before_commit", "consume.after_commit")
RELAY = ("relay.after_send", "relay.before_mark", "relay.after_mark")
FILING = ("form.after_render", "filing.after_send", "notify.before_receipt")
ANSWER = "ack.after_take"
POINTS: dict[str, tuple[str, ...]] = {
    "ae_intake": ("intake.before_commit", "intake.after_commit", *RELAY, "seal.before_commit"),
    "causality": (*CONSUME, "relay.after_send", "relay.before_mark", "seal.before_commit"),
    "sae_notifier": (*FILING, ANSWER, "notify.after_claim", "notify.after_send", *CONSUME, "relay.after_mark"),
    "dsmb": (*CONSUME, "relay.after_send", "seal.before_commit"),
}
POINTS["embedded"] = tuple(
    dict.fromkeys(point for points in POINTS.values() for point in points if point != "relay.before_mark")
)
"""On SQLite the relay marks in a transaction of its own: the place before the mark is the one after the send."""
LATER = frozenset({*CONSUME, *RELAY, "intake.before_commit", "intake.after_commit", "notify.after_send"})
"""Passed so often that the second or third hit is a fair choice too."""
REACHED_S = 20.0
"""How long an armed process may live, once it answers, before it is killed all the same."""


class Faults:
    """`run` returns when `kills` processes were killed and every other fault has been done, or the time is over."""

    def __init__(self, cluster: Cluster, load: Load, tally: Tally, *, kills: int, seed: int, rounds: int) -> None:
        self.cluster, self.load, self.tally, self.kills, self.rounds = cluster, load, tally, kills, rounds
        self._seed = seed
        self._locks = {name: threading.Lock() for name in cluster.instances}
        self._over = threading.Event()
        self._given_out = 0
        self._count = threading.Lock()
        self.failed: list[str] = []

    def run(self, within_s: float) -> None:
        deadline = time.monotonic() + within_s
        lanes = [
            threading.Thread(target=self._guarded, args=(name,), name=f"lane-{name}", daemon=True)
            for name in self._locks
        ]
        for lane in lanes:
            lane.start()
        for number, (name, act) in enumerate(plan := self._others()):
            due = self.kills * (number + 1) // (len(plan) + 1)
            while self.tally.kills < due and any(lane.is_alive() for lane in lanes) and time.monotonic() < deadline:
                time.sleep(0.1)
            if time.monotonic() < deadline:
                self._do(name, act)
        for lane in lanes:
            lane.join(max(0.1, deadline - time.monotonic()))
        self._over.set()
        for lane in lanes:
            lane.join(60)
        for name in self._locks:
            self._revive(name)

    # Kills ----------------------------------------------------------------------------------------------------------

    def _guarded(self, name: str) -> None:
        try:
            self._lane(name)
        except Exception as error:  # a lane that dies must fail the run, not end it early and green
            self.failed.append(f"lane {name}: {error!r}")
            self.tally.say(f"lane {name} failed: {error!r}")

    def _take(self, most: int) -> int:
        """Some of the kills that are left, at most `most`."""
        with self._count:
            taken = max(0, min(most, self.kills - self._given_out))
            self._given_out += taken
            return taken

    def _lane(self, name: str) -> None:
        rng = random.Random(f"{self._seed}/{name}")
        points = self._points(name, rng)
        turn = itertools.cycle(self.cluster.instances[name])
        while not self._over.is_set():
            with self._locks[name]:
                self._revive(name)
                victim = next(turn)
                taken = self._take(2)
                if taken == 0:
                    return
                if taken == 1 or rng.random() < 0.2:
                    self._give_back(taken - 1)
                    self._over.wait(rng.uniform(0.1, 2.5))
                    self._kill(victim)
                else:
                    self._kill(victim)
                    self._kill_at(victim, next(points), rng)
                victim.start()
                victim.ready(45)
            # Alone, it must live long enough for something to happen in it.
            self._over.wait(rng.uniform(0.1, 0.8) if len(self.cluster.instances[name]) > 1 else rng.uniform(1.0, 5.0))

    def _give_back(self, count: int) -> None:
        with self._count:
            self._given_out -= count

    def _points(self, name: str, rng: random.Random) -> Iterator[str]:
        """Every failpoint of the service in turn, each round in another order; no answer comes where nothing is sent."""
        points = [one for one in POINTS[name] if one != ANSWER or self.load.sending is not None]
        while True:
            yield from rng.sample(points, len(points))

    def _kill(self, victim: Instance) -> None:
        if victim.kill():
            self.tally.killed()
        else:
            self._note_end(victim)
            self._give_back(1)

    def _kill_at(self, victim: Instance, point: str, rng: random.Random) -> None:
        nth = rng.randint(1, 3) if point in LATER else 1
        victim.start(f"{point}=kill@{nth}")
        poke = threading.Thread(target=self._poke, args=(victim, point, rng), daemon=True)
        poke.start()
        victim.ready(60)  # it may well die before that
        reached = victim.died(REACHED_S)
        if reached and victim.returncode == -9:
            self.tally.killed(point)
        elif reached:
            self._note_end(victim)
            self._give_back(1)
        else:
            self.tally.not_reached[point] += 1
            self._kill(victim)
        poke.join(15)

    def _poke(self, victim: Instance, point: str, rng: random.Random) -> None:
        """What passes this place: a filing for those of filings, an electronic one for an answer, a report for the others."""
        if not victim.ready(30):
            return
        client = self.load.client(500 + rng.randrange(400))
        try:
            while victim.pid and not self._over.is_set():
                if point in FILING:
                    self.load.file_somewhere(client, rng)
                elif point == ANSWER and self.load.sending is not None:
                    self.load.sending.one(client, rng)
                else:
                    self.load.report(client, rng, self.load.child(rng))
                time.sleep(1.0)
        except Unanswered:
            return
        finally:
            client.close()

    def _revive(self, name: str) -> None:
        for one in self.cluster.instances[name]:
            if not one.pid:
                if one.returncode not in (None, -9):
                    self._note_end(one)
                one.start()
                one.ready(45)

    def _note_end(self, one: Instance) -> None:
        self.tally.ended_by_themselves[f"{one.name} (exit {one.returncode})"] += 1

    # Everything else ------------------------------------------------------------------------------------------------

    def _others(self) -> list[tuple[str, Callable[[], None]]]:
        cluster = self.cluster
        if not isinstance(cluster, KafkaCluster):
            return []
        once: list[tuple[str, Callable[[], None]]] = [
            ("reordered delivery", self._backwards),
            ("zombie relay", lambda: self._zombie("ae_intake", "relay.after_send", "relay")),
            ("duplicated delivery", self._again),
            ("zombie consumer", lambda: self._zombie("sae_notifier", "consume.before_commit", "consumer")),
            ("rebalance", lambda: self._rebalance("sae_notifier")),
            ("broker restart", self._broker),
            ("database restart", self._database),
        ]
        more: list[tuple[str, Callable[[], None]]] = [
            ("reordered delivery", self._backwards),
            ("zombie consumer", lambda: self._zombie("causality", "consume.before_commit", "consumer")),
            ("duplicated delivery", self._again),
            ("zombie relay", lambda: self._zombie("sae_notifier", "relay.after_send", "relay")),
            ("broker restart", self._broker),
            ("zombie relay", lambda: self._zombie("ae_intake", "relay.before_mark", "relay")),
            ("zombie consumer", lambda: self._zombie("sae_notifier", "consume.after_effect", "consumer")),
            ("rebalance", lambda: self._rebalance("causality")),
            ("zombie consumer", lambda: self._zombie("dsmb", "consume.before_commit", "consumer")),
            ("rebalance", lambda: self._rebalance("ae_intake")),
            ("database restart", self._database),
        ]
        plan = once + more * max(0, self.rounds - 1)
        return [
            one
            for one in plan
            if not one[0].startswith("zombie") or set(cluster.services) == set(POINTS) - {"embedded"}
        ]

    def _do(self, name: str, act: Callable[[], None]) -> None:
        try:
            act()
        except (Unanswered, OSError, TimeoutError) as error:
            self.tally.say(f"{name}: could not be done ({error!r})")
            self.tally.others[f"{name} that could not be done"] += 1
        except Exception as error:
            self.tally.say(f"{name}: failed ({error!r})")
            self.failed.append(f"{name}: {error!r}")

    def _zombie(self, service: str, point: str, kind: str) -> None:
        assert self.cluster.postgres is not None
        with self._locks[service]:
            self._revive(service)
            victim = self.cluster.instances[service][0]
            stopped = zombies.make_zombie(self.cluster.postgres, victim, point)
            self.tally.zombies[kind if stopped else f"{kind} not in a transaction"] += 1
            self.tally.say(f"zombie {kind} of {service}: {'counted' if stopped else 'not in a transaction'}")
            if victim.kill():
                self.tally.killed()
                with self._count:
                    self._given_out += 1
            victim.start()
            victim.ready(45)

    def _rebalance(self, service: str) -> None:
        """One instance is added under load, another leaves in good order and comes back, the added one leaves."""
        if service not in self.cluster.instances:
            return
        added = self.cluster.one_more(service)
        added.start()
        if not added.ready(60):
            raise RuntimeError(f"{added.name} did not start; its log ends:\n{added.last_words()}")
        self._over.wait(4.0)  # the lanes go on killing the others meanwhile
        with self._locks[service]:
            self._revive(service)
            leaving = self.cluster.instances[service][-1]
            self._leave(leaving)
            self._over.wait(2.0)
            leaving.start()
            leaving.ready(45)
        self._leave(added)
        self.tally.others["instances added and removed"] += 1
        self.tally.say(f"an instance of {service} was added and removed, another left and came back")

    @staticmethod
    def _leave(one: Instance) -> None:
        if not one.stop():
            raise RuntimeError(f"{one.name} did not end within its time; its log ends:\n{one.last_words()}")

    def _broker(self) -> None:
        assert self.cluster.kafka is not None
        self.cluster.kafka.restart(kill=True, down_s=1.0)
        self.tally.others["broker restarts"] += 1
        self.tally.say("the broker was killed and is back")

    def _database(self) -> None:
        assert self.cluster.postgres is not None
        self.cluster.postgres.restart(mode="immediate", down_s=1.0)
        self.tally.others["database restarts"] += 1
        self.tally.say("the database crashed and is back")

    def _again(self) -> None:
        assert self.cluster.kafka is not None
        rng = random.Random(f"{self._seed}/again/{self.tally.others['events delivered again']}")
        count = deliveries.deliver_again(self.cluster.kafka.bootstrap, rng)
        self.tally.others["events delivered again"] += count
        self.tally.say(f"{count} events were delivered again, in any order")

    def _backwards(self) -> None:
        assert self.cluster.kafka is not None and isinstance(self.cluster, KafkaCluster)
        rng = random.Random(f"{self._seed}/backwards/{self.tally.others['events delivered backwards']}")
        count = deliveries.deliver_backwards(self.cluster.kafka.bootstrap, self.cluster.dsn, self.load, rng)
        self.tally.others["events delivered backwards"] += count
        self.tally.say(f"{count} events were delivered newest first")
