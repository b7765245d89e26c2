"""The house rules that a type checker cannot hold: each says which accident it prevents, and returns the offences."""

from __future__ import annotations

import ast
import re

from tests.house.source import Module, calls, imports

SQL_PLACES = (
    "services/*/store.py",
    "services/*/store/**",
    "shared/copies.py",
    "services/*/migrations/**",
    "shared/db.py",
    "shared/migrat*.py",
    "shared/audit*.py",
    "shared/auth*.py",
    "shared/auth/**",
    "shared/bus/**",
)
BACKGROUND_PLACES = ("shared/supervise.py", "shared/db.py", "shared/bus/**", "shared/compose.py")
ENGINES = (
    "services/*/domain.py",
    "services/*/domain/**",
    "services/causality/ctcae/**",
    "services/causality/methods/**",
    "services/causality/knowledge/**",
    "services/sae_notifier/rules/**",
    "services/sae_notifier/e2b/**",
    "services/sae_notifier/forms/**",
    "services/dsmb/tables/**",
    "services/dsmb/boundaries/**",
    "shared/case/**",
    "shared/terms/**",
)
ENGINE_MAY_SHARE = ("case", "terms", "errors", "trial", "canonical", "clock")
REACHES_OUT = frozenset(
    {
        "aiokafka",
        "aiosmtplib",
        "alembic",
        "asyncio",
        "fastapi",
        "http",
        "httpx",
        "multiprocessing",
        "psycopg",
        "requests",
        "smtplib",
        "socket",
        "sqlalchemy",
        "sqlite3",
        "sqlmodel",
        "starlette",
        "subprocess",
        "threading",
        "uvicorn",
    }
)
_NOW = re.compile(
    r"(^|\.)(datetime\.(now|utcnow|today)|date\.today|time\.time(_ns)?|time\.(localtime|gmtime)|func\.now)$"
)
_BACKGROUND = re.compile(
    r"(^|\.)(create_task|ensure_future|run_coroutine_threadsafe|Thread|Timer|\w*PoolExecutor|BackgroundTasks?)$"
)


def commits(module: Module) -> list[str]:
    """One `.commit(` in the product, in shared/db.py: a second one splits a case from its event, and one is lost."""
    return calls(module, lambda name: name.endswith(".commit"))


def wall_clock(module: Module) -> list[str]:
    """Only shared/clock.py reads the time: a deadline that asks the machine cannot be tested at the day it falls due."""
    if module.is_one_of("shared/clock.py"):
        return []
    taken = [f"{module.path}:{line} {name}" for line, name in imports(module) if name in ("time.time", "time.time_ns")]
    return calls(module, lambda name: bool(_NOW.search(name))) + taken


def background(module: Module) -> list[str]:
    """Background work only under supervision: a task that dies unseen leaves a service that answers and does nothing."""
    if module.is_one_of(*BACKGROUND_PLACES):
        return []
    return calls(module, lambda name: bool(_BACKGROUND.search(name)))


def sql(module: Module) -> list[str]:
    """SQL only where rows live: a query elsewhere runs outside the one transaction, or after it."""
    if module.is_one_of(*SQL_PLACES):
        return []
    roots = ("sqlmodel", "sqlalchemy", "psycopg", "sqlite3")
    return [f"{module.path}:{line} {name}" for line, name in imports(module) if name.split(".")[0] in roots]


def async_core(module: Module) -> list[str]:
    """Sync core: an `async def` here would hold a database transaction open across an await, and block the event loop."""
    if not module.is_one_of(
        *(f"services/*/{part}{tail}" for part in ("handlers", "store", "domain") for tail in (".py", "/**"))
    ):
        return []
    kinds = (ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith)
    return [f"{module.path}:{node.lineno} async" for node in ast.walk(module.tree) if isinstance(node, kinds)]


def engine_imports(module: Module) -> list[str]:
    """Engines are pure: one that opens a file, a socket or a session cannot be run over every cell of a decision table."""
    if not module.is_one_of(*ENGINES):
        return []
    service = module.path.parts[1]
    return [f"{module.path}:{line} {name}" for line, name in imports(module) if not _pure(name, service)]


def _pure(name: str, service: str) -> bool:
    first, *rest = name.split(".")
    if first == "services":
        return rest[:1] == [service] and rest[1:2] not in (["store"], ["handlers"], ["api"], ["pages"], ["main"])
    if first == "shared":
        return bool(rest) and rest[0] in ENGINE_MAY_SHARE
    return first not in REACHES_OUT
