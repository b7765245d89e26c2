"""Machines with an access token of the provider (client credentials): proved once, then remembered for a minute."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256

from shared.auth.accounts import Accounts
from shared.auth.cache import Cache
from shared.auth.identity import Identity
from shared.auth.oidc.errors import NoRole, SignInRefused
from shared.auth.oidc.openid import entered, rules_of
from shared.auth.oidc.person import machine_of
from shared.auth.oidc.provider import Provider
from shared.auth.oidc.verifier import access_token
from shared.clock import Clock
from shared.errors import Forbidden, SignInNeeded
from shared.telemetry import get_logger

log = get_logger(__name__)

REMEMBER_S = 60.0


class Machines:
    """Turns an access token into an Identity."""

    def __init__(
        self, provider: Provider, accounts: Accounts, clock: Clock, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._provider, self._accounts, self._clock = provider, accounts, clock
        self._known: Cache[Identity] = Cache(REMEMBER_S, monotonic)

    def quick(self, token: str) -> Identity | None:
        """Without any I/O: who it is, or None when that is not known right now."""
        known = self._known.get(_fingerprint(token))
        if known is None or known.expires_at is None or known.expires_at <= self._clock.now():
            return None
        return known

    def slow(self, token: str) -> Identity:
        """Raises SignInNeeded (with the reason), Forbidden (no role) or ProviderAway."""
        known = self.quick(token)
        if known is not None:
            return known
        options, now = self._provider.options, self._clock.now()
        if not options.audience:
            raise SignInNeeded("access tokens are not taken here (TOCSIN_OIDC_AUDIENCE is not set)")
        try:
            claims = access_token(token, self._provider.key_for(token), rules_of(options), now)
            machine = machine_of(claims, options)
            found = entered(self._accounts, options, machine, now, now, machine=True)
        except NoRole:
            raise Forbidden("the access token carries no role that machines have here: system") from None
        except SignInRefused as error:
            log.warning("oidc.machine_refused", reason=error.reason)
            raise SignInNeeded(f"the access token was refused: {error.detail}") from None
        ends = datetime.fromtimestamp(claims["exp"], UTC)
        found = replace(found, via="bearer", expires_at=ends)
        if ends > now:  # within the clocks' tolerance it may have ended: it is proved anew each time
            self._known.put(_fingerprint(token), found)
        return replace(found, expires_at=max(ends, now.replace(microsecond=0)))


def _fingerprint(token: str) -> str:
    return sha256(token.encode()).hexdigest()
