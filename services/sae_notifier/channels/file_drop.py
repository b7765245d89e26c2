"""Two directories that the recipient's own software watches and fills: files appear whole or not at all."""

from __future__ import annotations

import asyncio
import contextlib
import os
from pathlib import Path
from stat import S_ISREG
from xml.parsers import expat

from services.sae_notifier.channels.gateway import MOST_ANSWER_BYTES, MOST_ANSWERS, Handed, Parcel, Waiting
from services.sae_notifier.channels.message import HandoverFailed
from shared.telemetry import get_logger

log = get_logger(__name__)

BOUND_S = 10.0
DONE = "done"
Print = tuple[int, int, int]
"""Inode, size and time of a file: whether it is still the one that was read."""


class FileDrop:
    """Writes `NUMBER.xml` into `out`; reads answers from `back` and moves those that are kept to `back/done`."""

    def __init__(self, out: str, back: str = "") -> None:
        self._out, self._back = Path(out), Path(back) if back else None
        self._looked: dict[str, Print] = {}
        """What lay there at the last look, by name."""

    async def hand_over(self, parcel: Parcel) -> Handed:
        name = f"{_safe(parcel.number)}.xml"
        try:
            async with asyncio.timeout(BOUND_S):
                await asyncio.to_thread(_put, self._out, name, parcel.content)
        except (OSError, TimeoutError) as error:
            raise HandoverFailed(f"file_drop: {type(error).__name__}") from error
        return Handed(f"written as {name}")

    async def answers(self) -> list[Waiting]:
        if self._back is None:
            return []
        try:
            return await asyncio.to_thread(self._read, self._back)
        except OSError as error:
            raise HandoverFailed(f"file_drop: {type(error).__name__}") from error

    async def done_with(self, name: str) -> None:
        if self._back is None:
            return
        try:
            await asyncio.to_thread(self._move, self._back, name)
        except OSError as error:
            raise HandoverFailed(f"file_drop: {type(error).__name__}") from error

    def _read(self, directory: Path) -> list[Waiting]:
        """Plain files that are not hidden; a name that begins with a dot is still being written. So may a file be that lacks
        its end: it is taken when it has not changed since the last look."""
        before, self._looked = self._looked, {}
        there = sorted((found for found in map(_stat, directory.iterdir()) if found), key=lambda one: one[1:])
        waiting: list[Waiting] = []
        for print_, _, name in there:
            if len(waiting) == MOST_ANSWERS:
                break
            content = _content(directory / name)
            if content is None:
                continue
            self._looked[name] = print_
            if _has_its_end(content) or before.get(name) == print_:
                waiting.append(Waiting(name, content))
        return waiting

    def _move(self, directory: Path, name: str) -> None:
        """Only the file that was read: one put there since under the same name is another answer."""
        name = Path(name).name
        known, now = self._looked.get(name), _stat(directory / name)
        if now is None or (known is not None and now[0] != known):
            return  # another instance was quicker, or it was written anew
        kept = directory / DONE
        kept.mkdir(exist_ok=True)
        try:
            (directory / name).replace(kept / name)
        except FileNotFoundError:
            return


def _put(directory: Path, name: str, content: bytes) -> None:
    """Under another name first, then renamed: whoever watches never sees half a file. Written again it is the same file."""
    part = directory / f".{name}.part"
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(directory / name)
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _stat(path: Path) -> tuple[Print, int, str] | None:
    """None for what is no plain file of this directory: a link leads to files that are no answers."""
    try:
        seen = path.lstat()
    except FileNotFoundError:
        return None
    if path.name.startswith(".") or not S_ISREG(seen.st_mode):
        return None
    return (seen.st_ino, seen.st_size, seen.st_mtime_ns), seen.st_mtime_ns, path.name


def _content(path: Path) -> bytes | None:
    """None where it cannot be had: one file of theirs keeps no other waiting."""
    try:
        with path.open("rb") as file:
            return file.read(MOST_ANSWER_BYTES + 1)
    except OSError as error:
        log.warning("file_drop.unreadable", error_type=type(error).__name__)
        return None


def _has_its_end(content: bytes) -> bool:
    """What begins as XML ends with its root; anything else is as whole as it will ever be."""
    if len(content) > MOST_ANSWER_BYTES or not content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return bool(content)
    root, ends = _root(content[:10_000]), content.rstrip()
    if root is None:
        return False
    alone = ends.endswith(b"/>") and ends.rfind(b"<") == ends.find(b"<" + root)
    return alone or ends.endswith(b"</" + root + b">")


def _root(beginning: bytes) -> bytes | None:
    """The name of the first element."""
    names: list[str] = []
    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda name, _: names.append(name)
    with contextlib.suppress(expat.ExpatError):
        parser.Parse(beginning, False)
    return names[0].encode() if names else None


def _safe(number: str) -> str:
    return "".join(ch if ch.isalnum() or ch in "-_." else "_" for ch in number)
