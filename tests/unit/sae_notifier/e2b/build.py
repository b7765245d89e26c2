"""What the tests of E2B start from: the invented meningitis of the form's tests, a sender without a person, two receivers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from services.sae_notifier.e2b import Facts, Message, Profile, Registration, Sender, Source, Study
from tests.unit.sae_notifier.forms import samples

CREATED = datetime(2026, 3, 11, 3, 4, 5, tzinfo=UTC)
NOW = datetime(2026, 3, 12, tzinfo=UTC)
CASE = samples.CASE
SENDER = Sender(
    organisation="Trial sponsor",
    department="Safety desk",
    title="Dr",
    given_name="On-call",
    family_name="Safety officer",
    street="1 Example Street",
    city="Hanoi",
    state="Hanoi",
    postcode="10000",
    country="VN",
    telephone="+84240000000",
    fax="+84240000001",
    email="safety@example.org",
)
STUDY = Study(
    name="CP-II$Bone-marrow cells in cerebral palsy",
    sponsor_number="BMMNC-CP-II",
    registrations=(Registration("TEST-0001", "VN"),),
    condition="Spastic cerebral palsy",
    ind_number="123456",
    cross_reported=("222222",),
)
FACTS = Facts(
    sender=SENDER,
    source=Source(country="VN", organisation="Hanoi site", city="Hanoi"),
    study=STUDY,
    subject=samples.SUBJECT,
    exposures=samples.EXPOSURES,
    batches=samples.BATCHES,
    measurements=samples.MEASUREMENTS,
    assessment=samples.SIGNED,
    history=(samples.FIRST, samples.SECOND),
    zone="Asia/Ho_Chi_Minh",
    product="autologous bone-marrow mononuclear cells",
    routes={"bm_mnc_infusion": "intrathecal"},
)
_RECEIVERS: dict[Profile, tuple[str, str]] = {
    "ich": ("NRA-TEST", "NRA-TEST"),
    "fda-premarket": ("ZZFDATST_PREMKT", "CBER_IND"),
}


def message(profile: Profile = "ich", **changed: Any) -> Message:
    batch_receiver, receiver = _RECEIVERS[profile]
    given: dict[str, Any] = {
        "batch_number": "TEST-2026-000001",
        "batch_sender": "TESTSENDER",
        "batch_receiver": batch_receiver,
        "sender": "TESTSENDER",
        "receiver": receiver,
        "created_at": CREATED,
        "transmitted_at": CREATED,
        "criteria": "6",
        "initial": False,
    }
    return Message(**(given | changed))
