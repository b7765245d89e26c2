"""The checker's part about electronic reports: our stores against the authorities' own books."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from tests.chaos.anomaly import Anomaly
from tests.chaos.history import Electronic, History, Transmission

GONE = ("sent", "received", "rejected")
ACCEPTING, REJECTING = frozenset({"AA", "AE"}), frozenset({"AR"})
"""What the simulated authority means by its codes: its AE is an acceptance with a warning."""


def electronic(history: History) -> Iterator[Anomaly]:
    """Nothing to judge where nothing electronic ran."""
    seen = history.electronic
    if seen is None:
        return
    filed = {ack.id for ack in history.acknowledged if ack.kind == "transmission"}
    for missing in filed - {one.filing_id for one in seen.transmissions}:
        yield Anomaly("lost", f"transmission {missing}", "it was acknowledged and is not there")
    for part in (_sent, _numbers, _order, _answers, _verdicts):
        yield from part(seen)
    yield from _parked(history, seen)
    yield from _reopened(history, seen)


def _sent(seen: Electronic) -> Iterator[Anomaly]:
    """What a person sent is there, at least once; what is there a person sent, byte for byte."""
    there = {(book.endpoint, book.number) for book in seen.books}
    for one in seen.transmissions:
        arrived = (one.recipient_id, one.number) in there
        if not arrived:
            yield Anomaly("lost", f"report {one.number}", f"stands as {one.state}, and the authority never had it")
        elif one.state not in GONE:
            yield Anomaly("missed", f"report {one.number}", f"the authority has it, it stands as {one.state}")
    stored = {(one.recipient_id, one.number): one.sha256 for one in seen.transmissions}
    for book in seen.books:
        digest = stored.get((book.endpoint, book.number))
        if digest is None:
            yield Anomaly("phantom", f"report {book.number}", f"{book.endpoint} has it, nobody filed it there")
        elif digest != book.sha256:
            yield Anomaly("phantom", f"report {book.number}", "what arrived are not the bytes that were stored")


def _numbers(seen: Electronic) -> Iterator[Anomaly]:
    """One number is one file, at the authority and here."""
    files: dict[str, set[str]] = defaultdict(set)
    for book in seen.books:
        files[book.number].add(book.sha256)
    for number, several in files.items():
        if len(several) > 1:
            yield Anomaly("doubled", f"report {number}", f"{len(several)} different files arrived under one number")
    for what, counted in (("number", Counter(one.number for one in seen.transmissions)),
                          ("file", Counter(one.sha256 for one in seen.transmissions))):  # fmt: skip
        for value, count in counted.items():
            if count > 1:
                yield Anomaly("doubled", f"report {value}", f"{count} filings have this {what}")


def _order(seen: Electronic) -> Iterator[Anomaly]:
    """Of one case the versions arrive ascending, and so do the times of making within one: no follow-up overtakes."""
    sent = {one.number: one for one in seen.transmissions}
    last: dict[tuple[str, str], tuple[int, str]] = {}
    for book in seen.books:
        one = sent.get(book.number)
        if one is None:
            continue
        place, mark = (book.endpoint, one.case_id), (one.case_version, book.created)
        before = last.setdefault(place, mark)
        if mark < before:
            what = f"version {mark[0]} ({mark[1]}) reached {book.endpoint} after version {before[0]} ({before[1]})"
            yield Anomaly("out_of_order", f"report {book.number}", what)
        last[place] = max(mark, before)


def _answers(seen: Electronic) -> Iterator[Anomaly]:
    """Every answer that was given is kept, once; at most one is used for a report, and for the report it is about."""
    given = {one.sha256: one for one in seen.given}
    kept = Counter(one.sha256 for one in seen.kept)
    for digest in given.keys() - kept.keys():
        one = given[digest]
        yield Anomaly("lost", f"answer {one.name} of {one.endpoint}", f"given ({one.code or 'garbage'}) and not here")
    for digest in kept.keys() - given.keys():
        yield Anomaly("phantom", f"answer {digest[:12]}", "nobody gave it")
    for digest, count in kept.items():
        if count > 1:
            yield Anomaly("doubled", f"answer {digest[:12]}", f"kept {count} times")
    numbers = {one.filing_id: one.number for one in seen.transmissions}
    used = [one for one in seen.kept if one.state == "used"]
    for filing_id, count in Counter(one.filing_id for one in used).items():
        if count > 1:
            yield Anomaly("doubled", f"report {numbers.get(filing_id)}", f"{count} answers were used for it")
    for one in used:
        said = given.get(one.sha256)
        if said is not None and numbers.get(one.filing_id) != said.number:
            yield Anomaly(
                "phantom", f"answer {said.name}", f"about {said.number}, used for {numbers.get(one.filing_id)}"
            )


def _verdicts(seen: Electronic) -> Iterator[Anomaly]:
    """What stands beside a report was said of it, and what was said of it stands there."""
    codes: dict[str, set[str]] = defaultdict(set)
    for said in seen.given:
        codes[said.number].add(said.code)
    for one in seen.transmissions:
        place, told = f"report {one.number}", codes[one.number]
        if one.acceptance == "accepted" and not told & ACCEPTING:
            yield Anomaly("phantom", place, f"stands as accepted, the authority said {sorted(told) or 'nothing'}")
        elif one.acceptance == "rejected" and not told & REJECTING:
            yield Anomaly("phantom", place, f"stands as rejected, the authority said {sorted(told) or 'nothing'}")
        elif not one.acceptance and told:
            yield Anomaly("lost", place, f"the authority said {sorted(told)}, nothing stands beside the report")
        if (one.state == "rejected") != (one.acceptance == "rejected"):
            yield Anomaly("phantom", place, f"its state is {one.state}, its acceptance {one.acceptance or 'open'}")


def _parked(history: History, seen: Electronic) -> Iterator[Anomaly]:
    """Whatever was not used calls somebody, once."""
    parked = sum(one.state != "used" for one in seen.kept)
    notified = (history.notifier or {}).values()
    everything = [*history.caseless, *(alert for one in notified for alert in one.alerts)]
    called = sum(one.kind == "ack_parked" for one in everything)
    if called != parked:
        yield Anomaly("lost" if called < parked else "doubled", "answers", f"{called} alerts for {parked} parked")


def _reopened(history: History, seen: Electronic) -> Iterator[Anomaly]:
    """What was turned down is owed, or a later report of the same duty went through; a duty is met by a receipt only."""
    by_duty: dict[str, list[Transmission]] = defaultdict(list)
    for one in seen.transmissions:
        by_duty[one.obligation_id].append(one)
    for obligation_id, told in by_duty.items():
        place, state = f"duty {obligation_id}", told[0].duty_state
        if not state:
            yield Anomaly("lost", place, "reports were sent for it and it is not there")
        if state in ("filed", "received") and all(one.state == "rejected" for one in told):
            yield Anomaly("lost", place, f"all its {len(told)} reports were rejected, and it stands as {state}")
        if state == "received" and not any(one.state == "received" for one in told):
            yield Anomaly("phantom", place, "stands as received, and nothing of it was")
        if state == "open" and any(one.state in GONE for one in told):
            yield Anomaly("lost", place, "a report of it has left, and it stands as open")
        alerts = (history.notifier or {}).get(told[0].case_id)
        if state == "rejected" and not any(one.kind == "rejected" for one in (alerts.alerts if alerts else ())):
            yield Anomaly("missed", place, "it is owed again after a rejection, and nobody was called")
