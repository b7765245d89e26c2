"""Any order of deeds and misfortunes over the real handlers: what was promised holds whenever things have come to rest.

`make test` walks a bounded number of stories, always the same; STATEFUL_EXAMPLES=500 walks that many new ones.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from services.causality.domain import QUESTIONS
from shared import failpoint
from shared.bus import parking
from shared.bus.port import Record
from shared.canonical import canonical
from shared.case import CaseReport
from shared.errors import Conflict, PreconditionFailed, Refused
from tests.support import deeds, judge
from tests.support.stories import stories
from tests.support.world import World

START = datetime(2026, 4, 20, 3, 0, tzinfo=UTC)
"""Before a holiday week, so that working days are not just weekdays."""
CHILDREN = ("VN01-007", "VN01-008", None)
KINDS = ("fatal", "deadly threat", "admission", "not serious", "unanswered", "death denied", "no event")
DEATHS = sorted(
    failpoint.NAMES - {"form.after_render", "relay.before_mark"}
)  # the last two are PostgreSQL's and typst's
HEARD = ("tocsin.case.reported.v1", "tocsin.case.amended.v1", "tocsin.assessment.proposed.v1")

indices = st.integers(0, 30)
hours_ago = st.sampled_from([None, 0, 1, 5, 30, 100, -3])
"""When the site knew: not told, so many hours before now, or (wrongly) after it."""


def answers(kind: str) -> dict[str, Any]:
    match kind:
        case "fatal":
            return {"seriousness": deeds.seriousness(death="yes"), "outcome": "fatal"}
        case "deadly threat":
            return {"seriousness": deeds.seriousness(life_threatening="yes")}
        case "admission":
            return {"seriousness": deeds.seriousness(hospitalisation="yes"), "admission": "unplanned"}
        case "not serious":
            return {"seriousness": deeds.seriousness(), "outcome": "recovered", "admission": "none"}
        case "death denied":
            return {"seriousness": {"death": "no", "life_threatening": "no"}}
        case _:
            return {}


class Machine(RuleBasedStateMachine):
    """`told` is what was acknowledged: (case id, version) -> SHA-256 of the document."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(at=START)
        self.told: dict[tuple[str, int], str] = {}
        self.keys: list[tuple[str, dict[str, Any], str]] = []
        self.unsure: list[tuple[str, dict[str, Any]]] = []
        self.cases: dict[str, CaseReport] = {}
        self.discarded: judge.Discarded = set()

    @initialize()
    def begin(self) -> None:
        self.world.drain()

    # Helpers -----------------------------------------------------------------------------------------------------

    def _remember(self, case: CaseReport) -> None:
        self.cases[case.case_id] = case
        self.told[case.case_id, case.version] = sha256(canonical(case)).hexdigest()

    def _pick(self, index: int, *, live: bool = True) -> CaseReport | None:
        found = [one for one in self.cases.values() if not live or one.nullified is None]
        return found[index % len(found)] if found else None

    def _ago(self, hours: int | None) -> datetime | None:
        return None if hours is None else self.world.clock.now() - timedelta(hours=hours)

    def _submit(self, key: str, body: dict[str, Any]) -> None:
        answer = deeds.submit(self.world, body, key)
        case = deeds.case(self.world, answer["case_id"])
        assert case is not None
        known = [case_id for k, _, case_id in self.keys if k == key]
        assert known in ([], [answer["case_id"]]), "one key made two cases"
        if not known:
            assert not answer["repeated"] or (key, body) in self.unsure
            self.keys.append((key, body, answer["case_id"]))
            self._remember(case)

    def _amend(self, case: CaseReport, kind: str, ago: int | None) -> None:
        events = [{"event_id": case.events[0].event_id, **answers(kind)}] if case.events else [answers(kind)]
        changes = {} if kind == "no event" else {"events": events}
        try:
            made = deeds.amend(self.world, case.case_id, case.version, news=self._ago(ago), **changes)
        except PreconditionFailed:  # it was changed by a request that died after its commit
            now = deeds.case(self.world, case.case_id)
            assert now is not None and now.version == case.version + 1
            made = now
        self._remember(made)

    # Deeds -------------------------------------------------------------------------------------------------------

    @rule(child=st.sampled_from(CHILDREN), kind=st.sampled_from(KINDS), aware=hours_ago)
    def report(self, child: str | None, kind: str, aware: int | None) -> None:
        body = deeds.report(child, aware=self._ago(aware), **answers(kind))
        if kind == "no event":
            body["events"] = []
        self._submit(f"key-{len(self.keys) + len(self.unsure)}", body)

    @precondition(lambda self: self.keys)
    @rule(index=indices)
    def report_again(self, index: int) -> None:
        key, body, case_id = self.keys[index % len(self.keys)]
        answer = deeds.submit(self.world, body, key)
        assert answer["repeated"] and (answer["case_id"], answer["version"]) == (case_id, 1)

    @precondition(lambda self: self.keys)
    @rule(index=indices)
    def same_key_for_another_report(self, index: int) -> None:
        key, body, _ = self.keys[index % len(self.keys)]
        try:
            deeds.submit(self.world, {**body, "reporter_role": "technician"}, key)
        except Conflict:
            return
        raise AssertionError("a used key took another body")

    @precondition(lambda self: self.cases)
    @rule(index=indices, kind=st.sampled_from(KINDS), news=hours_ago)
    def amend(self, index: int, kind: str, news: int | None) -> None:
        if case := self._pick(index):
            self._amend(case, kind, news)

    @precondition(lambda self: self.cases)
    @rule(index=indices)
    def amend_what_has_moved_on(self, index: int) -> None:
        if case := self._pick(index):
            try:
                deeds.amend(self.world, case.case_id, case.version + 1)
            except PreconditionFailed:
                return
            raise AssertionError("an amendment of another version was taken")

    @precondition(lambda self: self.cases)
    @rule(index=indices, other=st.one_of(st.none(), indices))
    def nullify(self, index: int, other: int | None) -> None:
        case = self._pick(index)
        replacement = None if other is None else self._pick(other)
        if case is None or (replacement is not None and replacement.case_id == case.case_id):
            return
        by = replacement.case_id if replacement else None
        self._remember(deeds.nullify(self.world, case.case_id, case.version, by))

    @rule(child=st.sampled_from(CHILDREN[:2]), ago=st.sampled_from([1, 20]))
    def expose(self, child: str, ago: int) -> None:
        if any(one.subject_id == child for one in self.cases.values()):
            deeds.expose(self.world, child, self.world.clock.now() - timedelta(hours=ago))

    @precondition(lambda self: self.cases)
    @rule(index=indices)
    def sign(self, index: int) -> None:
        case = self._pick(index, live=False)
        if case is None or deeds.assessment(self.world, case.case_id) is None:
            return
        try:
            deeds.sign(self.world, case.case_id)
        except Conflict:  # signed already, or something became known since: refused, as it must be
            return

    @precondition(lambda self: self.cases)
    @rule(
        index=indices,
        pair=indices,
        question=st.sampled_from(QUESTIONS),
        said=st.sampled_from(["yes", "no", "unknown", "withdrawn"]),
    )
    def answer_question(self, index: int, pair: int, question: Any, said: Any) -> None:
        case = self._pick(index, live=False)
        if case is None or deeds.assessment(self.world, case.case_id) is None:
            return
        with suppress(Refused):  # nothing recorded to answer about, nothing to withdraw, or a contradiction
            deeds.answer(self.world, case.case_id, question, said, pair)

    @rule(index=indices)
    def confirm(self, index: int) -> None:
        alerts = [row for row in deeds.alerts_of(self.world) if row.state == "open"]
        if alerts:
            deeds.confirm(self.world, alerts[index % len(alerts)].alert_id)

    @precondition(lambda self: self.cases)
    @rule(index=indices, which=indices, method=st.sampled_from(["hand", "mail"]))
    def file(self, index: int, which: int, method: Any) -> None:
        case = self._pick(index, live=False)
        owed = [one for one in deeds.duties(self.world, case.case_id) if one.state != "ended"] if case else []
        if owed:
            with suppress(Conflict):  # told by another way already
                deeds.file(self.world, owed[which % len(owed)].obligation_id, method)

    @rule(index=indices, verdict=st.sampled_from(["received", "rejected"]))
    def answer(self, index: int, verdict: Any) -> None:
        sql = "SELECT filing_id FROM filings WHERE state = 'sent' ORDER BY filing_id"
        sent = judge.rows(self.world, "sae_notifier", sql)
        if sent:
            deeds.receipt(self.world, sent[index % len(sent)][0], verdict)

    # Misfortunes -------------------------------------------------------------------------------------------------

    @rule(service=st.sampled_from(["ae_intake", "causality", "sae_notifier", "dsmb"]), seal=st.booleans())
    def relay(self, service: str, seal: bool) -> None:
        self.world.relay(service, seal=seal)

    @rule(service=st.sampled_from(["causality", "sae_notifier", "dsmb"]))
    def consume(self, service: str) -> None:
        self.world.consume(service)

    @rule()
    def drain(self) -> None:
        self.world.drain()

    @rule(permutation=st.randoms(use_true_random=False))
    def reorder(self, permutation: Any) -> None:
        """What is relayed next comes in any order, also within one child."""

        def scramble(batch: list[Record]) -> list[Record]:
            permutation.shuffle(batch)
            return batch

        self.world.log.scramble = scramble

    @rule(index=indices, count=st.integers(1, 6))
    def redeliver(self, index: int, count: int) -> None:
        log = self.world.log.all()
        for offset in range(min(count, len(log))):
            self.world.log.repeat(log[(index + offset) % len(log)])

    @rule(name=st.sampled_from(DEATHS), nth=st.sampled_from([1, 2, 5]), kind=st.sampled_from(KINDS), index=indices)
    def die(self, name: str, nth: int, kind: str, index: int) -> None:
        """Killed somewhere on the way of a report, an amendment and what follows from them."""
        key, body = f"dying-{len(self.unsure)}", deeds.report("VN01-007", **answers(kind))
        self.unsure.append((key, body))
        with self.world.dying_at(name, nth):
            self._submit(key, body)
            if case := self._pick(index):
                self._amend(case, kind, 1)
            self.world.drain()
            self.world.hand_over()
        self.world.assert_audit()

    @rule()
    def die_idle(self) -> None:
        self.world.crash()

    @rule(service=st.sampled_from(["causality", "sae_notifier", "dsmb"]), kind=st.sampled_from(HEARD))
    def break_handler(self, service: str, kind: str) -> None:
        self.world[service].failing.add(kind)

    @rule()
    def mend_handlers(self) -> None:
        for service in self.world.services.values():
            service.failing.clear()

    @rule(index=indices, discard=st.booleans())
    def attend_to_parked(self, index: int, discard: bool) -> None:
        for name, service in self.world.services.items():
            rows = service.db.read(parking.open_rows)
            if not rows:
                continue
            row = rows[index % len(rows)]
            if discard:
                service.worker.discard(row.parked_id, actor="safety-officer-1", reason="looked at it")
                assert row.aggregate is not None
                version = next(int(v) for k, v in row.delivery().headers if k == "ce_sequence")
                if not row.aggregate.startswith("case/") or not self._heard(name, row.aggregate, version):
                    self.discarded.add((name, row.aggregate, version))
            else:
                try:
                    service.worker.replay(row.parked_id, actor="safety-officer-1", reason="try again")
                except Refused:
                    assert service.failing

    def _heard(self, service: str, aggregate: str, version: int) -> bool:
        sql = f"SELECT 1 FROM received WHERE aggregate = '{aggregate}' AND version = {version}"
        return bool(judge.rows(self.world, service, sql))

    @rule(hours=st.sampled_from([0.01, 3, 20, 70]))
    def time_passes(self, hours: float) -> None:
        self.world.tick(hours=hours)
        self.world.hand_over()

    @rule(refuses=st.booleans())
    def channel(self, refuses: bool) -> None:
        self.world.mail.refuses = refuses

    # Judging -----------------------------------------------------------------------------------------------------

    @invariant()
    def the_owner_holds_what_was_acknowledged(self) -> None:
        sql = "SELECT aggregate, version, sha256 FROM documents WHERE kind = 'case'"
        stored = {(a.removeprefix("case/"), v): h for a, v, h in judge.rows(self.world, "ae_intake", sql)}
        assert self.told.items() <= stored.items()

    def teardown(self) -> None:
        """Everything is mended and comes to rest; clients without an answer ask again; then everything is judged."""
        try:
            self.mend_handlers()
            self.world.mail.refuses = False
            for key, body in self.unsure:
                self._submit(key, body)
            self.world.drain()
            for service in self.world.services.values():
                for row in service.db.read(parking.open_rows):
                    service.worker.replay(row.parked_id, actor="safety-officer-1", reason="mended")
                assert not service.db.read(parking.open_rows)
            self.world.tick(minutes=20)
            self.world.hand_over()
            self.world.drain()
            judge.assert_all(self.world, self.told, self.discarded)
        finally:
            self.world.close()


TestMachine = Machine.TestCase
TestMachine.settings = stories(20, steps=20)
