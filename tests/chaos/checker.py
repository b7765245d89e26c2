"""Judges a finished run: pure, so that it has tests of its own, and mutants of the product to prove that it can fail."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping

from tests.chaos import judged
from tests.chaos.anomaly import Anomaly
from tests.chaos.history import DutyFact, History, IntakeCase, NotifierCase

CALLED_ONCE = ("sae", "sae_upgraded")


def check(history: History) -> list[Anomaly]:
    """Every broken promise of a run that has come to rest. A run that did not is one anomaly, whatever else it shows."""
    found = list(_undrained(history))
    for part in (_intake, _notifier, _causality, _board, _phantoms, _mails, _filings, judged.electronic, _trail):
        found.extend(part(history))
    return found


def _undrained(history: History) -> Iterator[Anomaly]:
    if history.undrained:
        yield Anomaly("undrained", "run", history.undrained)


def _intake(history: History) -> Iterator[Anomaly]:
    """What was answered 2xx is there, once, under the number and version that were told."""
    ids: dict[str, set[str]] = defaultdict(set)
    versions: dict[tuple[str, int], set[str]] = defaultdict(set)
    for ack in history.acknowledged:
        if ack.kind == "exposure":
            ids[ack.key].add(ack.id)
            if f"exposure/{ack.id}" not in history.aggregates.get(ack.subject_id, {}):
                yield Anomaly("lost", f"exposure {ack.id}", "it was acknowledged and is not there")
        if ack.kind not in ("case", "amendment"):
            continue
        if ack.kind == "case":
            ids[ack.key].add(ack.id)
        versions[ack.id, ack.version].add(ack.key)
        case = history.cases.get(ack.id)
        if case is None:
            yield Anomaly("lost", f"case {ack.id}", f"{ack.kind} {ack.key} was acknowledged and the case is not there")
        elif case.version < ack.version:
            yield Anomaly("lost", f"case {ack.id}", f"version {ack.version} was acknowledged, {case.version} is there")
        elif ack.case_number and case.case_number != ack.case_number:
            yield Anomaly("doubled", f"case {ack.id}", f"two numbers: {ack.case_number} and {case.case_number}")
    for key, several in ids.items():
        if len(several) > 1:
            yield Anomaly("doubled", f"key {key}", f"one Idempotency-Key was answered with {len(several)} ids")
    for (case_id, version), keys in versions.items():
        if len(keys) > 1:
            yield Anomaly("doubled", f"case {case_id}", f"version {version} was given to {len(keys)} submissions")
    for name, which in (("key", Counter(case.key for case in history.cases.values() if case.key)),
                        ("number", Counter(case.case_number for case in history.cases.values()))):  # fmt: skip
        for value, count in which.items():
            if count > 1:
                yield Anomaly("doubled", f"{name} {value}", f"{count} cases carry it")


def _notifier(history: History) -> Iterator[Anomaly]:
    """Every stored case has its duties, as its newest version wants them, and one alert per cause."""
    if history.notifier is None:
        return
    for case in history.cases.values():
        seen = history.notifier.get(case.case_id, NotifierCase())
        yield from _duties(case, seen)
        made = Counter(alert.kind for alert in seen.alerts if alert.kind in CALLED_ONCE)
        for kind in CALLED_ONCE:
            wanted = 1 if kind in case.alerts else 0
            if made[kind] < wanted:
                yield Anomaly("lost", f"case {case.case_number}", f"no alert ({kind}) was opened")
            elif made[kind] > max(1, wanted):
                yield Anomaly("doubled", f"case {case.case_number}", f"{made[kind]} alerts ({kind}) for one cause")
            elif made[kind] > wanted:
                yield Anomaly("phantom", f"case {case.case_number}", f"an alert ({kind}) that nothing calls for")


def _duties(case: IntakeCase, seen: NotifierCase) -> Iterator[Anomaly]:
    place = f"case {case.case_number}"
    wanted = {one.obligation_id: one for one in case.duties}
    actual = {one.obligation_id: one for one in seen.duties}
    for duplicate, count in Counter(one.obligation_id for one in seen.duties).items():
        if count > 1:
            yield Anomaly("doubled", place, f"obligation {duplicate} is listed {count} times")
    for missing in wanted.keys() - actual.keys():
        yield Anomaly(
            "lost", place, f"{wanted[missing].recipient_id} is owed {wanted[missing].rule_id}, no duty says so"
        )
    if case.filed:
        return
    for more in actual.keys() - wanted.keys():
        if actual[more].kept:
            continue
        yield Anomaly(
            "doubled", place, f"a duty ({actual[more].rule_id}, {actual[more].recipient_id}) beyond those owed"
        )
    for same in wanted.keys() & actual.keys():
        if not _agree(wanted[same], actual[same]):
            ordered = same in seen.reached_before
            yield Anomaly(
                "out_of_order" if ordered else "lost",
                place,
                f"{wanted[same].recipient_id}: {actual[same].rule_id} due {actual[same].due_at} "
                f"(strict {actual[same].due_strict_at}) instead of {wanted[same].rule_id} due {wanted[same].due_at} "
                f"(strict {wanted[same].due_strict_at}), which version {case.version} of the case asks for",
            )


def _agree(wanted: DutyFact, actual: DutyFact) -> bool:
    """The strict date may only be earlier: once announced it never moves later."""
    return (wanted.rule_id, wanted.due_at) == (actual.rule_id, actual.due_at) and (
        actual.due_strict_at <= wanted.due_strict_at
    )


def _causality(history: History) -> Iterator[Anomaly]:
    """The newest assessment judges the newest version of the case, and of everything else known of the child."""
    if history.causality is None:
        return
    for case in history.cases.values():
        place = f"case {case.case_number}"
        seen = history.causality.get(case.case_id)
        if seen is None or not seen.case_versions:
            yield Anomaly("lost", place, "nobody assessed it")
            continue
        if any(later < before for before, later in zip(seen.case_versions, seen.case_versions[1:], strict=False)):
            yield Anomaly("out_of_order", place, f"assessed by versions {seen.case_versions}")
        elif seen.case_versions[-1] < case.version:
            yield Anomaly("lost", place, f"version {seen.case_versions[-1]} was assessed, {case.version} is there")
        if len(set(seen.case_versions)) < len(seen.case_versions) and _repeats(history, case, seen.case_versions):
            yield Anomaly("doubled", place, f"assessed {len(seen.case_versions)} times, more often than things changed")
        for aggregate, version in history.aggregates.get(case.subject_id, {}).items():
            judged = seen.judged.get(aggregate)
            if aggregate != f"case/{case.case_id}" and (judged is None or judged < version):
                yield Anomaly("lost", place, f"{aggregate} is at version {version}, the assessment judged {judged}")


def _repeats(history: History, case: IntakeCase, versions: tuple[int, ...]) -> bool:
    """More assessments than versions of documents of that child: somebody acted twice on one of them."""
    return len(versions) > sum(history.aggregates.get(case.subject_id, {}).values())


def _board(history: History) -> Iterator[Anomaly]:
    """A cut holds the newest version of every document, its reports can be made again, and a crossing calls people once."""
    if history.board is None:
        return
    board = history.board
    there = {name: version for of_child in history.aggregates.values() for name, version in of_child.items()}
    for aggregate, version in there.items():
        if board.versions.get(aggregate, 0) < version:
            yield Anomaly("lost", aggregate, f"is at {version}, the cut holds {board.versions.get(aggregate)}")
    for aggregate, version in board.versions.items():
        known = there.get(aggregate, 0 if aggregate.startswith("case/") else version)
        if version > known:
            yield Anomaly("phantom", aggregate, f"the cut holds version {version}, there are {known}")
    yield from _allocations(history, board.versions)
    if set(board.again) != {"identical"}:
        yield Anomaly("out_of_order", "cut", f"made once more its reports are {board.again}")
    if history.notifier is not None:
        called = sum(one.kind == "dsmb_rule" for one in history.caseless)
        if called != board.crossings:
            what = f"{called} alerts for {board.crossings} crossings of a stopping rule"
            yield Anomaly("lost" if called < board.crossings else "doubled", "dsmb", what)


def _allocations(history: History, cut: Mapping[str, int]) -> Iterator[Anomaly]:
    """Each arm that was recorded is with the board, once: a request that had to be repeated may have made more versions."""
    told = {ack.id for ack in history.acknowledged if ack.kind == "allocation"}
    at_the_board = {name.removeprefix("allocation/"): cut[name] for name in cut if name.startswith("allocation/")}
    for child in told - at_the_board.keys():
        yield Anomaly("lost", f"allocation/{child}", "it was acknowledged and the board does not have it")
    for child, version in at_the_board.items():
        tried = history.allocations_tried.get(child, 0)
        if version > tried:
            kind = "doubled" if tried else "phantom"
            yield Anomaly(kind, f"allocation/{child}", f"the board has version {version}, {tried} requests were made")


def _phantoms(history: History) -> Iterator[Anomaly]:
    """Nothing acts on a case, or a version, that ae_intake does not hold."""
    for case_id, seen in (history.notifier or {}).items():
        case = history.cases.get(case_id)
        if case is None:
            yield Anomaly(
                "phantom", f"case {case_id}", f"{len(seen.duties)} duties and {len(seen.alerts)} alerts for it"
            )
        elif (most := max((one.case_version for one in seen.duties), default=0)) > case.version:
            yield Anomaly("phantom", f"case {case_id}", f"a duty knows version {most}, there are {case.version}")
    for case_id, assessed in (history.causality or {}).items():
        case = history.cases.get(case_id)
        if case is None:
            yield Anomaly("phantom", f"case {case_id}", "it was assessed and does not exist")
            continue
        if max(assessed.case_versions, default=0) > case.version:
            yield Anomaly("phantom", f"case {case_id}", f"assessed at {max(assessed.case_versions)}, is {case.version}")
        for aggregate, version in assessed.judged.items():
            if version > history.aggregates.get(case.subject_id, {}).get(aggregate, 0):
                yield Anomaly("phantom", f"case {case_id}", f"judged {aggregate} version {version}, which is not there")


def _mails(history: History) -> Iterator[Anomaly]:
    """Every alert reached the mail server at least once; a repeat carries the same Message-ID."""
    if history.notifier is None:
        return
    alerts = {alert.alert_id: alert for seen in history.notifier.values() for alert in seen.alerts}
    alerts |= {alert.alert_id: alert for alert in history.caseless}
    handed: dict[str, set[str]] = defaultdict(set)
    for mail in history.mails:
        if not mail.alert_id:
            continue
        handed[mail.alert_id].add(mail.message_id)
        alert = alerts.get(mail.alert_id)
        if alert is None:
            yield Anomaly(
                "phantom", f"mail {mail.message_id}", f"it rings for alert {mail.alert_id}, which is not there"
            )
        elif mail.message_id not in alert.message_ids:
            yield Anomaly("doubled", f"alert {mail.alert_id}", f"a mail by another Message-ID, {mail.message_id}")
    for alert in alerts.values():
        if alert.alert_id not in handed and alert.state != "confirmed":
            yield Anomaly("missed", f"alert {alert.alert_id}", f"no mail rang for it ({alert.kind}, {alert.case_id})")
    for ack in history.acknowledged:
        if ack.kind == "confirmation" and (ack.id not in alerts or alerts[ack.id].state != "confirmed"):
            yield Anomaly("lost", f"alert {ack.id}", "its confirmation was acknowledged and is not there")


def _filings(history: History) -> Iterator[Anomaly]:
    """What was filed by mail was mailed, under one number, and is known to be sent."""
    if history.notifier is None:
        return
    there = {one.filing_id: one for one in history.filings}
    mailed = {mail.message_id for mail in history.mails}
    for ack in history.acknowledged:
        if ack.kind == "filing" and ack.id not in there:
            yield Anomaly("lost", f"filing {ack.id}", "it was acknowledged and is not there")
    for filing in history.filings:
        if filing.state != "sent" or filing.message_id not in mailed:
            yield Anomaly(
                "missed", f"filing {filing.filing_id}", f"{filing.state}, mailed: {filing.message_id in mailed}"
            )
    tellings = Counter((one.case_id, one.case_version, one.recipient_id) for one in history.filings)
    for (case_id, version, recipient), count in tellings.items():
        if count > 1:
            yield Anomaly("doubled", f"case {case_id}", f"version {version} was filed {count} times with {recipient}")


def _trail(history: History) -> Iterator[Anomaly]:
    for service, breaches in history.breaches.items():
        for breach in breaches:
            yield Anomaly("audit", service, breach)
    for service, count in history.parked.items():
        if count:
            yield Anomaly("parked", service, f"{count} events wait for a named person; none was poison")
