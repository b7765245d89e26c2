"""A gateway over HTTP: the file is posted, answers are listed, fetched and deleted. Redirects are not followed.

`POST address` (the file; `Idempotency-Key` is N.1.2) answers 2xx, with `Receipt-Number` once the recipient itself has it.
`GET answers` is `{"answers": ["name", …]}`, `GET answers/name` the bytes, `DELETE answers/name` when they are kept.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from urllib.parse import quote

import httpx

from services.sae_notifier.channels.gateway import MOST_ANSWER_BYTES, MOST_ANSWERS, Handed, Parcel, Waiting
from services.sae_notifier.channels.message import HandoverFailed

BOUND_S = 10.0
MOST_LIST_BYTES = 1_000_000


class HttpGateway:
    def __init__(self, address: str, answers: str = "", token: str = "") -> None:
        self._address, self._answers = address, answers.rstrip("/")
        self._headers = {"authorization": f"Bearer {token}"} if token else {}

    async def hand_over(self, parcel: Parcel) -> Handed:
        headers = {
            "content-type": "application/xml",
            "idempotency-key": parcel.number,
            "content-digest": f"sha-256={parcel.sha256}",
        }
        async with _asking("http_gateway", self._headers) as client:
            answer = await client.post(self._address, content=parcel.content, headers=headers)
        if not answer.is_success:
            raise HandoverFailed(f"http_gateway: answered {answer.status_code}")
        return Handed(f"answered {answer.status_code}", answer.headers.get("receipt-number", "").strip()[:200])

    async def answers(self) -> list[Waiting]:
        if not self._answers:
            return []
        async with _asking("http_gateway", self._headers) as client:
            names = _names(await _bytes(client, self._answers, MOST_LIST_BYTES))
        found, failed, until = [], None, asyncio.get_running_loop().time() + BOUND_S
        for name in names[:MOST_ANSWERS]:
            if asyncio.get_running_loop().time() > until:
                break  # the rest in the next turn
            try:
                async with _asking("http_gateway", self._headers) as client:
                    content = await _bytes(client, f"{self._answers}/{quote(name, safe='')}", MOST_ANSWER_BYTES)
            except HandoverFailed as error:
                failed = error  # one that cannot be had keeps no other waiting
                continue
            found.append(Waiting(name, content))
        if failed is not None and not found:
            raise failed
        return found

    async def done_with(self, name: str) -> None:
        async with _asking("http_gateway", self._headers) as client:
            answer = await client.delete(f"{self._answers}/{quote(name, safe='')}")
        if not answer.is_success and answer.status_code != 404:
            raise HandoverFailed(f"http_gateway: answered {answer.status_code}")


@contextlib.asynccontextmanager
async def _asking(name: str, headers: dict[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    """A client whose whole errand is bounded; what goes wrong is said without address or content."""
    try:
        async with (
            asyncio.timeout(BOUND_S),
            httpx.AsyncClient(timeout=BOUND_S, follow_redirects=False, headers=headers) as client,
        ):
            yield client
    except (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError) as error:
        raise HandoverFailed(f"{name}: {type(error).__name__}") from error


async def _bytes(client: httpx.AsyncClient, url: str, most: int) -> bytes:
    """At most `most` + 1 bytes: an endless answer fills no memory."""
    found = bytearray()
    async with client.stream("GET", url) as answer:
        if not answer.is_success:
            raise HandoverFailed(f"http_gateway: answered {answer.status_code}")
        async for part in answer.aiter_bytes():
            found += part
            if len(found) > most:
                return bytes(found[: most + 1])
    return bytes(found)


def _can_be_asked(name: str) -> bool:
    """Not empty, no half of a surrogate pair, no step out of the list (`..` would fetch and delete the list itself)."""
    return bool(name) and name not in (".", "..") and not any("\ud800" <= one <= "\udfff" for one in name)


def _names(listing: bytes) -> list[str]:
    try:
        names = json.loads(listing)["answers"]
    except (ValueError, KeyError, TypeError):
        raise HandoverFailed("http_gateway: the list of answers cannot be read") from None
    if not isinstance(names, list) or not all(isinstance(one, str) and _can_be_asked(one) for one in names):
        raise HandoverFailed("http_gateway: the list of answers cannot be read")
    return names
