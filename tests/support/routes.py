"""Which paths each service answers, and which service the proxy sends a path to."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[2]
MAP = ROOT / "deploy" / "proxy" / "routes.map"
SERVICES = ("ae_intake", "causality", "sae_notifier", "dsmb")

_LIST = """
import importlib, json, sys
from fastapi.routing import iter_route_contexts
from shared.settings import Settings
paths = {}
for service in sys.argv[1:]:
    app = importlib.import_module(f"services.{service}.main").create_app(Settings.load())
    paths[service] = sorted({context.path for context in iter_route_contexts(app.routes)})
print(json.dumps(paths))
"""


@cache
def proxy_map() -> tuple[tuple[str, str], ...]:
    """(prefix, service) in the order of the file; an exact `/` stays `/`."""
    found: list[tuple[str, str]] = []
    for line in MAP.read_text().splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        pattern, service = line.removesuffix(";").split()
        if pattern != "/" and not re.fullmatch(r"~\^/[\w/-]+\(\?:/\|\$\)", pattern):
            raise ValueError(f"routes.map: {pattern} is neither / nor ~^/prefix(?:/|$)")
        found.append((pattern.removeprefix("~^").removesuffix("(?:/|$)"), service))
    return tuple(found)


def owner_of(path: str) -> str | None:
    """The service that the proxy sends this path to; None is a 404."""
    for prefix, service in proxy_map():
        if path == prefix or (prefix != "/" and path.startswith(prefix + "/")):
            return service
    return None


@cache
def answered() -> dict[str, frozenset[str]]:
    """Service -> path templates of its application as `main.py` makes it; in a process of its own, since it opens databases."""
    built = [service for service in SERVICES if (ROOT / "services" / service / "main.py").exists()]
    ours = {name: value for name, value in os.environ.items() if not name.startswith("TOCSIN_")}
    with TemporaryDirectory() as var:
        command = [sys.executable, "-c", _LIST, *built]
        environment = {**ours, "TOCSIN_VAR": var, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the applications cannot be made: {done.stderr[-3000:]}")
    paths: dict[str, list[str]] = json.loads(done.stdout.splitlines()[-1])
    return {service: frozenset(found) for service, found in paths.items()}
