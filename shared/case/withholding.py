"""Every text that somebody typed into a document, found by the document's own model: so a new field cannot be forgotten.

A text is a `FreeText` or a field of the type `Typed`. Withheld, it keeps its place and the SHA-256 of what stood there.
"""

from __future__ import annotations

import re
import types
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from shared.case.text import BY_HAND, CONTENTS, JUDGED, FreeText, withheld

Kind = Literal["free", "typed", "file", "model", "many"]
_WITHHELD = re.compile(r"\[redacted sha256:([0-9a-f]{64})\]")


@dataclass(frozen=True, slots=True)
class Place:
    """What stands at a field: a text, a file, a part with fields of its own, or several of one."""

    kind: Kind
    model: type[BaseModel] | None = None
    each: Place | None = None
    judged: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    """One text of one document; `words` is None once it is withheld. The machine computes from one that is `judged`."""

    pointer: str
    sha256: str
    words: str | None
    judged: bool = False


def hash_of(words: str) -> str:
    """Of the letters, not of how a keyboard composed them: two texts that nobody can tell apart are taken back together."""
    return sha256(unicodedata.normalize("NFC", words).encode("utf-8", "surrogatepass")).hexdigest()


def withheld_hash(words: str) -> str | None:
    """The hash inside what `withheld` wrote, or None."""
    found = _WITHHELD.fullmatch(words)
    return found[1] if found else None


@cache
def places(model: type[BaseModel]) -> dict[str, Place]:
    """The fields of a model under which texts or files may stand."""
    found = {
        name: _place(Annotated[(one.annotation, *one.metadata)] if one.metadata else one.annotation)
        for name, one in model.model_fields.items()
    }
    return {name: place for name, place in found.items() if place is not None}


def _place(annotation: Any) -> Place | None:
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *marks = get_args(annotation)
        if BY_HAND in marks:
            return Place("typed", judged=JUDGED in marks)
        if CONTENTS in marks:
            return Place("file")
        return _place(inner)
    if origin in (Union, types.UnionType):
        inside = [place for one in get_args(annotation) if (place := _place(one)) is not None]
        if len(inside) > 1:
            raise TypeError(f"{annotation} may hold texts in more than one way; give it a model of its own")
        return inside[0] if inside else None
    if origin in (tuple, list, set, frozenset):
        each = _place(get_args(annotation)[0])
        return None if each is None else Place("many", each=each)
    if origin is dict:
        if any(_place(one) is not None for one in get_args(annotation)):
            raise TypeError(f"{annotation} would hide texts under keys; use a model")
        return None
    if isinstance(annotation, type) and issubclass(annotation, FreeText):
        return Place("free")
    if isinstance(annotation, type) and issubclass(annotation, BaseModel) and places(annotation):
        return Place("model", model=annotation)
    return None


def plain(words: str | None) -> str:
    """A `Typed` text for somebody outside; empty when there is none or it was taken back: its hash is not for them."""
    return "" if words is None or withheld_hash(words) else words


def texts(model: type[BaseModel], data: Any) -> list[Text]:
    """Every text of a document (its plain JSON), withheld ones too, in the order of the fields."""
    found: list[Text] = []
    _through(Place("model", model=model), data, "", lambda text, _: found.append(text))
    return found


def withhold(model: type[BaseModel], data: Any, wanted: Callable[[Text], bool]) -> tuple[Any, list[Text]]:
    """The document with every wanted text blanked, and what was blanked. What was given is not changed."""
    taken: list[Text] = []

    def act(text: Text, replace: Callable[[Any], None]) -> None:
        if text.words is not None and wanted(text):
            taken.append(text)
            replace(text.sha256)

    made = _through(Place("model", model=model), data, "", act)
    return (made, taken) if taken else (data, taken)


def skeleton(model: type[BaseModel], data: Any) -> Any:
    """The document with every text as its hash alone: the same before and after words were taken back. Files are left out."""
    made = _through(Place("model", model=model), data, "", lambda text, replace: replace(text.sha256))
    return _without_files(Place("model", model=model), made)


Act = Callable[[Text, Callable[[Any], None]], Any]


def _through(place: Place, node: Any, pointer: str, act: Act) -> Any:
    if node is None:
        return None
    if place.kind == "many" and place.each is not None and isinstance(node, list):
        return [_through(place.each, one, f"{pointer}/{i}", act) for i, one in enumerate(node)]
    if place.kind == "typed" and isinstance(node, str):
        return _typed(node, pointer, act, place.judged)
    if place.kind == "free" and isinstance(node, dict):
        return _free(node, pointer, act)
    if place.kind == "model" and place.model is not None and isinstance(node, dict):
        inside = places(place.model)
        return {
            name: _through(inside[name], value, f"{pointer}/{name}", act) if name in inside else value
            for name, value in node.items()
        }
    return node


def _typed(words: str, pointer: str, act: Act, judged: bool) -> str:
    if not words:
        return words
    known = withheld_hash(words)
    made = [words]
    digest = known or hash_of(words)
    act(Text(pointer, digest, None if known else words, judged), lambda h: made.append(withheld(h)))
    return made[-1]


def _free(node: dict[str, Any], pointer: str, act: Act) -> dict[str, Any]:
    words, known = node.get("text"), node.get("sha256") if node.get("redacted") else None
    if not isinstance(words, str) or (not words and not known):
        return node
    made = [node]
    digest = known or hash_of(words)
    blank = {**node, "text": "", "redacted": True, "sha256": digest}
    act(Text(pointer, digest, None if known else words), lambda _: made.append(blank))
    return made[-1]


def _without_files(place: Place, node: Any) -> Any:
    if place.kind == "file":
        return None
    if place.kind == "many" and place.each is not None and isinstance(node, list):
        return [_without_files(place.each, one) for one in node]
    if place.kind == "model" and place.model is not None and isinstance(node, dict):
        inside = places(place.model)
        return {n: _without_files(inside[n], v) if n in inside else v for n, v in node.items()}
    return node


def loosely(node: Any, hashes: frozenset[str]) -> tuple[Any, int]:
    """Any JSON, whatever its shape (an answer kept for a repeat, an entry of the trail): words with one of these hashes
    are blanked where they stand; how many were."""
    if isinstance(node, str):
        digest = hash_of(node) if node else ""
        return (withheld(digest), 1) if digest in hashes else (node, 0)
    if isinstance(node, list):
        made = [loosely(one, hashes) for one in node]
        return [one for one, _ in made], sum(n for _, n in made)
    if isinstance(node, dict):
        words = node.get("text")
        if isinstance(words, str) and "language" in node and hash_of(words) in hashes:
            return {**node, "text": "", "redacted": True, "sha256": hash_of(words)}, 1
        inside = {name: loosely(value, hashes) for name, value in node.items()}
        return {name: one for name, (one, _) in inside.items()}, sum(n for _, n in inside.values())
    return node, 0


def pointed(model: type[BaseModel], data: Any, pointer: str) -> Text | None:
    """The text at a pointer, or None when no text stands there."""
    return next((one for one in texts(model, data) if one.pointer == pointer), None)
