"""Reading a problem document (RFC 9457) the way a client would."""

from __future__ import annotations

from typing import Any

import httpx


def problem(response: httpx.Response, status: int, code: str | None = None) -> dict[str, Any]:
    """The document, after a look at everything every problem must have."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == status
    assert body["type"] == f"urn:tocsin:problem:{body['code']}"
    assert body["title"] and body["detail"]
    assert code is None or body["code"] == code, body
    return body


def pointers(response: httpx.Response, status: int = 422) -> list[str]:
    return [one["pointer"] or one.get("parameter", "") for one in problem(response, status)["problems"]]
