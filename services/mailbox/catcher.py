"""SMTP on a free port of this machine; a mail is answered 250 when it is a file."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from shared.clock import Clock
from shared.private import own_folder
from shared.settings import Settings

LOOPBACK = "127.0.0.1"
LARGEST_BYTES = 30_000_000


def wanted(settings: Settings) -> bool:
    """Whether this installation shows its mails to itself, because it is a demonstration and was given no mail server."""
    return settings.mode == "embedded" and settings.is_demo and "smtp_url" not in settings.model_fields_set


class Mailbox:
    """Bound when made, so that its address can stand in the settings; open from `async with opened()` on."""

    def __init__(self, directory: Path, clock: Clock) -> None:
        self.directory, self._clock, self._count = directory, clock, 0
        own_folder(directory)
        self._socket = socket.create_server((LOOPBACK, 0))
        self.port: int = self._socket.getsockname()[1]

    def settings(self, settings: Settings) -> Settings:
        """The same settings with this mailbox as their mail server."""
        return settings.model_copy(update={"smtp_url": f"smtp://{LOOPBACK}:{self.port}"})

    def close(self) -> None:
        self._socket.close()

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        def talk() -> SMTP:
            return SMTP(self, hostname="tocsin.invalid", ident="Tocsin demonstration", data_size_limit=LARGEST_BYTES)

        server = await asyncio.get_running_loop().create_server(talk, sock=self._socket)
        try:
            yield
        finally:
            server.close()
            self.close()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  its name there
        self._count += 1
        name = f"{self._clock.now():%Y%m%dT%H%M%S}Z-{self._count:04d}"
        await asyncio.to_thread(self._keep, name, envelope.original_content or b"")
        return f"250 kept as {name}"

    def _keep(self, name: str, content: bytes) -> None:
        fresh = self.directory / f"{name}.new"
        fresh.write_bytes(content)
        fresh.replace(self.directory / f"{name}.eml")
