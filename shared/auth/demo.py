"""The demonstration's users. Their passwords are public: `Settings` refuses them where anybody else could come.

The ids of the safety desk are those of the shipped trial's roster.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from shared.auth.users import Users
from shared.errors import Conflict

DEMO_SITE = "VINMEC"


@dataclass(frozen=True)
class DemoUser:
    user_id: str
    name: str
    role: str
    sites: tuple[str, ...] = ()

    @property
    def password(self) -> str:
        return f"tocsin-demo-{self.user_id}"

    @property
    def email(self) -> str:
        return f"{self.user_id}@example.org"


DEMO_USERS: tuple[DemoUser, ...] = (
    DemoUser("clinician", "Demo clinician", "clinician", (DEMO_SITE,)),
    DemoUser("investigator", "Demo investigator", "investigator", (DEMO_SITE,)),
    DemoUser("safety-officer-1", "Demo safety officer 1", "safety_officer"),
    DemoUser("safety-officer-2", "Demo safety officer 2 (stand-in)", "safety_officer"),
    DemoUser("medical-monitor-1", "Demo medical monitor", "medical_monitor"),
    DemoUser("dsmb-member", "Demo DSMB member", "dsmb_member"),
    DemoUser("dsmb-statistician", "Demo DSMB statistician", "dsmb_statistician"),
    DemoUser("auditor", "Demo auditor", "auditor"),
    DemoUser("admin", "Demo administrator", "admin"),
    DemoUser("machine", "Demo machine", "system"),
)


def ensure_demo_users(users: Users, now: datetime, *, sites: tuple[str, ...] = (DEMO_SITE,)) -> list[DemoUser]:
    """Create those that are missing (`sites` are the trial's); returns all of them, for the sign-in list at start."""
    present = {row.user_id for row in users.list()}
    for demo in DEMO_USERS:
        if demo.user_id in present:
            continue
        try:
            users.add(
                demo.user_id,
                demo.name,
                demo.password,
                [demo.role],
                now=now,
                sites=sites if demo.sites else (),
                email=demo.email,
            )
        except Conflict:  # the other instance was quicker
            continue
    return list(DEMO_USERS)
