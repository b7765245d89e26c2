"""Canonical JSON (RFC 8785): the one form of bytes that is hashed, stored, sent and never re-serialised.

Decimals travel as strings; a float in a document is a programming error and is refused.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any, NoReturn

import rfc8785
from pydantic import BaseModel

_SAFE = 2**53
"""Beyond it a reader that keeps numbers as doubles would see another one (RFC 8785, 3.2.2.3)."""
_OUTSIDE_BMP = re.compile("[\U00010000-\U0010ffff]")


class _Uncommon(Exception):
    """Something that only the full implementation may decide on."""


def _integer(digits: str) -> int:
    value = int(digits)
    if not -_SAFE < value < _SAFE:
        raise _Uncommon
    return value


def _uncommon(_: str) -> NoReturn:
    raise _Uncommon


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True, check_circular=False)
_DECODER = json.JSONDecoder(parse_int=_integer, parse_float=_uncommon, parse_constant=_uncommon)


def canonical(document: BaseModel | dict[str, Any] | list[Any]) -> bytes:
    """The canonical bytes of a model (JSON mode) or of plain JSON data."""
    if isinstance(document, BaseModel):
        try:
            # Through JSON and back: quicker than a dump to Python, and nothing but JSON's own types comes out.
            return _sorted(_DECODER.decode(document.model_dump_json()))
        except (_Uncommon, ValueError):
            return rfc8785.dumps(document.model_dump(mode="json"))
    try:
        _look_through(document)
        return _sorted(document)
    except (_Uncommon, ValueError):
        return rfc8785.dumps(document)


def _sorted(data: Any) -> bytes:
    """What the standard library's encoder writes is canonical when there are no floats, and no text outside the Basic
    Multilingual Plane, whose keys would have to be sorted by UTF-16 units; a property holds it against the full one."""
    text = _ENCODER.encode(data)
    if not text.isascii() and _OUTSIDE_BMP.search(text):
        raise _Uncommon
    return text.encode()  # a lone surrogate fails here, a ValueError


def _look_through(value: Any) -> None:
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return
    if kind is dict:
        for key, one in value.items():
            if type(key) is not str:
                raise _Uncommon
            _look_through(one)
    elif kind is list or kind is tuple:
        for one in value:
            _look_through(one)
    elif kind is not int or not -_SAFE < value < _SAFE:
        raise _Uncommon


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
