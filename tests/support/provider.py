"""An OpenID provider in a process of its own that does what it is told, also what no provider should do.

`oidc-provider-mock` gives pages, codes and claims; around it stand what it lacks: PKCE, `auth_time`, client credentials,
keys that change, and `orders` (PUT /_orders) that spoil the next tokens.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx

from deploy.dev.process import ServerFailed

CLIENT, SECRET, AUDIENCE, MACHINE = "tocsin", "made-up-for-tests-0123456789", "tocsin-api", "machine"
Orders = dict[str, Any]
"""`claims` (None removes one), `header`, `sign` (RS256, ES256, none, HS256-public, HS256-secret, unknown-key, no-kid, other-signature),
`now` (epoch seconds instead of the clock), `down` (every answer is 503), `metadata` and `token` (changes to those documents)."""


@dataclass
class TestProvider:
    """The process, seen from a test."""

    __test__ = False
    process: subprocess.Popen[str]
    issuer: str
    http: httpx.Client = field(default_factory=lambda: httpx.Client(trust_env=False, timeout=10))

    @classmethod
    def start(cls) -> TestProvider:
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "tests.support.provider"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ | {"AUTHLIB_INSECURE_TRANSPORT": "1"},
        )
        assert process.stdout
        address = process.stdout.readline().strip()
        if not address:
            raise ServerFailed("the test provider did not start")
        return cls(process, address)

    def stop(self) -> None:
        self.http.close()
        self.process.terminate()
        self.process.wait(10)
        assert self.process.stdout
        self.process.stdout.close()

    def order(self, **orders: Any) -> None:
        """Replace all orders; nothing means: behave."""
        self.http.put(f"{self.issuer}/_orders", json=orders).raise_for_status()

    def user(self, sub: str, **claims: Any) -> None:
        self.http.put(f"{self.issuer}/users/{sub}", json=claims).raise_for_status()

    def rotate(self) -> None:
        """A new signing key; the old one is shown no more."""
        self.http.post(f"{self.issuer}/_rotate").raise_for_status()

    def seen(self) -> list[dict[str, str]]:
        """Every authorization request so far, its parameters."""
        return self.http.get(f"{self.issuer}/_seen").json()

    def log_in(self, url: str, sub: str) -> str:
        """What a person does there: opens the page, proves who they are; the address they are sent back to."""
        assert self.http.get(url).status_code == 200
        answer = self.http.post(url, data={"sub": sub})
        assert answer.status_code == 302, answer.text
        return answer.headers["location"]

    def machine_token(self, **more: str) -> str:
        body = {"grant_type": "client_credentials", "client_id": MACHINE, "client_secret": SECRET} | more
        return self.http.post(f"{self.issuer}/oauth2/token", data=body).json()["access_token"]

    @property
    def environment(self) -> dict[str, str]:
        return {
            "TOCSIN_AUTH": "oidc",
            "TOCSIN_OIDC_ISSUER": self.issuer,
            "TOCSIN_OIDC_CLIENT_ID": CLIENT,
            "TOCSIN_OIDC_CLIENT_SECRET": SECRET,
            "TOCSIN_OIDC_AUDIENCE": AUDIENCE,
        }


# The process --------------------------------------------------------------------------------------------------------

StartResponse = Callable[[str, list[tuple[str, str]]], Any]
Environ = dict[str, Any]
Wsgi = Callable[[Environ, StartResponse], Iterable[bytes]]


class Strict:
    """The WSGI application around the mock's."""

    def __init__(self, inner: Wsgi) -> None:
        self.inner, self.orders = inner, Orders()
        self.codes: dict[str, dict[str, Any]] = {}
        self.asked: list[dict[str, str]] = []
        self.number = 0
        self.rotate()

    def rotate(self) -> None:
        from joserfc.jwk import ECKey, RSAKey

        self.number += 1
        self.rsa = RSAKey.generate_key(2048, {"kid": f"rsa-{self.number}", "use": "sig"})
        self.ec = ECKey.generate_key("P-256", {"kid": f"ec-{self.number}", "use": "sig"})

    def now(self) -> int:
        return int(self.orders.get("now", time.time()))

    def __call__(self, environ: Environ, start: StartResponse) -> Iterable[bytes]:
        path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = BytesIO(body)
        if path == "/_orders":
            self.orders = json.loads(body)
            return _json(start, {})
        if path == "/_rotate":
            self.rotate()
            return _json(start, {})
        if path == "/_seen":
            return _json(start, self.asked)
        if self.orders.get("down") and not path.startswith("/users"):
            start("503 Service Unavailable", [])
            return [b""]
        if path == "/jwks":
            keys = [self.rsa.as_dict(private=False), self.ec.as_dict(private=False)]
            return _json(start, {"keys": [*keys, {"kty": "oct", "kid": "shared", "k": "c2VjcmV0"}]})
        if path == "/.well-known/openid-configuration":
            _, _, text = _call(self.inner, environ)
            return _json(start, _changed(json.loads(text), self.orders.get("metadata", {})))
        if path == "/oauth2/authorize":
            return self._authorize(environ, start, method)
        if path == "/oauth2/token":
            return self._token(environ, start, dict(parse_qsl(body.decode())))
        return _page(start, *_call(self.inner, environ))

    def _authorize(self, environ: Environ, start: StartResponse, method: str) -> Iterable[bytes]:
        asked = dict(parse_qsl(environ["QUERY_STRING"]))
        status, headers, text = _call(self.inner, environ)
        if method == "GET":
            self.asked.append(asked)
        else:
            location = dict(headers).get("Location", "")
            for code in parse_qs(urlsplit(location).query).get("code", []):
                self.codes[code] = asked | {"auth_time": self.now()}
        return _page(start, status, headers, text)

    def _token(self, environ: Environ, start: StartResponse, body: Mapping[str, str]) -> Iterable[bytes]:
        if body.get("grant_type") == "client_credentials":
            if body.get("client_secret") != SECRET:
                return _json(start, {"error": "invalid_client"}, "401 Unauthorized")
            now = self.now()
            claims = {
                "iss": f"http://{environ['HTTP_HOST']}",
                "sub": f"service-account-{body['client_id']}",
                "aud": AUDIENCE,
                "client_id": body["client_id"],
                "iat": now,
                "exp": now + 300,
                "jti": secrets.token_hex(8),
                "roles": ["system"],
                "scope": body.get("scope", ""),
            }
            return _json(start, {"access_token": self._signed(claims), "token_type": "Bearer", "expires_in": 300})
        known = self.codes.pop(body.get("code", ""), {})
        made = base64.urlsafe_b64encode(hashlib.sha256(body.get("code_verifier", "").encode()).digest())
        if known.get("code_challenge_method") != "S256" or known.get("code_challenge") != made.rstrip(b"=").decode():
            return _json(start, {"error": "invalid_grant"}, "400 Bad Request")
        status, headers, text = _call(self.inner, environ)
        if not status.startswith("200"):
            start(status, headers)
            return [text]
        answer = json.loads(text)
        part = answer["id_token"].split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(part + "=="))
        now = self.now()
        claims |= {"iat": now, "exp": now + 300, "auth_time": known["auth_time"], "azp": CLIENT}
        answer["id_token"] = self._signed(claims)
        return _json(start, _changed(answer, self.orders.get("token", {})))

    def _signed(self, claims: dict[str, Any]) -> str:
        from joserfc import jwt
        from joserfc.jwk import RSAKey

        claims = _changed(claims, self.orders.get("claims", {}))
        header = self.orders.get("header", {})
        public = self.rsa.as_pem(private=False)
        match self.orders.get("sign", "RS256"):
            case "RS256":
                return jwt.encode({"alg": "RS256", "kid": self.rsa.kid, **header}, claims, self.rsa)
            case "ES256":
                return jwt.encode({"alg": "ES256", "kid": self.ec.kid, **header}, claims, self.ec)
            case "no-kid":
                return jwt.encode({"alg": "RS256", **header}, claims, self.rsa)
            case "unknown-key":
                other = RSAKey.generate_key(2048)
                return jwt.encode({"alg": "RS256", "kid": "nobody's", **header}, claims, other)
            case "other-signature":
                other = RSAKey.generate_key(2048)
                return jwt.encode({"alg": "RS256", "kid": self.rsa.kid, **header}, claims, other)
            case "none":
                return f"{_part({'alg': 'none', 'typ': 'JWT'})}.{_part(claims)}."
            case "HS256-public":
                return _hmac(claims, self.rsa.kid, public)
        return _hmac(claims, self.rsa.kid, SECRET.encode())


def _hmac(claims: dict[str, Any], kid: str | None, secret: bytes) -> str:
    body = f"{_part({'alg': 'HS256', 'typ': 'JWT', 'kid': kid})}.{_part(claims)}"
    mac = hmac.new(secret, body.encode(), hashlib.sha256).digest()
    return f"{body}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def _part(value: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _changed(document: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in (document | dict(changes)).items() if value is not None}


def _call(inner: Wsgi, environ: Environ) -> tuple[str, list[tuple[str, str]], bytes]:
    told: list[tuple[str, list[tuple[str, str]]]] = []

    def start(status: str, headers: list[tuple[str, str]], *_: Any) -> None:
        told.append((status, headers))

    text = b"".join(inner(environ, start))
    return *told[-1], text


def _page(start: StartResponse, status: str, headers: list[tuple[str, str]], text: bytes) -> Iterable[bytes]:
    """The mock's pages without what they would load from elsewhere."""
    text = re.sub(rb"<(link|script)[^>]*https?://[^>]*>", b"", text)
    start(status, [(name, value) for name, value in headers if name.lower() != "content-length"])
    return [text]


def _json(start: StartResponse, document: Any, status: str = "200 OK") -> Iterable[bytes]:
    start(status, [("Content-Type", "application/json")])
    return [json.dumps(document).encode()]


def main() -> None:
    import oidc_provider_mock
    from werkzeug.serving import make_server

    app = oidc_provider_mock.app(issue_refresh_token=False)
    server = make_server("127.0.0.1", 0, Strict(app.wsgi_app), threaded=True)
    sys.stdout.write(f"http://127.0.0.1:{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
