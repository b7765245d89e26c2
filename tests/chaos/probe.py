"""A plain GET on loopback, cheap enough to be asked ten times a second while a process starts."""

from __future__ import annotations

from http.client import HTTPConnection, HTTPException


def fetch(port: int, path: str, timeout_s: float = 1.0) -> tuple[int, str] | None:
    """(status, text), or None when nobody answers."""
    connection = HTTPConnection("127.0.0.1", port, timeout=timeout_s)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode("utf-8", "replace")
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()
