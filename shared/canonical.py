"""Canonical JSON (RFC 8785): the one form of bytes that is hashed, stored, sent and never re-serialised.

Decimals travel as strings; a float in a document is a programming error and is refused.
"""

from __future__ import annotations

import hashlib
from typing import Any

import rfc8785
from pydantic import BaseModel


def canonical(document: BaseModel | dict[str, Any] | list[Any]) -> bytes:
    """The canonical bytes of a model (JSON mode) or of plain JSON data."""
    data = document.model_dump(mode="json") if isinstance(document, BaseModel) else document
    return rfc8785.dumps(data)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
