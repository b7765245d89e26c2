"""Unit tests reach nobody: a test that opens a connection is a contract or a flow test and belongs there."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import NoReturn

import psycopg
import pytest


class SocketOpened(RuntimeError):
    """A unit test tried to reach another process."""


@pytest.fixture(autouse=True)
def no_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unix sockets stay: the event loop wakes itself through one."""

    def guarded(real: Callable[..., object]) -> Callable[..., object]:
        def connect(self: socket.socket, address: object) -> object:
            if self.family != socket.AF_UNIX:
                raise SocketOpened(f"a unit test tried to connect to {address!r}; move it to contracts or flows")
            return real(self, address)

        return connect

    def no_database(*_: object, **__: object) -> NoReturn:
        raise SocketOpened("a unit test tried to open a PostgreSQL connection; move it to contracts or flows")

    monkeypatch.setattr(socket.socket, "connect", guarded(socket.socket.connect))
    monkeypatch.setattr(socket.socket, "connect_ex", guarded(socket.socket.connect_ex))
    monkeypatch.setattr(psycopg, "connect", no_database)  # libpq connects in C, past Python's sockets
    monkeypatch.setattr(psycopg.Connection, "connect", no_database)
