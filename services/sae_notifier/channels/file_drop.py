"""Two directories that the recipient's own software watches and fills: files appear whole or not at all."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from services.sae_notifier.channels.gateway import MOST_ANSWER_BYTES, MOST_ANSWERS, Handed, Parcel, Waiting
from services.sae_notifier.channels.message import HandoverFailed

BOUND_S = 10.0
DONE = "done"


class FileDrop:
    """Writes `NUMBER.xml` into `out`; reads answers from `back` and moves those that are kept to `back/done`."""

    def __init__(self, out: str, back: str = "") -> None:
        self._out, self._back = Path(out), Path(back) if back else None

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
            return await asyncio.to_thread(_read, self._back)
        except OSError as error:
            raise HandoverFailed(f"file_drop: {type(error).__name__}") from error

    async def done_with(self, name: str) -> None:
        if self._back is None:
            return
        try:
            await asyncio.to_thread(_move, self._back, name)
        except OSError as error:
            raise HandoverFailed(f"file_drop: {type(error).__name__}") from error


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


def _read(directory: Path) -> list[Waiting]:
    """Plain files that are not hidden; a name that begins with a dot is still being written."""
    there = [one for one in directory.iterdir() if not one.name.startswith(".") and one.is_file()]
    there.sort(key=lambda one: (one.stat().st_mtime_ns, one.name))
    found = []
    for one in there[:MOST_ANSWERS]:
        with one.open("rb") as file:
            found.append(Waiting(one.name, file.read(MOST_ANSWER_BYTES + 1)))
    return found


def _move(directory: Path, name: str) -> None:
    kept = directory / DONE
    kept.mkdir(exist_ok=True)
    try:
        (directory / Path(name).name).replace(kept / Path(name).name)
    except FileNotFoundError:
        return  # another instance was quicker


def _safe(number: str) -> str:
    return "".join(ch if ch.isalnum() or ch in "-_." else "_" for ch in number)
