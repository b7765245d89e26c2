"""What somebody typed, kept through a sign-in: sealed in the sign-in page itself; nothing is stored, nothing forged.

The page after the sign-in shows one button that posts the same fields to the same path. Attachments cannot be kept; the
page says so. What is too large to be kept is told before the sign-in, while the browser's Back button still has it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.auth.tokens import Signer

MAX_SEALED = 380_000
"""Characters of the hidden input: some 250 kB of text."""
MAX_FIELDS = 1_000
KEEP = timedelta(hours=24)
NEVER = frozenset({"password", "username", "carried", "next"})


@dataclass(frozen=True)
class Carried:
    """A post that waits: `fields` in the order posted (a name may repeat), `by` the user whose sign-in had ended.

    `signing`: it waits for a fresh proof, and sending it signs."""

    path: str
    fields: tuple[tuple[str, str], ...]
    by: str | None = None
    files_dropped: int = 0
    signing: bool = False


class TooLargeToCarry(Exception):
    """The text is larger than a page can keep."""


def carry(signer: Signer, carried: Carried, now: datetime) -> str:
    """The sealed text for a hidden input. Raises TooLargeToCarry."""
    if len(carried.fields) > MAX_FIELDS:
        raise TooLargeToCarry
    sealed = signer.seal(
        "carried",
        {
            "path": carried.path,
            "fields": [[name, value] for name, value in carried.fields if name not in NEVER],
            "by": carried.by,
            "files": carried.files_dropped,
            "signing": carried.signing,
            "exp": int((now + KEEP).timestamp()),
        },
    )
    if len(sealed) > MAX_SEALED:
        raise TooLargeToCarry
    return sealed


def uncarry(signer: Signer, sealed: str, now: datetime) -> Carried | None:
    """What was sealed, or None when it is not ours, older than a day, or leads away from here."""
    match signer.open("carried", sealed):
        case {
            "path": str(path),
            "fields": list(fields),
            "by": by,
            "files": int(files),
            "signing": bool(signing),
            "exp": int(expires),
        }:
            if expires <= now.timestamp() or not is_local_path(path):
                return None
            return Carried(path, tuple(_pairs(fields)), by if isinstance(by, str) else None, files, signing)
    return None


def is_local_path(path: str) -> bool:
    """A path on this site: never `//host`, a backslash trick or another scheme."""
    return path.startswith("/") and not path.startswith(("//", "/\\")) and not any(ch in path for ch in "\t\r\n\\\x00")


def _pairs(fields: Iterable[object]) -> Iterable[tuple[str, str]]:
    for field in fields:
        match field:
            case [str(name), str(value)]:
                yield name, value
