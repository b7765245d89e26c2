"""Is this token the provider's, for us, and good now? Pure: keys and time are given.

OpenID Connect Core 1.0 section 3.1.3.7 for ID tokens, RFC 9068 section 4 for access tokens, RFC 8725 for both.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import ExpiredTokenError, InvalidClaimError, JoseError, MissingClaimError, SecurityWarning
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey

from shared.auth.oidc.errors import SignInRefused

KINDS: dict[str, tuple[str, ...]] = {
    "RSA": ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    "EC": ("ES256", "ES384", "ES512"),
    "OKP": ("EdDSA", "Ed25519"),
}
ALGORITHMS: frozenset[str] = frozenset().union(*KINDS.values())
"""Signatures that only the provider's private key can make; `none` and every HMAC stay outside."""
MOST_CHARACTERS = 16_384
MIN_RSA_BITS = 2_048
NOT_ACCESS = frozenset({"id", "refresh", "logout", "offline"})
"""What Keycloak writes into the claim `typ` of its other tokens."""
PublicKey = RSAKey | ECKey | OKPKey


@dataclass(frozen=True)
class Rules:
    """`skew_s`: how far the provider's clock and ours may lie apart."""

    issuer: str
    client_id: str
    audience: str
    skew_s: int


def public_keys(document: Mapping[str, Any]) -> list[PublicKey]:
    """The keys of a JWKS that may verify a signature; secret, encrypting, short and unknown ones are left out."""
    found: list[PublicKey] = []
    listed = document.get("keys")
    for one in listed if isinstance(listed, list) else []:
        if not isinstance(one, dict) or one.get("kty") not in KINDS or one.get("use", "sig") != "sig" or "d" in one:
            continue
        try:
            key = KeySet.import_key_set({"keys": [one]}).keys[0]
        except (JoseError, SecurityWarning, ValueError, KeyError, TypeError):
            continue
        if isinstance(key, RSAKey) and key.public_key.key_size < MIN_RSA_BITS:
            continue
        if isinstance(key, RSAKey | ECKey | OKPKey):
            found.append(key)
    return found


def header_of(token: str) -> dict[str, Any]:
    """The unproved header. Raises SignInRefused when this is no signed token, or signed in a way we never take."""
    if len(token) > MOST_CHARACTERS or token.count(".") != 2 or not token.isascii():
        raise SignInRefused("token", "this is no signed token")
    try:
        header = jws.extract_compact(token.encode()).headers()
    except (JoseError, ValueError, RecursionError):
        raise SignInRefused("token", "the token cannot be read") from None
    if header.get("alg") not in ALGORITHMS:
        raise SignInRefused("algorithm", "the token is not signed with an asymmetric key")
    return header


def pick(keys: list[PublicKey], header: Mapping[str, Any]) -> PublicKey | None:
    """The key the header names; without a name, the only one that fits."""
    fitting = [
        key
        for key in keys
        if header["alg"] in KINDS[key.key_type]
        and key.as_dict(private=False).get("alg", header["alg"]) == header["alg"]
    ]
    kid = header.get("kid")
    if kid is not None:
        fitting = [key for key in fitting if key.kid == kid]
    return fitting[0] if len(fitting) == 1 else None


def id_token(token: str, key: PublicKey, rules: Rules, nonce: str, now: datetime) -> dict[str, Any]:
    """The claims of an ID token made for this very attempt. Raises SignInRefused."""
    claims = _proved(token, key, rules, rules.client_id, now)
    audience = claims["aud"]
    azp = claims.get("azp")
    if (isinstance(audience, list) and len(audience) > 1 and azp is None) or azp not in (None, rules.client_id):
        raise SignInRefused("audience", "the ID token was made for another client")
    given = claims.get("nonce")
    if not isinstance(given, str) or not hmac.compare_digest(given.encode(), nonce.encode()):
        raise SignInRefused("nonce", "the ID token belongs to another attempt")
    if isinstance(claims.get("typ"), str) and claims["typ"].lower() in NOT_ACCESS - {"id"}:
        raise SignInRefused("token", "this is no ID token")
    return claims


def access_token(token: str, key: PublicKey, rules: Rules, now: datetime) -> dict[str, Any]:
    """The claims of an access token made for our API. Raises SignInRefused."""
    kind = header_of(token).get("typ", "JWT")
    if not isinstance(kind, str) or kind.lower().removeprefix("application/") not in ("jwt", "at+jwt"):
        raise SignInRefused("token", "this is no access token")
    claims = _proved(token, key, rules, rules.audience, now)
    if (isinstance(claims.get("typ"), str) and claims["typ"].lower() in NOT_ACCESS) or "nonce" in claims:
        raise SignInRefused("token", "this is no access token")
    return claims


def auth_time_of(claims: Mapping[str, Any], now: datetime, skew_s: int) -> datetime | None:
    """When the provider last saw the person's proof; None when it does not say, or names a time to come."""
    said = claims.get("auth_time")
    if isinstance(said, bool) or not isinstance(said, int) or not 0 <= said <= now.timestamp() + skew_s:
        return None
    return datetime.fromtimestamp(said, UTC)


def _proved(token: str, key: PublicKey, rules: Rules, audience: str, now: datetime) -> dict[str, Any]:
    header_of(token)
    try:
        claims = jwt.decode(token, key, algorithms=list(KINDS[key.key_type])).claims
        jwt.JWTClaimsRegistry(
            now=int(now.timestamp()),
            leeway=rules.skew_s,
            iss={"essential": True, "value": rules.issuer},
            aud={"essential": True, "value": audience},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
        ).validate(claims)
    except ExpiredTokenError:
        raise SignInRefused("expired", "the token has ended, or the clocks differ") from None
    except (InvalidClaimError, MissingClaimError) as error:
        claim = getattr(error, "claim", "")
        raise SignInRefused("audience" if claim in ("aud", "iss") else "token", f"claim {claim} is not right") from None
    except (JoseError, ValueError, TypeError, RecursionError, json.JSONDecodeError):
        raise SignInRefused("token", "the token's signature is not the provider's") from None
    if not 0 < len(claims["sub"]) <= 255:
        raise SignInRefused("token", "claim sub is not right")
    return claims
