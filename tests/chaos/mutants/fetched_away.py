"""Answers are taken away over there as they are fetched, and kept afterwards: a crash in between loses them."""

from __future__ import annotations

from services.sae_notifier.channels import HttpGateway, Waiting


def apply() -> None:
    answers, done_with = HttpGateway.answers, HttpGateway.done_with

    async def fetch_away(self: HttpGateway) -> list[Waiting]:
        found = await answers(self)
        for one in found:
            await done_with(self, one.name)
        return found

    async def nothing(self: HttpGateway, name: str) -> None:
        return

    HttpGateway.answers, HttpGateway.done_with = fetch_away, nothing  # type: ignore[method-assign]
