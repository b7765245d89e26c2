"""What must hold of a `World` at rest, read from its databases and its log; each breach is an assertion that names it."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from services.sae_notifier import store as notifier_store
from shared.bus import received
from shared.case import Obligation
from tests.support import oracle
from tests.support.oracle import Version
from tests.support.world import World

Discarded = set[tuple[str, str, int]]
"""(service, aggregate, version) that a named person closed without effect."""
JUDGED = ("case/", "exposure/", "measurement/", "subject/", "batch/")


def rows(world: World, service: str, sql: str) -> list[tuple[Any, ...]]:
    with world[service].db.engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(sql).all()]


def assert_all(world: World, acknowledged: Mapping[tuple[str, int], str], discarded: Discarded) -> None:
    """Nothing in flight, nothing parked: every promise is judged. `acknowledged` maps (case id, version) to its SHA-256."""
    nothing_lost(world, acknowledged, discarded)
    nothing_twice(world)
    versions_contiguous(world)
    cases = cases_at_notifier(world)
    every_sae_alerts_once(world, cases)
    for case_id, versions in cases.items():
        duties_in_time(world, case_id, versions, cases)
        nothing_relaxed_unduly(world, case_id, versions, cases)
    world.assert_audit()


def nothing_lost(world: World, acknowledged: Mapping[tuple[str, int], str], discarded: Discarded) -> None:
    stored = {(a, v): h for a, v, h in rows(world, "ae_intake", "SELECT aggregate, version, sha256 FROM documents")}
    logged = {(d.header("ce_subject"), int(d.header("ce_sequence") or 0)) for d in world.log.all()}
    for (case_id, version), digest in acknowledged.items():
        place = (f"case/{case_id}", version)
        assert stored.get(place) == digest, f"{place} was acknowledged and is not stored as acknowledged"
        assert place in logged, f"{place} never reached the log"
    for service in ("causality", "sae_notifier", "dsmb"):
        heard = {(a, v): h for a, v, h in rows(world, service, "SELECT aggregate, version, sha256 FROM received")}
        for place, digest in stored.items():
            if (service, *place) not in discarded:
                assert heard.get(place) == digest, f"{service} does not hold {place}"


def nothing_twice(world: World) -> None:
    for service in world.services:
        doubled = rows(world, service, "SELECT aggregate, version FROM outbox GROUP BY 1, 2 HAVING count(*) > 1")
        assert not doubled, f"{service} published {doubled} under two event ids"
        entries = [json.loads(entry) for (entry,) in rows(world, service, "SELECT entry FROM audit")]
        received_in = [entry for entry in entries if entry["action"].startswith("received ")]
        handled = Counter(name for entry in received_in for name in entry["rows"] if name.startswith("received/"))
        assert all(count == 1 for count in handled.values()), f"{service} acted twice: {handled.most_common(3)}"
    taken = Counter(message.message_id for message in world.mail.taken)
    known = {one for (one,) in rows(world, "sae_notifier", "SELECT message_id FROM calls")}
    known |= {f"<{n}@tocsin.invalid>" for (n,) in rows(world, "sae_notifier", "SELECT message_number FROM filings")}
    assert set(taken) <= known, "a mail was sent that nothing accounts for"


def versions_contiguous(world: World) -> None:
    for service, table, key in (
        ("ae_intake", "documents", "aggregate"),
        ("causality", "assessments", "case_id"),
        ("sae_notifier", "obligation_versions", "obligation_id"),
    ):
        found: dict[str, list[int]] = defaultdict(list)
        for name, version in rows(world, service, f"SELECT {key}, version FROM {table} ORDER BY version"):
            found[name].append(version)
        for name, versions in found.items():
            assert versions == list(range(1, len(versions) + 1)), f"{service}: {name} has versions {versions}"


def cases_at_notifier(world: World) -> dict[str, list[Version]]:
    """Every version of every case that the notifier has received, oldest first."""
    found: dict[str, list[Version]] = defaultdict(list)
    sql = "SELECT aggregate, body FROM received WHERE aggregate LIKE 'case/%' ORDER BY aggregate, version"
    for name, body in rows(world, "sae_notifier", sql):
        found[name.removeprefix("case/")].append(json.loads(body))
    return dict(found)


def every_sae_alerts_once(world: World, cases: Mapping[str, list[Version]]) -> None:
    alerts = rows(world, "sae_notifier", "SELECT cause, alert_id, state FROM alerts")
    causes = Counter(cause for cause, _, _ in alerts)
    assert all(count == 1 for count in causes.values()), f"one cause alerted twice: {causes.most_common(3)}"
    for case_id, versions in cases.items():
        live = [one for one in versions if one["nullified"] is None and oracle.serious(one) is not False]
        opened = {cause for cause in causes if cause.startswith(f"sae/{case_id}")}
        expected = {f"sae/{case_id}"} if live else set()
        if any(oracle.fatal(one) for one in live[1:]) and oracle.fatal(live[0]) is not True:
            expected.add(f"sae/{case_id}/fatal")
        # A later version may have come first: then its alert stands although the earlier one would have said it all.
        assert expected <= opened <= expected | ({f"sae/{case_id}/fatal"} if live else set()), (case_id, opened)
    called = Counter(alert for (alert,) in rows(world, "sae_notifier", "SELECT alert_id FROM calls"))
    waiting = {one for (one,) in rows(world, "sae_notifier", "SELECT alert_id FROM calls WHERE state = 'waiting'")}
    for cause, alert_id, state in alerts:
        assert called[alert_id], f"{cause} calls nobody"
        assert state == "open" or alert_id not in waiting, f"{cause} was confirmed and goes on calling"


def obligations(world: World, case_id: str) -> dict[str, list[Obligation]]:
    """Every version of every duty of a case, by duty."""
    store = notifier_store
    heads = world["sae_notifier"].db.read(lambda tx: store.obligations_of(tx, [case_id]))
    return {
        one.obligation_id: world["sae_notifier"].db.read(
            lambda tx, o=one.obligation_id: store.obligation_history(tx, o)
        )
        for one in heads
    }


def replaced_by(case_id: str, cases: Mapping[str, list[Version]]) -> list[Version]:
    """All versions of the cases whose nullification names this one."""
    void = [one for one in cases.values() if any((v["nullified"] or {}).get("replaced_by") == case_id for v in one)]
    return [version for versions in void for version in versions]


def duties_in_time(world: World, case_id: str, versions: list[Version], cases: Mapping[str, list[Version]]) -> None:
    """No duty is missing, doubled, or due later than the strict reading of everything the recipient was not told."""
    filed = rows(world, "sae_notifier", f"SELECT obligation_id FROM filings WHERE case_id = '{case_id}'")
    told = {one for (one,) in filed}
    inherited = replaced_by(case_id, cases)
    by_place: dict[tuple[str, str], list[Obligation]] = defaultdict(list)
    for history in obligations(world, case_id).values():
        by_place[oracle.group_of(history[-1].rule_id), history[-1].recipient_id].append(history[-1])
    for group, recipients in oracle.GROUPS.items():
        due = oracle.latest_due(group, versions, inherited)
        for recipient in recipients:
            found = by_place[group, recipient]
            if due is None:
                assert all(one.state == "ended" for one in found), f"{group} to {recipient}: nothing asks for it"
                continue
            assert found, f"{case_id}: no {group} duty to {recipient}"
            untold = [one for one in found if one.obligation_id not in told]
            if len(found) == 1:
                # Told or not, the strict date of the first duty is never after that of the first version.
                bound = due if untold else oracle.latest_due(group, versions[:1], inherited)
                assert bound is None or found[0].due_strict_at <= bound, (
                    f"{case_id}: {found[0].rule_id} to {recipient} is due {found[0].due_strict_at}, strictly read {bound}"
                )
            assert len(untold) <= 1, f"{case_id}: {group} to {recipient} is owed twice"
            for one in found:
                assert one.due_strict_at <= one.due_at


def nothing_relaxed_unduly(
    world: World, case_id: str, versions: list[Version], cases: Mapping[str, list[Version]]
) -> None:
    newest = versions[-1]
    signed = _fresh_signature(world, case_id, newest["subject_id"])
    answered = any(v["change_reason"] and v["reporter_role"] in ("clinician", "investigator") for v in versions[1:])
    for obligation_id, history in obligations(world, case_id).items():
        name = f"{history[-1].rule_id} to {history[-1].recipient_id} of {case_id} ({obligation_id})"
        for before, after in pairwise(history):
            if before.state != "ended":
                assert after.due_strict_at <= before.due_strict_at, f"{name}: its strict date moved later"
            if after.due_at > before.due_at:
                assert answered or signed, f"{name}: its date moved later and nobody answered or signed"
        last = history[-1]
        if last.state != "ended":
            continue
        void = newest["nullified"]
        match last.ended_why:
            case "nullified":
                assert void is not None and void["replaced_by"] is None, name
            case "replaced":
                assert void is not None and void["replaced_by"] in cases, f"{name}: ended before its replacement came"
            case "not_reportable_signed":
                assert signed, f"{name}: ended by an assessment that is unsigned or stale"
            case "answered_not_reportable":
                question = oracle.serious if not last.rule_id.startswith("VN-URGENT") else oracle.fatal
                assert question(newest) is False and (answered or signed), f"{name}: ended without an answer"
                assert not any(question(one) for one in versions), (
                    f"{name}: it was stated, and no signature took it back"
                )
            case other:
                raise AssertionError(f"{name}: ended, {other}")


def _fresh_signature(world: World, case_id: str, subject_id: str) -> bool:
    """Whether the newest assessment the notifier holds is signed and judged everything it holds of that child."""
    history = world["sae_notifier"].db.read(lambda tx: received.history(tx, f"assessment/{case_id}"))
    if not history:
        return False
    data = json.loads(history[-1].body)
    judged = {one["aggregate"]: one["version"] for one in data["judged"]}
    current = world["sae_notifier"].db.read(lambda tx: notifier_store.current_versions(tx, subject_id))
    fresh = all(judged.get(a, 0) >= v for a, v in current.items() if a.startswith(JUDGED))
    return data["signature"] is not None and fresh
