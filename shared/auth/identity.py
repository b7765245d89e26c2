"""The person or machine behind a request, as far as a handler may know."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from shared.auth.roles import SITE_SCOPED, Permission, roles_for
from shared.errors import Forbidden

ACTORS = frozenset({"system", "console", "provider"})
"""Who acts in the trail without being a person: nobody may have such a user id."""
Via = Literal["cookie", "bearer", "basic"]
By = Literal["password", "provider"]


@dataclass(frozen=True)
class Identity:
    """`auth_time`: when they last proved who they are (aware UTC), by a password here or at the provider; `sites`: site ids;
    `expires_at` ends the sign-in."""

    user_id: str
    roles: frozenset[str]
    sites: frozenset[str]
    auth_time: datetime
    name: str = ""
    expires_at: datetime | None = None
    via: Via = "bearer"
    by: By = "password"
    generation: int = field(default=0, repr=False)

    def can(self, name: Permission) -> bool:
        return bool(self.roles & roles_for(name))

    def must(self, name: Permission) -> None:
        """Raise Forbidden unless allowed."""
        if not self.can(name):
            raise Forbidden(f"this needs one of the roles {', '.join(sorted(roles_for(name)))}")

    @property
    def site_scoped(self) -> bool:
        """True for a clinician or an investigator without a role that sees every site."""
        return self.roles <= SITE_SCOPED

    def sees_site(self, site_id: str | None) -> bool:
        """A site-scoped person sees their own sites; what stands at no site is seen only by those who see all."""
        return not self.site_scoped or site_id in self.sites

    def must_see_site(self, site_id: str | None) -> None:
        if not self.sees_site(site_id):
            raise Forbidden("this belongs to another site")
