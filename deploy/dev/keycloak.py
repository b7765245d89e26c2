"""A private Keycloak on a loopback port: `python -m deploy.dev.keycloak start --base-url http://127.0.0.1:8000`.

Needs a Java runtime >= 17, and Maven once to fetch the distribution. The realm is `keycloak/realm.json`: one made-up user
for each role, no e-mail, every secret and password made up at each start. Its database is in memory.
"""

from __future__ import annotations

import argparse
import atexit
import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import time
import zipfile
from pathlib import Path
from tempfile import mkdtemp
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from deploy.dev import maven
from deploy.dev.ports import LOOPBACK, free_ports
from deploy.dev.process import ServerFailed, end, hold

HOME = Path(__file__).parent / "keycloak"
LIB = HOME / "lib"
VERSION = "26.0.7"
ARTIFACT = f"org.keycloak:keycloak-quarkus-dist:{VERSION}:zip"
REALM = "tocsin"
CLIENT = "tocsin"
MACHINE = "tocsin-machine"
AUDIENCE = "tocsin-api"
JAVA_OPTS = (
    "-Xms64m -Xmx384m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Djava.net.preferIPv4Stack=true -Dfile.encoding=UTF-8"
)


class DevKeycloak:
    """One server with its own home; `client_secret`, `machine_secret` and `password` (every user's) are this run's."""

    def __init__(
        self, directory: Path | None = None, *, port: int = 0, base_url: str = f"http://{LOOPBACK}:8000"
    ) -> None:
        self.directory = (directory or Path(mkdtemp(prefix="tocsin-keycloak-"))).resolve()
        self.port = port or free_ports(1)[0]
        self.base_url = base_url
        self.client_secret, self.machine_secret, self.password = (secrets.token_hex(24) for _ in range(3))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def issuer(self) -> str:
        return f"http://{LOOPBACK}:{self.port}/realms/{REALM}"

    @property
    def environment(self) -> dict[str, str]:
        """What Tocsin needs in its environment."""
        return {
            "TOCSIN_AUTH": "oidc",
            "TOCSIN_OIDC_ISSUER": self.issuer,
            "TOCSIN_OIDC_CLIENT_ID": CLIENT,
            "TOCSIN_OIDC_CLIENT_SECRET": self.client_secret,
            "TOCSIN_OIDC_AUDIENCE": AUDIENCE,
        }

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process and self._process.poll() is None else None

    @property
    def log(self) -> Path:
        return self.directory / "keycloak.log"

    def start(self, *, within_s: float = 240.0) -> DevKeycloak:
        """Fetch and unpack if need be, start, and return once the realm answers (about 40 s)."""
        if self.pid:
            return self
        fetch()
        home = self._furnish()
        options = ["--import-realm", "--db=dev-mem", f"--http-host={LOOPBACK}", f"--http-port={self.port}"]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(home / "bin" / "kc.sh"), "start-dev", *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=home,
                env=os.environ | {"JAVA_OPTS": JAVA_OPTS},
                start_new_session=True,
            )
        atexit.register(self.stop, kill=True)
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline and self.pid:
            if self._answers():
                return self
            time.sleep(0.3)
        self.stop(kill=True)
        raise ServerFailed(f"Keycloak did not start; its log ends: {self.log.read_text(errors='replace')[-3000:]}")

    def stop(self, *, kill: bool = False) -> None:
        """kc.sh becomes the Java process (exec); before that, while it prepares, it has one of its own, in the same group."""
        if self._process:
            end(self._process, signal.SIGKILL if kill else signal.SIGTERM, within_s=20)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process = None
        atexit.unregister(self.stop)

    def _answers(self) -> bool:
        try:
            with build_opener(ProxyHandler({})).open(f"{self.issuer}/.well-known/openid-configuration", timeout=5):
                return True
        except (URLError, OSError):
            return False

    def _furnish(self) -> Path:
        """A home of its own: what Keycloak rewrites at a start is copied, the rest is linked."""
        home, shipped = self.directory / "home", LIB / f"keycloak-{VERSION}"
        if not home.exists():
            shutil.copytree(shipped / "conf", home / "conf")
            for name in ("providers", "themes"):
                (home / name).mkdir()
            shutil.copytree(shipped / "lib", home / "lib", ignore=shutil.ignore_patterns("lib"))
            (home / "lib" / "lib").symlink_to(shipped / "lib" / "lib")
            (home / "bin").mkdir()
            shutil.copy(shipped / "bin" / "kc.sh", home / "bin" / "kc.sh")
            (home / "bin" / "kc.sh").chmod(0o755)
        realm = (HOME / "realm.json").read_text(encoding="utf-8")
        for mark, value in (
            ("@BASE_URL@", self.base_url),
            ("@CLIENT_SECRET@", self.client_secret),
            ("@MACHINE_SECRET@", self.machine_secret),
            ("@PASSWORD@", self.password),
        ):
            realm = realm.replace(mark, value)
        (home / "data" / "import").mkdir(parents=True, exist_ok=True)
        (home / "data" / "import" / f"{REALM}-realm.json").write_text(realm, encoding="utf-8")
        return home


def fetch() -> None:
    """Have Maven get the distribution, and unpack it; does nothing when it is there."""
    stamp = LIB / f"keycloak-{VERSION}" / ".unpacked"
    if stamp.is_file():
        return
    shutil.rmtree(LIB, ignore_errors=True)
    packed = maven.get(ARTIFACT, LIB)
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(LIB)
    packed.unlink()
    stamp.touch()


def main() -> None:
    """`fetch` gets the distribution; `start` runs until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m deploy.dev.keycloak", description=__doc__)
    parser.add_argument("action", choices=["fetch", "start"])
    parser.add_argument("--port", type=int, default=0, help="0 picks a free one")
    parser.add_argument("--base-url", default=f"http://{LOOPBACK}:8000", help="where Tocsin will be")
    asked = parser.parse_args()
    if asked.action == "fetch":
        fetch()
        return
    server = DevKeycloak(port=asked.port, base_url=asked.base_url).start()
    said = [f"export {name}={value}" for name, value in server.environment.items()]
    said += [f"# every user's password: {server.password}", f"# secret of {MACHINE}: {server.machine_secret}"]
    try:
        hold("\n".join(said), server.stop)
    finally:
        shutil.rmtree(server.directory, ignore_errors=True)


if __name__ == "__main__":
    main()
