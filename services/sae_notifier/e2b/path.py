"""The paths of the mapping table: one notation that finds what is there and makes what is not.

    subjectOf2*[observation/code=19:29]/observation/value{CE}[+sys=MedDRA]/@code

`*` repeats, `{CE}` is the xsi:type, `[n]` a position, `[scheme=tel]` the scheme of a telecom. Conditions that must hold:
`[@a=v]`, `[a/@b=v]`, `[a/b]`, `[sys=…]`, `[root=…]`, `[a/b=REF]` with REF `LIST:CODE`, `CODE@SYSTEM`, `sys:…`, `root:…`, `null:FLAVOR`.
Conditions with `+` are only written: `[+@a=v]` when the element is made, `[+sys=…]` when it is given a code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache

from lxml import etree

from services.sae_notifier.e2b.oids import TYPE, namespace, system, tag
from services.sae_notifier.e2b.structure import fixed_attributes, local

Node = etree._Element
_STEP = re.compile(r"^(?P<name>\w+)(?P<repeat>\*?)(?:\{(?P<type>\w+)\})?(?P<conditions>(?:\[[^\]]+\])*)$")


@dataclass(frozen=True)
class Condition:
    """Below the element, at these names, there is an element with these attributes."""

    names: tuple[str, ...]
    attributes: Mapping[str, str]

    def holds(self, node: Node) -> bool:
        return any(all(one.get(key) == value for key, value in self.attributes.items()) for one in self._at(node))

    def _at(self, node: Node) -> list[Node]:
        found = [node]
        for name in self.names:
            found = [child for one in found for child in one.iterchildren(tag(name))]
        return found

    def bring_about(self, node: Node) -> None:
        for name in self.names:
            child = node.find(tag(name))
            node = child if child is not None else _made(node, name)
        for key, value in self.attributes.items():
            node.set(key, value)


@dataclass(frozen=True)
class Step:
    """One element of a path."""

    name: str
    repeat: bool = False
    type: str = ""
    position: int = 0
    scheme: str = ""
    system: str = ""
    conditions: tuple[Condition, ...] = ()
    made_with: Mapping[str, str] = field(default_factory=dict)

    def matches(self, parent: Node) -> list[Node]:
        found = [child for child in parent.iterchildren(tag(self.name)) if self._fits(child)]
        return found[self.position - 1 : self.position] if self.position else found

    def _fits(self, node: Node) -> bool:
        if self.type and (node.get(TYPE) or "").rpartition(":")[2] != self.type:
            return False
        if self.scheme and not (node.get("value") or "").startswith(self.scheme):
            return False
        return all(condition.holds(node) for condition in self.conditions)

    def make(self, parent: Node) -> Node:
        for _ in range(len(self.matches(parent)), max(self.position - 1, 0)):
            _made(parent, self.name)
        node = _made(parent, self.name)
        if self.type:
            node.set(TYPE, self.type)
        for key, value in self.made_with.items():
            node.set(key, value)
        for condition in self.conditions:
            condition.bring_about(node)
        return node


@dataclass(frozen=True)
class Place:
    """Where one value stands: the element, and its attribute (`@value`) or `text()`."""

    steps: tuple[Step, ...]
    leaf: str = ""


class Finder:
    """Finds in one tree that does not change: paths share most of their steps, and each is taken once."""

    def __init__(self) -> None:
        self._known: dict[tuple[Node, int], list[Node]] = {}

    def find(self, node: Node, steps: tuple[Step, ...]) -> Iterator[Node]:
        """Every element at the end of these steps, in document order."""
        if not steps:
            yield node
            return
        key = (node, id(steps[0]))
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = steps[0].matches(node)
        for child in found:
            yield from self.find(child, steps[1:])


class Maker:
    """Makes one tree that only grows: what was found or made once for a step stays its element."""

    def __init__(self) -> None:
        self._known: dict[tuple[Node, int], Node] = {}

    def make(self, node: Node, steps: tuple[Step, ...]) -> Node:
        """The element at the end of these steps; a step that repeats is made anew, the others when they are missing."""
        for step in steps:
            key = (node, id(step))
            found = None if step.repeat else self._known.get(key)
            node = self._known[key] = found if found is not None else self._new(node, step)
        return node

    def _new(self, node: Node, step: Step) -> Node:
        there = [] if step.repeat else step.matches(node)
        while not there and step.position:
            step.make(node)
            there = step.matches(node)
        return there[0] if there else step.make(node)


def find(node: Node, steps: tuple[Step, ...]) -> Iterator[Node]:
    """As `Finder.find`, for a single question."""
    return Finder().find(node, steps)


def parse(text: str, aliases: Mapping[str, str]) -> Place:
    """A path of the table; `$NAME` at its start stands for a longer one."""
    while text.startswith("$"):
        text = re.sub(r"^\$\w+", lambda match: aliases[match[0]], text)
    parts = re.split(r"/(?![^\[]*\])", text)
    leaf = parts.pop() if parts[-1].startswith("@") or parts[-1] == "text()" else ""
    return Place(tuple(_step(part) for part in parts), leaf)


def _made(parent: Node, name: str) -> Node:
    return etree.SubElement(parent, tag(name), fixed_attributes(local(parent), name))


@cache
def _step(text: str) -> Step:
    """One object for one text: finders and makers know a step by its identity."""
    match = _STEP.match(text)
    if match is None:
        raise ValueError(f"{text!r} is no step of a path")
    position, scheme, code_system = 0, "", ""
    conditions: list[Condition] = []
    made_with: dict[str, str] = {}
    for condition in re.findall(r"\[([^\]]+)\]", match["conditions"]):
        key, _, value = condition.partition("=")
        if condition.isdigit():
            position = int(condition)
        elif key == "scheme":
            scheme = value
        elif key == "+sys":
            code_system = system(value)
        elif key.startswith("+@"):
            made_with[key[2:]] = value
        else:
            conditions.append(_condition(key, value))
    return Step(
        match["name"],
        bool(match["repeat"]),
        match["type"] or "",
        position,
        scheme,
        code_system,
        tuple(conditions),
        made_with,
    )


def _condition(key: str, value: str) -> Condition:
    if key == "sys":
        return Condition((), {"codeSystem": system(value)})
    if key == "root":
        return Condition((), {"root": namespace(value)})
    *names, last = key.split("/")
    if last.startswith("@"):
        return Condition(tuple(names), {last[1:]: value})
    return Condition((*names, last), _reference(value) if value else {})


def _reference(text: str) -> dict[str, str]:
    if "@" in text:
        code, _, code_system = text.partition("@")
        return {"code": code, "codeSystem": code_system}
    kind, _, value = text.partition(":")
    match kind:
        case "sys":
            return {"codeSystem": system(value)}
        case "root":
            return {"root": namespace(value)}
        case "null":
            return {"nullFlavor": value}
        case _:
            return {"code": value, "codeSystem": system(kind)}
