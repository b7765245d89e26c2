"""Events put straight onto the log, as ae_intake would have published them: what a consumer finds after an outage."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice

from bench import workload
from services.ae_intake import domain
from services.ae_intake.commands import SubmitCase
from shared import terms
from shared.bus.kafka import KafkaBus
from shared.bus.port import SAFETY_TOPIC, BusSettings, Record
from shared.canonical import canonical
from shared.case import CodedTerm, Exposure, Measurement, Moment, Published, Subject
from shared.case.seriousness import of_case
from shared.events.envelope import headers_of
from shared.ids import new_id

CASES_PER_CHILD = 2
AT = datetime(2026, 10, 1, 2, 0, tzinfo=UTC)
_FIRST_INFUSION = Moment(value="2026-01-05T09:00", zone=workload.ZONE)
_SECOND_INFUSION = Moment(value="2026-07-06T09:00", zone=workload.ZONE)


def cases(count: int, trial_id: str) -> Iterator[Record]:
    """`count` cases of half as many children, each child with its document and two infusions before them."""
    rng = random.Random(7)
    for number in range(count):
        subject_id = workload.child(number // CASES_PER_CHILD)
        if number % CASES_PER_CHILD == 0:
            yield _subject(subject_id, trial_id)
            for infusion, start in enumerate((_FIRST_INFUSION, _SECOND_INFUSION), 1):
                yield _infusion(subject_id, trial_id, infusion, start)
        command = SubmitCase.model_validate(workload.report(subject_id, rng))
        case = domain.first_version(
            command,
            case_id=new_id(),
            case_number=f"VN-VINMEC-2026-{number:06d}",
            trial_id=trial_id,
            subject_id=subject_id,
            site_id="VINMEC",
            reported_by="clinician",
            new_id=new_id,
            code_term=_code_term,
            now=AT + timedelta(seconds=number),
        )
        yield _record(
            "tocsin.case.reported.v1", case, f"case/{case.case_id}", subject_id, trial_id, serious=of_case(case).serious
        )


def measurements(count: int, trial_id: str) -> Iterator[Record]:
    """`count` haemoglobins of children who have no case: nothing to judge, everything to keep."""
    for number in range(count):
        subject_id = workload.child(50_000 + number % 500)
        found = Measurement(
            measurement_id=new_id(),
            version=1,
            trial_id=trial_id,
            subject_id=subject_id,
            test="haemoglobin",
            value="11.2",
            unit="g/dL",
            taken=_FIRST_INFUSION,
            recorded_at=AT,
        )
        name = f"measurement/{found.measurement_id}"
        yield _record("tocsin.measurement.recorded.v1", found, name, subject_id, trial_id)


async def publish(bootstrap: str, records: Iterator[Record]) -> int:
    """Returns how many the log took; raises RuntimeError when it refuses one."""
    bus = KafkaBus(BusSettings(kafka_bootstrap=bootstrap, client_id="bench"))
    await bus.start()
    done = 0
    try:
        while batch := list(islice(records, 500)):
            _raise_first(await bus.publish(batch, timeout_s=30))
            done += len(batch)
    finally:
        await bus.close()
    return done


def _raise_first(outcomes: Sequence[object]) -> None:
    for outcome in outcomes:
        if getattr(outcome, "placed", None) is None:
            raise RuntimeError(f"the log refused an event: {getattr(outcome, 'error', '')}")


def _subject(subject_id: str, trial_id: str) -> Record:
    child = Subject(subject_id=subject_id, version=1, trial_id=trial_id, site_id="VINMEC", recorded_at=AT)
    return _record("tocsin.subject.recorded.v1", child, f"subject/{subject_id}", subject_id, trial_id)


def _infusion(subject_id: str, trial_id: str, number: int, start: Moment) -> Record:
    infusion = Exposure(
        exposure_id=new_id(),
        version=1,
        trial_id=trial_id,
        subject_id=subject_id,
        kind="bm_mnc_infusion",
        start=start,
        infusion_number=number,
        recorded_at=AT,
    )
    name = f"exposure/{infusion.exposure_id}"
    return _record("tocsin.exposure.recorded.v1", infusion, name, subject_id, trial_id)


def _record(
    type_name: str, document: Published, aggregate: str, subject_id: str, trial_id: str, *, serious: bool = False
) -> Record:
    headers = headers_of(
        id=new_id(),
        source="ae_intake",
        type=type_name,
        aggregate=aggregate,
        version=1,
        trial_id=trial_id,
        partition_key=subject_id,
        serious=serious,
        time=AT,
        traceparent=None,
    )
    return Record(SAFETY_TOPIC, subject_id, canonical(document), headers)


def _code_term(code: str) -> CodedTerm | None:
    found = terms.find(code, "5.0")
    return CodedTerm(dictionary="CTCAE", version="5.0", code=found.code, term=found.name) if found else None
