"""The way to the provider and back: an attempt, kept by the browser and sealed by us, and what its end is worth.

A fresh proof is asked with `prompt=login` and `max_age=0`, and counts only when the provider says (`auth_time`) that the
same person proved themselves on this very trip: not before the page that asks, nor before the trip began. It is sealed
with the SHA-256 of what is to be signed, and used once.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from shared.auth.accounts import Accounts
from shared.auth.carry import is_local_path
from shared.auth.identity import Identity
from shared.auth.oidc.errors import NoRole, ProviderAway, SignInRefused
from shared.auth.oidc.options import Options
from shared.auth.oidc.person import Person, person_of
from shared.auth.oidc.provider import Provider
from shared.auth.oidc.verifier import Rules, auth_time_of, id_token
from shared.auth.tokens import Signer
from shared.clock import Clock
from shared.ids import new_id
from shared.telemetry import get_logger

log = get_logger(__name__)

ATTEMPT = "tocsin_attempt_"
SLOTS = "0123"
"""Tabs that may be at the provider at the same time; a fifth takes the place of the first."""
ATTEMPT_LASTS = timedelta(minutes=15)
PROOF_LASTS = timedelta(minutes=10)
ASK_LASTS = timedelta(hours=24)
_AWAY = frozenset({"server_error", "temporarily_unavailable"})


@dataclass(frozen=True)
class Ask:
    """A fresh proof that is wanted: from whom, for signing what, since when."""

    user_id: str
    sha256: str
    at: datetime


@dataclass(frozen=True)
class Begun:
    """Where to send the browser, and what it keeps meanwhile."""

    url: str
    cookie: str
    sealed: str


@dataclass(frozen=True)
class Arrived:
    """Somebody came back. `proof`: the sealed fresh proof when one was asked for."""

    identity: Identity
    to: str
    id_token: str
    proof: str | None


@dataclass(frozen=True)
class Proof:
    """`at` is the provider's word for when the person proved themselves."""

    proof_id: str
    user_id: str
    sha256: str
    at: datetime


class OpenId:
    """One per process that serves the sign-in pages; the others only read proofs."""

    def __init__(self, provider: Provider, accounts: Accounts, signer: Signer, clock: Clock) -> None:
        self.provider, self.accounts = provider, accounts
        self._signer, self._clock = signer, clock

    @property
    def options(self) -> Options:
        return self.provider.options

    # Asking ------------------------------------------------------------------------------------------------------

    def ask(self, user_id: str, sha256: str) -> str:
        """A sealed request for a fresh proof, for the link that leads to the provider."""
        now = self._clock.now()
        ends = int((now + ASK_LASTS).timestamp())
        return self._signer.seal("ask", {"sub": user_id, "what": sha256, "at": int(now.timestamp()), "exp": ends})

    def asked(self, sealed: str) -> Ask | None:
        match self._signer.open("ask", sealed):
            case {"sub": str(user_id), "what": str(what), "at": int(at), "exp": int(ends)}:
                if ends > self._clock.now().timestamp():
                    return Ask(user_id, what, datetime.fromtimestamp(at, UTC))
        return None

    # There -------------------------------------------------------------------------------------------------------

    def begin(self, to: str, ask: Ask | None, taken: Mapping[str, str], language: str) -> Begun:
        """`taken`: the request's cookies. Blocks. Raises ProviderAway."""
        free = [slot for slot in SLOTS if ATTEMPT + slot not in taken]
        slot = free[0] if free else SLOTS[0]
        state, nonce, verifier = slot + secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(48)
        more = {"ui_locales": language}
        if ask is not None:
            more |= {"prompt": "login", "max_age": "0", "login_hint": ask.user_id}
        url = self.provider.start(state, nonce, verifier, **more)
        now = int(self._clock.now().timestamp())
        attempt = {
            "state": state,
            "nonce": nonce,
            "verifier": verifier,
            "to": to if is_local_path(to) else "",
            "ask": [ask.user_id, ask.sha256, int(ask.at.timestamp())] if ask else None,
            "begun": now,
            "exp": now + int(ATTEMPT_LASTS.total_seconds()),
        }
        return Begun(url, ATTEMPT + slot, self._signer.seal("attempt", attempt))

    # And back ----------------------------------------------------------------------------------------------------

    def finish(self, answer: Mapping[str, str], cookies: Mapping[str, str]) -> Arrived:
        """`answer`: the callback's parameters. Blocks. Raises SignInRefused, NoRole or ProviderAway."""
        now = self._clock.now()
        state = answer.get("state", "")
        nonce, verifier, to, ask, begun = self._attempt(state, cookies.get(ATTEMPT + state[:1], ""), now)
        # RFC 9207: another provider's answer must not be taken for ours.
        stated = answer.get("iss")
        if stated is None and self.provider.metadata().get("authorization_response_iss_parameter_supported") is True:
            raise SignInRefused("attempt", "the answer does not say which provider gave it")
        if stated not in (None, self.options.issuer):
            raise SignInRefused("attempt", "the answer came from another provider")
        if "error" in answer:
            if answer["error"] in _AWAY:
                raise ProviderAway("the provider could not finish the sign-in")
            raise SignInRefused("denied", "the provider let nobody in")
        if not answer.get("code"):
            raise SignInRefused("attempt", "the answer holds no code")
        token = self.provider.redeem(answer["code"], verifier)
        claims = id_token(token, self.provider.key_for(token), rules_of(self.options), nonce, now)
        proved_at = auth_time_of(claims, now, self.options.skew_s)
        person = person_of(claims, self.options)
        if person.ignored:
            log.info("oidc.roles_ignored", user_id=person.user_id, roles=list(person.ignored[:20]))
        issued_at = datetime.fromtimestamp(int(claims["iat"]), UTC)
        found = entered(self.accounts, self.options, person, min(proved_at or issued_at, now), now)
        proof = self._proof(ask, begun, found.user_id, proved_at, now) if ask else None
        return Arrived(found, to, token, proof)

    def _attempt(self, state: str, sealed: str, now: datetime) -> tuple[str, str, str, Ask | None, datetime]:
        match self._signer.open("attempt", sealed):
            case {
                "state": str(kept),
                "nonce": str(nonce),
                "verifier": str(verifier),
                "to": str(to),
                "ask": ask,
                "begun": int(begun),
                "exp": int(ends),
            } if ends > now.timestamp() and hmac.compare_digest(kept.encode(), state.encode()):
                since = datetime.fromtimestamp(begun, UTC)
                match ask:
                    case [str(user_id), str(what), int(at)]:
                        return nonce, verifier, to, Ask(user_id, what, datetime.fromtimestamp(at, UTC)), since
                return nonce, verifier, to, None, since
        raise SignInRefused("attempt", "this sign-in was not begun in this browser, or too long ago")

    def _proof(self, ask: Ask, begun: datetime, user_id: str, proved_at: datetime | None, now: datetime) -> str:
        """A page may wait a day before the trip: a sign-in in between, elsewhere at the provider, is no fresh proof."""
        if user_id != ask.user_id:
            raise SignInRefused("somebody_else", "another person proved themselves than the one who signs")
        since = max(ask.at, begun - timedelta(seconds=self.options.skew_s))
        if proved_at is None or proved_at < since:
            raise SignInRefused("not_fresh", "the provider does not say that the person proved themselves anew")
        made = {
            "id": new_id(),
            "sub": user_id,
            "what": ask.sha256,
            "at": int(proved_at.timestamp()),
            "exp": int((now + PROOF_LASTS).timestamp()),
        }
        return self._signer.seal("proof", made)

    def proof(self, sealed: str, user_id: str, sha256: str) -> Proof | None:
        """The proof that this person gave for signing exactly this, or None."""
        match self._signer.open("proof", sealed):
            case {"id": str(proof_id), "sub": str(sub), "what": str(what), "at": int(at), "exp": int(ends)}:
                if (sub, what) == (user_id, sha256) and ends > self._clock.now().timestamp():
                    return Proof(proof_id, sub, what, datetime.fromtimestamp(at, UTC))
        return None

    # Away --------------------------------------------------------------------------------------------------------

    def leave(self, hint: str) -> str | None:
        """Where the provider ends its own session; None when it has no such place or cannot be asked. Blocks."""
        try:
            address = self.provider.metadata().get("end_session_endpoint")
        except ProviderAway:
            return None
        if address is None:
            return None
        asked = {"client_id": self.options.client_id, "post_logout_redirect_uri": self.options.base_url + "/sign-in"}
        if hint:
            asked["id_token_hint"] = hint
        return f"{address}{'&' if '?' in address else '?'}{urlencode(asked)}"


def rules_of(options: Options) -> Rules:
    return Rules(options.issuer, options.client_id, options.audience, options.skew_s)


def entered(
    accounts: Accounts, options: Options, person: Person, auth_time: datetime, now: datetime, *, machine: bool = False
) -> Identity:
    """The identity of a proved person or machine. Raises SignInRefused or NoRole."""
    found = accounts.enter(
        options.issuer,
        person.subject,
        user_id=person.user_id,
        name=person.name,
        roles=person.roles,
        sites=person.sites,
        auth_time=auth_time,
        now=now,
        machine=machine,
    )
    match found:
        case "taken" | "shut_out":
            raise SignInRefused(found, f"the user name is {found.replace('_', ' ')}")
        case "no_role":
            raise NoRole(person.user_id)
    if not found.roles:
        raise NoRole(found.user_id)
    return found
