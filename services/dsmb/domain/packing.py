"""A cut's files as parts that the log carries, and back: nothing is taken for a file that has not its SHA-256."""

from __future__ import annotations

import zlib
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Sequence
from itertools import accumulate

from shared.canonical import sha256

PART_BYTES = 675_000
"""900,000 letters of base64: with everything around them below what an event may have."""


class Damaged(ValueError):
    """What came is not what was packed."""


def pack(files: Sequence[bytes], most: int) -> list[bytes]:
    """One file after another, compressed, in pieces of at most so many bytes."""
    packed = zlib.compress(b"".join(files), 9)
    return [packed[start : start + most] for start in range(0, len(packed), most)]


def unpack(parts: Sequence[bytes], files: Sequence[tuple[int, str]]) -> list[bytes]:
    """`files` are (size, SHA-256) in the order in which they were packed. Raises Damaged."""
    size = sum(one for one, _ in files)
    unpacking = zlib.decompressobj()
    try:
        whole = unpacking.decompress(b"".join(parts), size + 1)  # what would grow larger than it said is not unpacked
    except zlib.error:
        raise Damaged("its parts cannot be unpacked") from None
    if len(whole) != size or not unpacking.eof or unpacking.unused_data:
        raise Damaged("its parts do not hold as many bytes as it says")
    ends = list(accumulate(length for length, _ in files))
    found = [whole[end - length : end] for end, (length, _) in zip(ends, files, strict=True)]
    for number, (body, (_, digest)) in enumerate(zip(found, files, strict=True), start=1):
        if sha256(body) != digest:
            raise Damaged(f"file {number} has another SHA-256 than it says")
    return found


def as_text(part: bytes) -> str:
    return b64encode(part).decode()


def as_bytes(text: str) -> bytes:
    """Raises Damaged."""
    try:
        return b64decode(text, validate=True)
    except (NotBase64, ValueError):
        raise Damaged("a part is not base64") from None
