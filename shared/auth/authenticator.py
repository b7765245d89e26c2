"""Turns what a request carries (cookie, bearer token, HTTP Basic) into an Identity; Argon2 is not paid every time."""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

from shared import metrics
from shared.auth.cache import Cache
from shared.auth.identity import Identity, Via
from shared.auth.throttle import Throttle
from shared.auth.tokens import Signer, SignIns
from shared.auth.users import Users
from shared.clock import Clock
from shared.errors import SignInNeeded

if TYPE_CHECKING:
    from datetime import datetime

    from shared.auth.oidc.machines import Machines
    from shared.auth.oidc.openid import OpenId

BASIC_CACHE_S = 300.0
GENERATION_CACHE_S = 30.0
"""How long somebody who was shut out may still be let in."""


class Authenticator:
    """One per process. `openid` and `machines`: where a provider vouches for people; then `passwords` are for whoever asked."""

    def __init__(
        self,
        users: Users,
        signing_keys: tuple[bytes, ...],
        clock: Clock,
        *,
        session_hours: float = 12.0,
        service: str = "auth",
        monotonic: Callable[[], float] = time.monotonic,
        passwords: bool = True,
        openid: OpenId | None = None,
        machines: Machines | None = None,
    ) -> None:
        self.passwords, self.openid, self._machines = passwords, openid, machines
        self.users, self.clock, self.signer = users, clock, Signer(signing_keys)
        self.sign_ins = SignIns(self.signer, timedelta(hours=session_hours))
        self.throttle = Throttle(monotonic)
        self._service = service
        self._basic: Cache[Identity] = Cache(BASIC_CACHE_S, monotonic)
        self._generations: Cache[int] = Cache(GENERATION_CACHE_S, monotonic)
        self._cache_key = secrets.token_bytes(32)

    def sign_in(self, user_id: str, password: str, address: str) -> tuple[Identity, str, datetime]:
        """(who, token, when it ends). Blocks for Argon2. Raises SignInNeeded or TooManyAttempts."""
        identity = self._prove(user_id, password, address)
        token, expires_at = self.sign_ins.issue(identity, self.clock.now())
        return replace(identity, expires_at=expires_at), token, expires_at

    def verify_password(self, user_id: str, password: str) -> bool:
        """Fresh proof for a signature; throttled like a sign-in (TooManyAttempts), never cached."""
        try:
            self._prove(user_id, password, f"signature:{user_id}")
        except SignInNeeded:
            return False
        return True

    def admit(self, identity: Identity) -> tuple[str, datetime]:
        """(token, when it ends) for somebody whom the provider vouched for."""
        metrics.SIGN_INS.labels(service=self._service, outcome="accepted").inc()
        return self.sign_ins.issue(identity, self.clock.now())

    def refused(self) -> None:
        """Count a sign-in that the provider's answer did not carry."""
        metrics.SIGN_INS.labels(service=self._service, outcome="refused").inc()

    def _prove(self, user_id: str, password: str, address: str) -> Identity:
        if not self.passwords:
            raise SignInNeeded("no passwords are taken here: sign in at the provider")
        self.throttle.check(user_id, address)
        identity = self.users.check(user_id, password, self.clock.now())
        metrics.SIGN_INS.labels(service=self._service, outcome="accepted" if identity else "refused").inc()
        if identity is None:
            self.throttle.failed(user_id, address)
            raise SignInNeeded("the user name or the password is wrong")
        self.throttle.succeeded(user_id, address)
        return identity

    def quick_token(self, token: str, via: Via) -> Identity | None:
        """Without any I/O: who a token belongs to, or None when that is not known right now (then ask `slow_token`)."""
        machines = self._machines_for(token, via)
        identity = machines.quick(token) if machines else self.sign_ins.read(token, self.clock.now(), via)
        if identity is None:
            return None
        return identity if self._generations.get(identity.user_id) == identity.generation else None

    def slow_token(self, token: str, via: Via) -> Identity | None:
        """May read the database, or ask the provider for its keys: the user must still be active and unchanged."""
        machines = self._machines_for(token, via)
        identity = machines.slow(token) if machines else self.sign_ins.read(token, self.clock.now(), via)
        if identity is None:
            return None
        generation = self.users.generation(identity.user_id)
        if generation is None or generation != identity.generation:
            return None
        self._generations.put(identity.user_id, generation)
        return identity

    def _machines_for(self, token: str, via: Via) -> Machines | None:
        """A token of ours has two parts, a provider's three."""
        return self._machines if via == "bearer" and token.count(".") == 2 else None

    def quick_basic(self, user_id: str, password: str) -> Identity | None:
        identity = self._basic.get(self._fingerprint(user_id, password))
        if identity is None or self._generations.get(user_id) != identity.generation:
            return None
        return identity

    def slow_basic(self, user_id: str, password: str, address: str) -> Identity:
        """Blocks for Argon2 unless these credentials were proved lately and the user has not changed since."""
        key = self._fingerprint(user_id, password)
        known = self._basic.get(key)
        generation = self.users.generation(user_id) if known is not None else None
        if known is None or generation != known.generation:
            known = replace(self._prove(user_id, password, address), via="basic")
            self._basic.put(key, known)
        self._generations.put(user_id, known.generation)
        return known

    def still_valid(self, identity: Identity) -> bool:
        """For streams that outlive a request. May read the database."""
        if identity.expires_at is not None and identity.expires_at <= self.clock.now():
            return False
        known = self._generations.get(identity.user_id)
        if known is None:
            known = self.users.generation(identity.user_id)
            if known is not None:
                self._generations.put(identity.user_id, known)
        return known == identity.generation

    def _fingerprint(self, user_id: str, password: str) -> str:
        return hmac.new(self._cache_key, f"{user_id}\x00{password}".encode(), sha256).hexdigest()
