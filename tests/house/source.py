"""The product's source as syntax trees, for the house rules."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).parents[2]
PRODUCT = ("services", "shared")


@dataclass(frozen=True)
class Module:
    """`path` is relative to the repository, with forward slashes."""

    path: PurePosixPath
    tree: ast.Module

    def is_one_of(self, *patterns: str) -> bool:
        """Globs; `**` is any number of folders (`shared/bus/**` is everything below)."""
        return any(_matches(self.path.parts, tuple(pattern.split("/"))) for pattern in patterns)


def _matches(parts: tuple[str, ...], pattern: tuple[str, ...]) -> bool:
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return any(_matches(parts[skip:], pattern[1:]) for skip in range(len(parts) + 1))
    return bool(parts) and PurePosixPath(parts[0]).match(pattern[0]) and _matches(parts[1:], pattern[1:])


def parsed(source: str, path: str = "services/ae_intake/handlers.py") -> Module:
    """A module from text: how a rule is shown something bad."""
    return Module(PurePosixPath(path), ast.parse(source))


@cache
def product() -> tuple[Module, ...]:
    """Every Python file of the services and of what they share."""
    files = sorted(file for top in PRODUCT for file in (ROOT / top).rglob("*.py"))
    return tuple(parsed(file.read_text(), file.relative_to(ROOT).as_posix()) for file in files)


def dotted(node: ast.AST) -> str:
    """`asyncio.create_task` for that expression; what is not a plain name reads as `?`."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return "?"


def calls(module: Module, wanted: Callable[[str], bool]) -> list[str]:
    """Every call whose dotted name is wanted, as `path:line name`."""
    found = [node for node in ast.walk(module.tree) if isinstance(node, ast.Call) and wanted(dotted(node.func))]
    return [f"{module.path}:{node.lineno} {dotted(node.func)}" for node in found]


def imports(module: Module) -> list[tuple[int, str]]:
    """(line, dotted name) of everything imported, `from a import b` as `a.b`, relative imports made absolute."""
    found: list[tuple[int, str]] = []
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = module.path.parts[: -node.level] if node.level else ()
            base = ".".join([*above, *([node.module] if node.module else [])])
            found += [(node.lineno, f"{base}.{alias.name}") for alias in node.names]
    return found
