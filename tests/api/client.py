"""A browser without a browser: plain calls into an application, its lifespan included, cookies kept.

Starlette's own TestClient wants another HTTP library than the one the product uses, and says so with a warning.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any

import httpx
from anyio.from_thread import BlockingPortal, start_blocking_portal
from fastapi import FastAPI


class Client:
    """`with Client(app) as client: client.get("/livez")`; redirects are not followed."""

    def __init__(self, app: FastAPI, *, base_url: str = "http://testserver") -> None:
        self._app, self._base_url = app, base_url

    def __enter__(self) -> Client:
        self._portal_context = start_blocking_portal()
        self._portal: BlockingPortal = self._portal_context.__enter__()
        self._lifespan = self._portal.wrap_async_context_manager(self._app.router.lifespan_context(self._app))
        self._lifespan.__enter__()
        self._http = httpx.AsyncClient(transport=httpx.ASGITransport(app=self._app), base_url=self._base_url)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._portal.call(self._http.aclose)
        self._lifespan.__exit__(None, None, None)
        self._portal_context.__exit__(None, None, None)

    @property
    def cookies(self) -> httpx.Cookies:
        return self._http.cookies

    def request(self, method: str, url: str, **options: Any) -> httpx.Response:
        content = options.get("content")
        if content is not None and not isinstance(content, bytes | str):
            options["content"] = _later(content)

        async def call() -> httpx.Response:
            return await self._http.request(method, url, **options)

        return self._portal.call(call)

    def get(self, url: str, **options: Any) -> httpx.Response:
        return self.request("GET", url, **options)

    def post(self, url: str, **options: Any) -> httpx.Response:
        return self.request("POST", url, **options)

    def put(self, url: str, **options: Any) -> httpx.Response:
        return self.request("PUT", url, **options)


async def _later(chunks: Any) -> Any:
    for chunk in chunks:
        yield chunk
