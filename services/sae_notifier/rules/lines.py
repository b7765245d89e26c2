"""YAML read strictly: every refusal names the file, the line and what would be accepted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from services.sae_notifier.rules.words import Words
from shared.errors import FieldProblem, Refused


class FileRefused(Refused):
    """A rule or calendar file that must not be used; each problem's `pointer` is `file:line`."""

    code = "file-refused"
    title = "The file cannot be used"

    def __init__(self, problems: Sequence[FieldProblem]) -> None:
        super().__init__("\n".join(f"{one.pointer}: {one.detail}" for one in problems), problems=problems)


class Problems:
    """What is wrong with one file, collected so that a person can mend it in one go."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.found: list[FieldProblem] = []

    def add(self, line: int, detail: str, remedy: str = "") -> None:
        self.found.append(FieldProblem(f"{self.file}:{line}", f"{detail}; {remedy}" if remedy else detail, remedy))

    def refuse_if_any(self) -> None:
        if self.found:
            raise FileRefused(self.found)


class Section:
    """One YAML mapping; a key that is never asked for is unknown, and `done` refuses it."""

    def __init__(self, data: CommentedMap, problems: Problems) -> None:
        self._data = data
        self._asked: set[str] = set()
        self.problems = problems
        self.line: int = data.lc.line + 1

    def line_of(self, key: str) -> int:
        return self._data.lc.key(key)[0] + 1 if key in self._data else self.line

    def has(self, key: str) -> bool:
        return self._data.get(key) is not None

    def names_of_parts(self) -> tuple[str, ...]:
        return tuple(str(key) for key in self._data)

    def _get(self, key: str, *, required: bool) -> object:
        self._asked.add(key)
        value = self._data.get(key)
        if value is None and required:
            self.problems.add(self.line, f"`{key}` is missing")
        return value

    def text(self, key: str, *, required: bool = True, among: Sequence[str] = ()) -> str:
        value = self._get(key, required=required)
        if value is None:
            return ""
        if not isinstance(value, str) or not value.strip():
            self.problems.add(self.line_of(key), f"`{key}` must be text", "quote it")
            return ""
        if among and value not in among:
            self.problems.add(self.line_of(key), f"`{key}` is {str(value)[:60]!r}", f"use one of {', '.join(among)}")
        return " ".join(str(value).split())

    def number(self, key: str, *, required: bool = True) -> int:
        value = self._get(key, required=required)
        if value is None:
            return 0
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            self.problems.add(self.line_of(key), f"`{key}` must be a whole number, not negative")
            return 0
        return int(value)

    def day(self, key: str, *, required: bool = False) -> date | None:
        value = self._get(key, required=required)
        if value is None:
            return None
        if type(value) is not date:
            self.problems.add(self.line_of(key), f"`{key}` must be a date", "write YYYY-MM-DD without quotes")
            return None
        return value

    def words(self, key: str) -> Words:
        part = self.section(key)
        if part is None:
            return Words("", "")
        words = Words(part.text("en"), part.text("vi"))
        part.done()
        return words

    def names(self, key: str, *, required: bool = True) -> tuple[str, ...]:
        value = self._get(key, required=required)
        if value is None:
            return ()
        if not isinstance(value, CommentedSeq) or not all(isinstance(one, str) for one in value):
            self.problems.add(self.line_of(key), f"`{key}` must be a list of names")
            return ()
        return tuple(str(one) for one in value)

    def section(self, key: str, *, required: bool = True) -> Section | None:
        value = self._get(key, required=required)
        if value is None:
            return None
        if not isinstance(value, CommentedMap):
            self.problems.add(self.line_of(key), f"`{key}` must be a mapping")
            return None
        return Section(value, self.problems)

    def sections(self, key: str, *, required: bool = True) -> tuple[Section, ...]:
        value = self._get(key, required=required)
        if value is None:
            return ()
        if not isinstance(value, CommentedSeq) or not all(isinstance(one, CommentedMap) for one in value):
            self.problems.add(self.line_of(key), f"`{key}` must be a list of mappings")
            return ()
        return tuple(Section(one, self.problems) for one in value)

    def done(self) -> None:
        for key in self._data:
            if str(key) not in self._asked:
                self.problems.add(self.line_of(key), f"unknown field `{str(key)[:60]}`", "remove it or mend its name")


def read(text: str, file: str) -> Section:
    """The top mapping of a YAML text; `file` is only used to say where a problem is."""
    problems = Problems(file)
    try:
        data = YAML(typ="rt").load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problems.add(mark.line + 1 if mark else 1, f"not readable as YAML: {error.problem or error.context}")
        raise FileRefused(problems.found) from error
    except YAMLError as error:
        problems.add(1, "not readable as YAML")
        raise FileRefused(problems.found) from error
    if not isinstance(data, CommentedMap):
        problems.add(1, "the file must be a mapping")
        raise FileRefused(problems.found)
    return Section(data, problems)
