"""What stands in a form: as posted, as it would be shown, or both brought together after somebody else's change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from starlette.datastructures import UploadFile
from starlette.requests import Request


class Posted:
    """Names with their texts, line ends as `\\n`, otherwise exactly as typed."""

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name, []).append(value.replace("\r\n", "\n"))

    @classmethod
    async def of(cls, request: Request) -> Posted:
        """The fields of a form post; attachments have no place in these forms."""
        form = await request.form()
        return cls((name, value) for name, value in form.multi_items() if not isinstance(value, UploadFile))

    def text(self, name: str) -> str:
        return next(iter(self._values.get(name, ())), "")

    def all(self, name: str) -> list[str]:
        return self._values.get(name, [])

    def has(self, name: str) -> bool:
        return any(value.strip() for value in self._values.get(name, ()))

    def set(self, name: str, *values: str) -> None:
        self._values[name] = list(values)

    def names(self) -> set[str]:
        return set(self._values)

    def with_defaults(self, defaults: Mapping[str, str]) -> Posted:
        """The same, with what is missing filled in."""
        filled = Posted()
        filled._values = {name: [value] for name, value in defaults.items()} | self._values
        return filled


def merge(base: Posted, mine: Posted, newest: Posted) -> tuple[Posted, set[str]]:
    """Three ways: what I changed stays mine, the rest is the newest; and the names that both of us changed."""
    merged = Posted()
    both: set[str] = set()
    for name in base.names() | mine.names() | newest.names():
        old, typed, new = base.all(name), mine.all(name), newest.all(name)
        changed = _plain(old) != _plain(typed)
        merged.set(name, *(typed if changed else new))
        if changed and _plain(old) != _plain(new) and _plain(typed) != _plain(new):
            both.add(name)
    return merged, both


def _plain(values: Iterable[str]) -> list[str]:
    return sorted(value.strip() for value in values if value.strip())
