"""What a form is made of. Nothing here can be silently empty: a blank without its reason is refused when it is built."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

from services.sae_notifier.forms.words import Words

Kind = Literal["given", "absent", "proposal", "warning", "box"]
"""`absent` says why there is nothing; `proposal` is not signed; `warning` qualifies what stands beside it."""


@dataclass(frozen=True)
class Value:
    """One line of an answer."""

    words: Words
    kind: Kind = "given"


Values = tuple[Value, ...]


def given(vi: str, en: str = "") -> Value:
    return Value(Words(vi, en))


def absent(why: Words) -> Value:
    return Value(why, "absent")


def warning(words: Words) -> Value:
    return Value(words, "warning")


def proposal(words: Words) -> Value:
    return Value(words, "proposal")


def box(ticked: bool, *, signed: bool = True) -> Value:
    """A box in a table; a proposal nobody has signed is marked, never ticked."""
    mark = ("☒" if signed else "◇") if ticked else "☐"
    return Value(Words(mark), "box")


def _answered(key: str, values: Values) -> None:
    if not values or not all(value.words for value in values):
        raise ValueError(f"form field {key!r} is empty without a reason; give an `absent` value that says why")


@dataclass(frozen=True)
class Field:
    """A labelled answer; `wide` takes the whole width of the page."""

    key: str
    label: Words
    values: Values
    wide: bool = False
    type: ClassVar[str] = "field"

    def __post_init__(self) -> None:
        _answered(self.key, self.values)

    @property
    def empty(self) -> bool:
        return self.values[0].kind == "absent"


@dataclass(frozen=True)
class Tick:
    """One box and what stands beside it; `note` is its answer in words, or why it could not be decided."""

    key: str
    label: Words
    ticked: bool
    note: Value | None = None


@dataclass(frozen=True)
class Ticks:
    """A row of boxes; when none is ticked, `why` says so."""

    key: str
    label: Words
    options: tuple[Tick, ...]
    why: Words | None = None
    columns: int = 3
    type: ClassVar[str] = "ticks"

    def __post_init__(self) -> None:
        if not self.why and not any(option.ticked for option in self.options):
            raise ValueError(f"form boxes {self.key!r} are all unticked without a reason; give `why`")

    @property
    def ticked(self) -> tuple[str, ...]:
        return tuple(option.key for option in self.options if option.ticked)


@dataclass(frozen=True)
class Prose:
    """A long text that flows over as many pages as it needs; `by_hand` leaves room to write."""

    key: str
    label: Words
    values: Values
    by_hand: bool = False
    type: ClassVar[str] = "prose"

    def __post_init__(self) -> None:
        _answered(self.key, self.values)

    @property
    def empty(self) -> bool:
        return self.values[0].kind == "absent"


@dataclass(frozen=True)
class Column:
    """`width` is a share of the page; columns of one `group` stand under one heading."""

    label: Words
    width: int
    group: Words | None = None


@dataclass(frozen=True)
class Table:
    """Rows of answers that may break across pages; without rows, `why` says so."""

    key: str
    label: Words
    columns: tuple[Column, ...]
    rows: tuple[tuple[Values, ...], ...]
    why: Words | None = None
    type: ClassVar[str] = "table"

    def __post_init__(self) -> None:
        if not self.rows and not self.why:
            raise ValueError(f"form table {self.key!r} has no rows and no reason; give `why`")
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(
                    f"form table {self.key!r} has a row of {len(row)} cells for {len(self.columns)} columns"
                )
            for cell in row:
                _answered(self.key, cell)


@dataclass(frozen=True)
class Heading:
    """A line inside a section, for example one event of several."""

    label: Words
    type: ClassVar[str] = "heading"


@dataclass(frozen=True)
class Signing:
    """A place to sign by hand; the form is never signed by the machine."""

    key: str
    label: Words
    why: Words
    type: ClassVar[str] = "signing"


Block = Field | Ticks | Prose | Table | Heading | Signing


@dataclass(frozen=True)
class Section:
    """A numbered part of the form."""

    number: int
    title: Words
    blocks: tuple[Block, ...]

    def empties(self) -> Iterator[tuple[str, Words]]:
        """Every empty place with its reason."""
        for block in self.blocks:
            match block:
                case Field() | Prose():
                    if block.empty:
                        yield block.key, block.values[0].words
                case Ticks() | Signing():
                    if block.why:
                        yield block.key, block.why
                case Table():
                    if block.why and not block.rows:
                        yield block.key, block.why
                    for row in block.rows:
                        yield from ((block.key, cell[0].words) for cell in row if cell[0].kind == "absent")
                case Heading():
                    pass
