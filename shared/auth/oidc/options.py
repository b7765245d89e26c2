"""What an installation says about its provider."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.settings import Settings

CALLBACK = "/sign-in/callback"


@dataclass(frozen=True)
class Options:
    """`audience` empty: no access token is taken. `insecure`: plain http to this machine, for rehearsals and tests."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    base_url: str
    scope: str = "openid profile"
    audience: str = ""
    user_claim: str = "preferred_username"
    roles_claim: str = "roles"
    sites_claim: str = "sites"
    role_prefix: str = ""
    skew_s: int = 30
    whom_to_ask: str = ""
    insecure: bool = False

    @property
    def redirect_uri(self) -> str:
        return self.base_url + CALLBACK


def options_of(settings: Settings) -> Options | None:
    """None: people sign in here, with a password."""
    if settings.auth != "oidc":
        return None
    return Options(
        issuer=settings.oidc_issuer,
        client_id=settings.oidc_client_id,
        client_secret=settings.oidc_client_secret.get_secret_value(),
        base_url=settings.base_url,
        scope=settings.oidc_scope,
        audience=settings.oidc_audience,
        user_claim=settings.oidc_user_claim,
        roles_claim=settings.oidc_roles_claim,
        sites_claim=settings.oidc_sites_claim,
        role_prefix=settings.oidc_role_prefix,
        skew_s=settings.oidc_skew_s,
        whom_to_ask=settings.oidc_whom_to_ask,
        insecure=settings.mode == "embedded" or settings.is_rehearsal,
    )
