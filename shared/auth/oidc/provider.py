"""The provider over HTTP: who it is (discovery), its keys, and a code for a token. Blocks; call it in a thread.

Discovery and keys are kept for an hour. While the provider is away what is known goes on being used, for a day at most;
an unknown key id asks again, at most every half minute, so that strangers cannot make us hammer it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.base import OAuth2Error
from authlib.oauth2.client import OAuth2Client
from joserfc.errors import JoseError

from shared.auth.oidc.errors import ProviderAway, SignInRefused
from shared.auth.oidc.options import Options
from shared.auth.oidc.verifier import PublicKey, header_of, pick, public_keys
from shared.telemetry import get_logger

log = get_logger(__name__)

FRESH_S = 3_600.0
STALE_S = 86_400.0
ASK_AGAIN_S = 30.0
FIRST_AGAIN_S = 2.0
"""While nothing is known yet: nobody's request waits for the same silence again."""
TIMEOUT_S = 5.0
MOST_BYTES = 1_000_000
_NEEDED = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass
class _Known:
    metadata: dict[str, Any]
    keys: list[PublicKey]
    at: float


class _ClientAuth(httpx.Auth, ClientAuth):
    """Authlib's client authentication on httpx."""

    requires_request_body = True

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        url, headers, body = self.prepare(request.method, str(request.url), dict(request.headers), request.content)
        headers.pop("content-length", None)
        yield httpx.Request(request.method, url, headers=headers, content=body, extensions=request.extensions)


class _Client(OAuth2Client):
    client_auth_class = _ClientAuth


class Provider:
    """One per process."""

    def __init__(self, options: Options, monotonic: Callable[[], float], http: httpx.Client | None = None) -> None:
        self.options, self._monotonic = options, monotonic
        self._http = http or httpx.Client(timeout=TIMEOUT_S, follow_redirects=False, trust_env=False)
        self._known: _Known | None = None
        self._asked, self._why = -ASK_AGAIN_S, ""
        self._lock = threading.Lock()

    def close(self) -> None:
        self._http.close()

    def metadata(self) -> dict[str, Any]:
        """What discovery says. Raises ProviderAway."""
        return self._current().metadata

    def key_for(self, token: str) -> PublicKey:
        """The key that must have signed this token. Raises SignInRefused when the provider has none such."""
        header = header_of(token)
        key = pick(self._current().keys, header)
        if key is None:
            key = pick(self._current(anew=True).keys, header)
        if key is None:
            raise SignInRefused("key", "no key of the provider fits the token")
        return key

    def start(self, state: str, nonce: str, verifier: str, **more: str) -> str:
        """Where a person goes to sign in."""
        url, _ = self._client(code_challenge_method="S256").create_authorization_url(
            self.metadata()["authorization_endpoint"], state=state, code_verifier=verifier, nonce=nonce, **more
        )
        return url

    def redeem(self, code: str, verifier: str) -> str:
        """The ID token for a code. Raises SignInRefused or ProviderAway."""
        try:
            answer = self._client().fetch_token(
                self.metadata()["token_endpoint"],
                grant_type="authorization_code",
                code=code,
                code_verifier=verifier,
                redirect_uri=self.options.redirect_uri,
            )
        except OAuth2Error as error:
            log.warning("oidc.code_refused", reason=_known_error(error.error))
            raise SignInRefused("token", "the provider did not take the code") from None
        except (httpx.HTTPError, httpx.InvalidURL, ValueError):
            raise ProviderAway("the provider's token endpoint does not answer") from None
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise SignInRefused("token", "the provider sent no ID token")
        return token

    def _client(self, **how: Any) -> _Client:
        """An Authlib client for one call, on the shared connections."""
        methods = self.metadata().get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        method = "client_secret_basic" if "client_secret_basic" in methods else "client_secret_post"
        if not self.options.client_secret:
            method = "none"
        return _Client(
            self._http,
            client_id=self.options.client_id,
            client_secret=self.options.client_secret or None,
            scope=self.options.scope,
            redirect_uri=self.options.redirect_uri,
            token_endpoint_auth_method=method,
            **how,
        )

    def _current(self, *, anew: bool = False) -> _Known:
        known, now = self._known, self._monotonic()
        if known is not None and now - known.at <= FRESH_S and not anew:
            return known
        with self._lock:
            known, now = self._known, self._monotonic()
            usable = known is not None and now - known.at <= STALE_S
            if now - self._asked >= (ASK_AGAIN_S if usable else FIRST_AGAIN_S):
                self._asked = now
                try:
                    self._known = known = _Known(*self._ask(), at=self._monotonic())
                    self._why, usable = "", True
                except ProviderAway as error:
                    self._why = error.detail
                    log.warning("oidc.provider_away", reason=error.detail)
            if known is None or not usable:
                raise ProviderAway(self._why)
            return known

    def _ask(self) -> tuple[dict[str, Any], list[PublicKey]]:
        metadata = self._get(self.options.issuer.rstrip("/") + "/.well-known/openid-configuration")
        if metadata.get("issuer") != self.options.issuer:
            raise ProviderAway("discovery names another issuer than TOCSIN_OIDC_ISSUER, letter for letter")
        challenges = metadata.get("code_challenge_methods_supported")
        if challenges is not None and "S256" not in challenges:
            raise ProviderAway("the provider does not do PKCE with S256")
        for name in (*_NEEDED, "end_session_endpoint"):
            address = metadata.get(name)
            if address is None and name not in _NEEDED:
                continue
            if not isinstance(address, str) or not self._may_ask(address):
                raise ProviderAway(f"discovery has no usable {name} (https)")
        try:
            keys = public_keys(self._get(metadata["jwks_uri"]))
        except JoseError:
            keys = []
        if not keys:
            raise ProviderAway("the provider shows no key that we could use")
        return metadata, keys

    def _may_ask(self, address: str) -> bool:
        parts = urlsplit(address)
        return parts.scheme == "https" or (
            self.options.insecure and parts.scheme == "http" and parts.hostname in _LOOPBACK
        )

    def _get(self, address: str) -> dict[str, Any]:
        try:
            with self._http.stream("GET", address, headers={"accept": "application/json"}) as answer:
                body = b""
                for piece in answer.iter_bytes():
                    body += piece
                    if len(body) > MOST_BYTES:
                        raise ProviderAway("the provider's answer is too large")
                if answer.status_code != 200:
                    raise ProviderAway(f"the provider answers {answer.status_code}")
            found = httpx.Response(200, content=body).json()
        except (httpx.HTTPError, httpx.InvalidURL):
            raise ProviderAway("the provider cannot be reached") from None
        except (ValueError, RecursionError):
            raise ProviderAway("the provider's answer is not JSON") from None
        if not isinstance(found, dict):
            raise ProviderAway("the provider's answer is no JSON object")
        return found


_ERRORS = frozenset({"invalid_grant", "invalid_client", "invalid_request", "unauthorized_client", "invalid_scope"})


def _known_error(code: object) -> str:
    """The provider's word, when it is one of the standard's (RFC 6749 section 5.2)."""
    return code if isinstance(code, str) and code in _ERRORS else "other"
