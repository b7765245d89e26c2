"""The content of a batch apart from its XML: blocks of cells, as the standard numbers them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Cell:
    """One value as it stands in the file, or the null flavour that says why there is none."""

    text: str | None = None
    null: str | None = None


@dataclass
class Block:
    """One instance of a group with the groups inside it; `N.1` is the batch, `N.2.r` one report."""

    group: str
    cells: dict[str, Cell] = field(default_factory=dict)
    blocks: list[Block] = field(default_factory=list)

    def put(self, element: str, text: str | None) -> None:
        """A value; nothing and the empty text are not written."""
        if text:
            self.cells[element] = Cell(text)

    def null(self, element: str, flavour: str) -> None:
        self.cells[element] = Cell(null=flavour)

    def add(self, group: str) -> Block:
        made = Block(group)
        self.blocks.append(made)
        return made

    def text(self, element: str) -> str | None:
        """The value; None when it is missing or a null flavour."""
        cell = self.cells.get(element)
        return cell.text if cell else None

    def of(self, group: str) -> list[Block]:
        return [one for one in self.blocks if one.group == group]

    def walk(self) -> Iterator[Block]:
        """This block and every block inside it."""
        yield self
        for one in self.blocks:
            yield from one.walk()
