"""Triggers: a small boolean grammar over named facts, three-valued, parsed by us and never executed.

    expression := name | not expression | expression and expression | expression or expression
                | name == 'text' | name != 'text' | name in ('a', 'b') | 'text' in set_name | 'text' not in set_name

Kleene's logic: what is not answered stays unknown through and, or, not; the caller decides which way unknown counts.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass

from services.sae_notifier.rules.vocabulary import QUESTIONS, SETS, TEXTS, FactValue

Truth = bool | None


class PredicateError(ValueError):
    """The expression is outside the grammar or names something unknown."""


@dataclass(frozen=True)
class _Asks:
    name: str

    def truth(self, facts: Mapping[str, FactValue]) -> Truth:
        value = facts.get(self.name)
        return value if isinstance(value, bool) else None

    def names(self) -> tuple[str, ...]:
        return (self.name,)


@dataclass(frozen=True)
class _OneOf:
    name: str
    values: tuple[str, ...]

    def truth(self, facts: Mapping[str, FactValue]) -> Truth:
        value = facts.get(self.name)
        return value in self.values if isinstance(value, str) else None

    def names(self) -> tuple[str, ...]:
        return (self.name,)


@dataclass(frozen=True)
class _Holds:
    name: str
    value: str

    def truth(self, facts: Mapping[str, FactValue]) -> Truth:
        held = facts.get(self.name)
        return self.value in held if isinstance(held, frozenset) else None

    def names(self) -> tuple[str, ...]:
        return (self.name,)


@dataclass(frozen=True)
class _Not:
    part: _Node

    def truth(self, facts: Mapping[str, FactValue]) -> Truth:
        value = self.part.truth(facts)
        return None if value is None else not value

    def names(self) -> tuple[str, ...]:
        return self.part.names()


@dataclass(frozen=True)
class _Joined:
    parts: tuple[_Node, ...]
    every: bool

    def truth(self, facts: Mapping[str, FactValue]) -> Truth:
        values = [part.truth(facts) for part in self.parts]
        return all_of(values) if self.every else any_of(values)

    def names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for part in self.parts for name in part.names()))


_Node = _Asks | _OneOf | _Holds | _Not | _Joined


def any_of(values: list[Truth]) -> Truth:
    """Yes if one is yes; unknown if none is yes and one is unknown."""
    return True if True in values else (None if None in values else False)


def all_of(values: list[Truth]) -> Truth:
    """No if one is no; unknown if none is no and one is unknown."""
    return False if False in values else (None if None in values else True)


@dataclass(frozen=True)
class Predicate:
    """A parsed expression; `source` is what the file says."""

    source: str
    root: _Node

    def truth(self, facts: Mapping[str, FactValue]) -> Truth:
        return self.root.truth(facts)

    def names(self) -> tuple[str, ...]:
        """The facts it looks at, in the order of the expression."""
        return self.root.names()


def parse(
    source: str, named: Mapping[str, Predicate] | None = None, settings: Mapping[str, tuple[str, ...]] | None = None
) -> Predicate:
    """`named` are expressions with a name of their own; `settings` the file's settings with their allowed values."""
    try:
        tree = ast.parse(source.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise PredicateError("the trigger is not a boolean expression") from error
    return Predicate(source, _node(tree.body, named or {}, settings or {}))


def _node(node: ast.expr, named: Mapping[str, Predicate], settings: Mapping[str, tuple[str, ...]]) -> _Node:
    match node:
        case ast.BoolOp(op=op, values=values):
            return _Joined(tuple(_node(value, named, settings) for value in values), every=isinstance(op, ast.And))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return _Not(_node(operand, named, settings))
        case ast.Name(id=name):
            if name in named:
                return named[name].root
            if name in QUESTIONS:
                return _Asks(name)
            if name in TEXTS or name in SETS or name in settings:
                raise PredicateError(f"`{name}` is not a yes/no fact; compare it with a text")
            raise PredicateError(f"unknown fact or predicate `{name[:60]}`; known: {', '.join(sorted(QUESTIONS))}")
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            return _compare(left, op, right, settings)
        case _:
            raise PredicateError(f"{type(node).__name__} is not allowed in a trigger; use and, or, not, ==, != and in")


def _compare(left: ast.expr, op: ast.cmpop, right: ast.expr, settings: Mapping[str, tuple[str, ...]]) -> _Node:
    if isinstance(left, ast.Constant) and isinstance(op, ast.In | ast.NotIn) and isinstance(right, ast.Name):
        if right.id not in SETS:
            raise PredicateError(f"`{right.id[:60]}` is not a set; known: {', '.join(sorted(SETS))}")
        holds = _Holds(right.id, _text(left))
        return holds if isinstance(op, ast.In) else _Not(holds)
    if not isinstance(left, ast.Name):
        raise PredicateError("a comparison starts with the name of a fact")
    name = left.id
    if name not in TEXTS and name not in settings:
        known = ", ".join(sorted({*TEXTS, *settings}))
        raise PredicateError(f"`{name[:60]}` cannot be compared with a text; known: {known}")
    match op, right:
        case (ast.Eq() | ast.NotEq(), _):
            values = (_text(right),)
        case (ast.In() | ast.NotIn(), ast.Tuple(elts=items) | ast.List(elts=items)):
            values = tuple(_text(item) for item in items)
        case _:
            raise PredicateError("only ==, != and in are allowed in a comparison")
    for value in values:
        if name in settings and value not in settings[name]:
            raise PredicateError(f"setting `{name}` is never {value[:60]!r}; use one of {', '.join(settings[name])}")
    one_of = _OneOf(name, values)
    return _Not(one_of) if isinstance(op, ast.NotEq | ast.NotIn) else one_of


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    raise PredicateError("compare with a quoted text")
