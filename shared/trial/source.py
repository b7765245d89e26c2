"""YAML read with the line and column of every key and value, so that an error can name its place.

Plain scalars stay text (`5.0` is not 5, `10016558` is a code); only `null`, `true` and `false` are more than text. Aliases,
tags and duplicate keys are refused: what is signed by its hash must read the same to everyone.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

Path = tuple[str | int, ...]
Value = str | bool | None | list["Value"] | dict[str, "Value"]
MAX_CHARACTERS = 1_000_000
_ALIAS = "an alias (*name) is not read here"
_TAG = "tag:yaml.org,2002:"
_KNOWN_TAGS = {_TAG + name for name in ("map", "seq", "str", "int", "float", "bool", "null", "timestamp")}


@dataclass(frozen=True)
class Place:
    """Counted from 1, as editors do."""

    line: int
    column: int


@dataclass(frozen=True)
class Misread:
    """Something that is wrong with the text itself, before its meaning is looked at."""

    path: Path
    place: Place
    what: str
    remedy: str


@dataclass
class Document:
    data: Value = None
    values: dict[Path, Place] = field(default_factory=dict)
    keys: dict[Path, Place] = field(default_factory=dict)
    misread: list[Misread] = field(default_factory=list)

    def place(self, path: Path, *, key: bool = False) -> Place:
        """Where this path stands (its key, if asked), else the nearest thing around it."""
        if key and path in self.keys:
            return self.keys[path]
        while path and path not in self.values:
            path = path[:-1]
        return self.values.get(path, Place(1, 1))


def read(text: str) -> Document:
    """Read one YAML document; what cannot be read is in `misread`, never raised."""
    document = Document()
    if len(text) > MAX_CHARACTERS:
        what = f"the file has {len(text)} characters"
        document.misread.append(Misread((), Place(1, 1), what, f"keep it below {MAX_CHARACTERS}"))
        return document
    try:
        root = YAML(typ="safe", pure=True).compose(text)
        if root is not None:
            document.data = _walk(root, (), document, set())
        if any(one.what == _ALIAS for one in document.misread):
            document.misread[:] = _aliases_placed(text, document.misread)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)
        what = f"not readable as YAML: {error.problem or error.context}"
        document.misread.append(Misread((), place, what, "correct the syntax at this place"))
    except YAMLError as error:
        what = f"not readable as YAML: {str(error).splitlines()[0]}"
        document.misread.append(Misread((), Place(1, 1), what, "keep to printable UTF-8 text"))
    except RecursionError:
        document.misread.append(Misread((), Place(1, 1), "nested too deeply to be a trial", "flatten it"))
    return document


def _aliases_placed(text: str, misread: list[Misread]) -> list[Misread]:
    """A composed alias only knows where its anchor stands; the text itself knows where the alias does."""
    events = YAML(typ="safe", pure=True).parse(text)
    marks = iter([event.start_mark for event in events if isinstance(event, AliasEvent)])
    placed: list[Misread] = []
    for one in misread:
        mark = next(marks, None) if one.what == _ALIAS else None
        placed.append(replace(one, place=Place(mark.line + 1, mark.column + 1)) if mark else one)
    return placed


def _walk(node: Node, path: Path, document: Document, seen: set[int]) -> Value:
    place = Place(node.start_mark.line + 1, node.start_mark.column + 1)
    document.values[path] = place
    if id(node) in seen:
        document.misread.append(Misread(path, place, _ALIAS, "write the value out"))
        return None
    seen.add(id(node))
    if str(node.tag) not in _KNOWN_TAGS:
        document.misread.append(Misread(path, place, f"the tag {node.tag} is not read here", "remove the tag"))
        return None
    match node:
        case MappingNode():
            return _mapping(node, path, document, seen)
        case SequenceNode():
            return [_walk(item, (*path, index), document, seen) for index, item in enumerate(node.value)]
        case ScalarNode(tag="tag:yaml.org,2002:null"):
            return None
        case ScalarNode(tag="tag:yaml.org,2002:bool"):
            return node.value.lower() == "true"
        case _:
            return str(node.value)


def _mapping(node: MappingNode, path: Path, document: Document, seen: set[int]) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for key_node, value_node in node.value:
        place = Place(key_node.start_mark.line + 1, key_node.start_mark.column + 1)
        if not isinstance(key_node, ScalarNode) or key_node.value == "<<":
            document.misread.append(Misread(path, place, "only plain names can be keys here", "write a plain key"))
            continue
        name = str(key_node.value)
        document.keys.setdefault((*path, name), place)
        if name in found:
            first = document.keys[(*path, name)]
            what = f"the key {name!r} stands here a second time (first at line {first.line})"
            document.misread.append(Misread((*path, name), place, what, "keep one of the two"))
            continue
        found[name] = _walk(value_node, (*path, name), document, seen)
    return found
