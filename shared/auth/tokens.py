"""Signed values that a browser or a script keeps for us: a sign-in, and a form that waits for one.

`base64url(JSON) "." base64url(HMAC-SHA256)`, compared in constant time; `kid` names the key, `use` keeps one kind of
value from being taken for another. Nothing is stored; a sign-in ends by its `exp`, or when the user's generation moves.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from shared.auth.identity import Identity, Via

_SKEW = timedelta(seconds=60)


class Signer:
    """`keys[0]` signs; every key verifies (rotation)."""

    def __init__(self, keys: tuple[bytes, ...]) -> None:
        if not keys or any(len(key) < 32 for key in keys):
            raise ValueError("a signing key has at least 32 bytes")
        self._keys = {sha256(key).hexdigest()[:8]: key for key in reversed(keys)}
        self._current = sha256(keys[0]).hexdigest()[:8]

    def seal(self, use: str, payload: Mapping[str, object]) -> str:
        body = _encode(
            json.dumps(
                {**payload, "use": use, "kid": self._current}, separators=(",", ":"), ensure_ascii=False
            ).encode()
        )
        return f"{body}.{_encode(self._mac(self._current, body))}"

    def open(self, use: str, sealed: str) -> dict[str, object] | None:
        """The payload, or None when it was not sealed by us for this use."""
        body, dot, mac = sealed.partition(".")
        if not dot or not sealed.isascii():
            return None
        try:
            payload = json.loads(_decode(body))
            given = _decode(mac)
        except (ValueError, binascii.Error, RecursionError):
            return None
        kid = payload.get("kid") if isinstance(payload, dict) else None
        if not isinstance(kid, str) or kid not in self._keys:
            return None
        if not hmac.compare_digest(self._mac(kid, body), given) or payload.get("use") != use:
            return None
        return payload

    def _mac(self, kid: str, body: str) -> bytes:
        return hmac.new(self._keys[kid], body.encode(), sha256).digest()


class SignIns:
    """Makes and reads sign-in tokens."""

    def __init__(self, signer: Signer, lifetime: timedelta) -> None:
        self._signer, self._lifetime = signer, lifetime

    def issue(self, identity: Identity, now: datetime) -> tuple[str, datetime]:
        """(token, when it ends)."""
        expires_at = (now + self._lifetime).replace(microsecond=0)
        payload = {
            "sub": identity.user_id,
            "name": identity.name,
            "roles": sorted(identity.roles),
            "sites": sorted(identity.sites),
            "auth_time": int(identity.auth_time.timestamp()),
            "exp": int(expires_at.timestamp()),
            "gen": identity.generation,
            "by": identity.by,
        }
        return self._signer.seal("sign-in", payload), expires_at

    def read(self, token: str, now: datetime, via: Via) -> Identity | None:
        """Who it was made for, or None when it is not ours or has ended."""
        identity = self._identity(token, via)
        if identity is None or identity.expires_at is None:
            return None
        return identity if identity.auth_time - _SKEW <= now < identity.expires_at else None

    def whose(self, token: str) -> str | None:
        """The user of a token of ours even when it has ended: to say whose text is waiting, never to let anybody in."""
        identity = self._identity(token, "cookie")
        return identity.user_id if identity else None

    def _identity(self, token: str, via: Via) -> Identity | None:
        payload = self._signer.open("sign-in", token)
        if payload is None:
            return None
        match payload:
            case {
                "sub": str(user_id),
                "name": str(name),
                "roles": list(roles),
                "sites": list(sites),
                "auth_time": int(auth_time),
                "exp": int(expires),
                "gen": int(generation),
                "by": "password" | "provider" as by,
            }:
                return Identity(
                    user_id=user_id,
                    roles=frozenset(map(str, roles)),
                    sites=frozenset(map(str, sites)),
                    auth_time=datetime.fromtimestamp(auth_time, UTC),
                    name=name,
                    expires_at=datetime.fromtimestamp(expires, UTC),
                    via=via,
                    by="provider" if by == "provider" else "password",
                    generation=generation,
                )
        return None


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
