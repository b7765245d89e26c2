"""Which paths a service declares (read from its source, so that nothing has to be started), and who the proxy gives them to."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
MAP = ROOT / "deploy" / "proxy" / "routes.map"
SERVICES = ("ae_intake", "causality", "sae_notifier", "dsmb")
VERBS = frozenset(
    {"get", "post", "put", "patch", "delete", "head", "options", "api_route", "route", "mount", "add_api_route"}
)


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


def declared(service: str) -> dict[str, str]:
    """path template -> `file:line` for every route the service declares."""
    found: dict[str, str] = {}
    for file in sorted((ROOT / "services" / service).rglob("*.py")):
        tree = ast.parse(file.read_text())
        prefixes = _prefixes(tree)
        for node in ast.walk(tree):
            path = _declares(node, prefixes)
            if path is not None and isinstance(node, ast.Call):
                found[path] = f"{file.relative_to(ROOT)}:{node.lineno}"
    return found


def _prefixes(tree: ast.Module) -> dict[str, str]:
    """Variable -> prefix, from `router = APIRouter(prefix="…")`."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Call)
            and "APIRouter" in ast.unparse(node.value.func)
        ):
            given = {word.arg: word.value for word in node.value.keywords}.get("prefix")
            if isinstance(given, ast.Constant):
                found |= {name.id: str(given.value) for name in node.targets if isinstance(name, ast.Name)}
    return found


def _declares(node: ast.AST, prefixes: dict[str, str]) -> str | None:
    """The path in `router.get("/cases")` (a decorator or a call); a test client's `client.get(...)` is not in services."""
    if not (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in VERBS and node.args
    ):
        return None
    owner, first = node.func.value, node.args[0]
    if not (isinstance(owner, ast.Name) and re.search(r"rout|app|api|pages", owner.id)):
        return None
    if not (isinstance(first, ast.Constant) and isinstance(first.value, str)):
        return None
    path = prefixes.get(owner.id, "") + first.value
    return path if path.startswith("/") else None
