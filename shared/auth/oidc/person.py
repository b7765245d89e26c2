"""Whom a proved token speaks of, in our words: claims in, user id, roles and sites out. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.auth.identity import ACTORS
from shared.auth.oidc.errors import SignInRefused
from shared.auth.oidc.options import Options
from shared.auth.roles import MACHINE_ROLES, ROLES

USER_ID = re.compile(r"^[a-z0-9][a-z0-9_.@+-]{1,127}$")
SITE_ID = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,39}$")
PERSONS_CLAIMS = ("sid", "auth_time")
"""Of a session and of somebody who proved themselves: no client with its own credentials has either (RFC 9068, 2.2.1)."""
SERVICE_ACCOUNT = "service-account-"
"""What Keycloak writes before the client id into `preferred_username` of a client's own account."""
SCOPE_PREFIX = "tocsin:"
MOST = 200


@dataclass(frozen=True)
class Person:
    """`subject` is the provider's own name for the account; `ignored` are the roles we do not know."""

    subject: str
    user_id: str
    name: str
    roles: frozenset[str]
    sites: frozenset[str]
    ignored: tuple[str, ...] = ()


def person_of(claims: Mapping[str, Any], options: Options) -> Person:
    """From an ID token. Raises SignInRefused when it names nobody."""
    roles, ignored = _roles(_words(claim(claims, options.roles_claim)), options.role_prefix, ROLES)
    name = claims.get("name")
    return Person(
        subject=claims["sub"],
        user_id=_user_id(claim(claims, options.user_claim), options.user_claim),
        name=name[:120] if isinstance(name, str) else "",
        roles=roles,
        sites=frozenset(one for one in _words(claim(claims, options.sites_claim)) if SITE_ID.fullmatch(one)),
        ignored=ignored,
    )


def machine_of(claims: Mapping[str, Any], options: Options) -> Person:
    """From an access token: the client is the user. A role may stand among the roles or as a scope `tocsin:<role>`.

    Raises SignInRefused for one that a client got on behalf of a person.
    """
    given = _words(claim(claims, options.roles_claim))
    scoped = [one.removeprefix(SCOPE_PREFIX) for one in _words(claims.get("scope")) if one.startswith(SCOPE_PREFIX)]
    roles, ignored = _roles(given, options.role_prefix, MACHINE_ROLES)
    client = claims.get("client_id", claims.get("azp"))
    user_id = _user_id(client, "client_id")
    if persons := _persons_claim(claims, user_id):
        raise SignInRefused(
            "token", f"claim {persons} is a person's; a machine asks with client credentials of its own"
        )
    return Person(
        subject=claims["sub"],
        user_id=user_id,
        name=str(client),
        roles=roles | (frozenset(scoped) & MACHINE_ROLES),
        sites=frozenset(one for one in _words(claim(claims, options.sites_claim)) if SITE_ID.fullmatch(one)),
        ignored=ignored,
    )


def _persons_claim(claims: Mapping[str, Any], client: str) -> str | None:
    """The claim that gives away that the token is a person's."""
    name = claims.get("preferred_username")
    if name is not None and (not isinstance(name, str) or name.lower() != SERVICE_ACCOUNT + client):
        return "preferred_username"
    return next((one for one in PERSONS_CLAIMS if one in claims), None)


def claim(claims: Mapping[str, Any], name: str) -> Any:
    """A claim by its name, or else by its path (`realm_access.roles`)."""
    if name in claims:
        return claims[name]
    found: Any = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _words(value: Any) -> list[str]:
    """A list of texts, or one text with blanks or commas between."""
    if isinstance(value, str):
        value = re.split(r"[\s,]+", value)
    return [one for one in value if isinstance(one, str) and one][:MOST] if isinstance(value, list) else []


def _roles(given: list[str], prefix: str, known: frozenset[str]) -> tuple[frozenset[str], tuple[str, ...]]:
    ours = {one.removeprefix(prefix) for one in given if one.startswith(prefix)}
    ignored = sorted({one for one in given if not one.startswith(prefix) or one.removeprefix(prefix) not in known})
    return frozenset(ours & known), tuple(ignored)


def _user_id(value: Any, name: str) -> str:
    found = value.strip().lower() if isinstance(value, str) else ""
    if not USER_ID.fullmatch(found):
        raise SignInRefused("user", f"claim {name} holds no usable user name")
    if found in ACTORS:
        raise SignInRefused("user", f"claim {name} says {found}, which the trail keeps for itself: use another name")
    return found
