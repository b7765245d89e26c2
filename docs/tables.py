"""The tables of the documentation, made from the code: `make docs` writes them between their marks.

A table stands between `<!-- made: NAME -->` and `<!-- end -->`. tests/house/test_docs.py fails while one is out of date,
and does not trust this file: it looks for every name by itself.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Protocol

import typer.main
from pydantic import SecretStr

from services.cli import app
from services.sae_notifier.e2b.doubts import WHY, Doubts
from services.sae_notifier.e2b.table import elements
from services.sae_notifier.rules import Rule, Rulebook, load_calendar
from shared import failpoint, metrics
from shared.alarm import SENTENCES
from shared.auth.demo import DEMO_USERS
from shared.auth.roles import SITE_SCOPED, TABLE
from shared.events.catalogue import CATALOGUE
from shared.settings import ROOT, Settings, names

PAGES = (
    "README.md",
    "docs/operations.md",
    "docs/events.md",
    "docs/roles.md",
    "docs/e2b.md",
    "docs/authorities.md",
)
_BLOCK = re.compile(r"(<!-- made: (?P<name>[a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
ROLES = (
    "clinician",
    "investigator",
    "safety_officer",
    "medical_monitor",
    "dsmb_member",
    "dsmb_statistician",
    "auditor",
    "admin",
    "system",
)


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A Markdown table; a bar inside a cell is escaped."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"


def settings() -> str:
    """Every setting with its default, as the environment gives it."""
    variables = names()
    rows = [
        (f"`{variables[name]}`", _default(field.default), field.description or "")
        for name, field in Settings.model_fields.items()
    ]
    return table(("variable", "default", "what it does"), rows)


def _default(value: object) -> str:
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if isinstance(value, Path):
        value = value.relative_to(ROOT) if value.is_absolute() else value
    if isinstance(value, bool):
        value = int(value)
    return "" if value in (None, "") else f"`{value}`"


def metric_names() -> str:
    """Every metric; one that nothing in the product sets yet says so."""
    used = strings_and_names()
    variables = {
        name: _full(value) for name, value in vars(metrics).items() if name.isupper() and hasattr(value, "_name")
    }
    dead = {full for name, full in variables.items() if name not in used}
    rows = [
        (
            f"`{one.name}`",
            one.kind,
            one.unit,
            ", ".join(one.labels[1:]),
            one.sentence + (" **Declared, not measured yet.**" if one.name.removesuffix("_total") in dead else ""),
        )
        for one in metrics.DECLARED
    ]
    return table(("metric", "kind", "unit", "labels beside `service`", "meaning"), rows)


def _full(metric: object) -> str:
    return str(getattr(metric, "_name", "")).removesuffix("_total")


def silent_alarms() -> str:
    """The kinds that exist and that no code rings."""
    used = strings_and_names()
    silent = sorted(f"`{kind}`" for kind in SENTENCES if kind not in used)
    if not silent:
        return "Every kind is rung by some code.\n"
    return f"Declared, but rung by no code yet: {', '.join(silent)}.\n"


def failpoints() -> str:
    used = strings_and_names()
    rows = [(f"`{name}`", "yes" if name in used else "no") for name in sorted(failpoint.NAMES)]
    return table(("name", "passed by the code"), rows)


def commands() -> str:
    """Every command of `tocsin`, with its first sentence."""
    rows = [(f"`tocsin {name}`", _first_line(command)) for name, command in cli_commands()]
    return table(("command", "what it does"), rows)


class _Command(Protocol):
    @property
    def help(self) -> str | None: ...


def cli_commands() -> Iterator[tuple[str, _Command]]:
    """("trial check", its command) for every leaf."""
    yield from _leaves(typer.main.get_command(app), "")


def _leaves(command: _Command, above: str) -> Iterator[tuple[str, _Command]]:
    for name, child in sorted(getattr(command, "commands", {}).items()):
        if hasattr(child, "commands"):
            yield from _leaves(child, f"{above}{name} ")
        else:
            yield f"{above}{name}", child


def _first_line(command: _Command) -> str:
    return (command.help or "").strip().splitlines()[0]


def targets() -> str:
    """Every target of the Makefile with its own words."""
    return table(("target", "what it does"), [(f"`make {name}`", words) for name, words in make_targets()])


def make_targets() -> list[tuple[str, str]]:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    return re.findall(r"^([a-z-]+):.*?## (.*)$", text, re.MULTILINE)


def events() -> str:
    """Every event type: who publishes it, what it is about, its key, its document."""
    rows = [
        (
            f"`{event.name}`",
            ", ".join(event.sources),
            f"`{_aggregate(event.name)}`",
            "child" if "subject_id" in event.model.model_fields else "trial",
            f"`{event.model.__name__}`",
            event.says + (" Travels on `tocsin.allocation`." if event.allocation else ""),
        )
        for event in CATALOGUE.values()
    ]
    return table(("type", "source", "aggregate (`ce_subject`)", "key", "document", "when"), rows)


def _aggregate(name: str) -> str:
    noun = name.split(".")[1]
    if name.endswith("audit_sealed.v1"):
        return f"audit/{CATALOGUE[name].source}"
    return f"{noun}/…"


def documents() -> str:
    """The fields of every document, required ones first; the schemas say the rest."""
    parts = []
    for model in sorted({event.model for event in CATALOGUE.values()}, key=lambda one: one.__name__):
        types = ", ".join(f"`{event.name}`" for event in CATALOGUE.values() if event.model is model)
        fields = model.model_fields.items()
        needed = ", ".join(f"`{name}`" for name, field in fields if field.is_required())
        more = ", ".join(f"`{name}`" for name, field in fields if not field.is_required())
        parts.append(
            f"- **{model.__name__}** ({types}). Always there: {needed}."
            + (f" May be absent or null: {more}." if more else "")
        )
    return "\n".join(parts) + "\n"


def permissions() -> str:
    """Who may do what; a permission that no route asks for yet says so."""
    used = strings_and_names()
    rows = [
        (
            f"`{name}`" + ("" if name in used else " (no route asks for it yet)"),
            *("yes" if role in roles else "" for role in ROLES),
        )
        for name, roles in TABLE.items()
    ]
    return table(("permission", *ROLES), rows)


def demo_users() -> str:
    rows = [(f"`{one.user_id}`", f"`{one.password}`", one.role) for one in DEMO_USERS]
    return table(("user", "password", "role"), rows)


def e2b_elements() -> str:
    """Every data element we write, where it comes from, and whether each profile wants it."""
    rows = [
        (
            one.name,
            f"{one.length or ''} {one.kind}".strip(),
            one.ich,
            one.fda,
            " ".join(sorted(one.nulls)),
            f"`{one.codes}`" if one.codes else "",
            one.source,
        )
        for one in elements()
        if one.source
    ]
    return table(("element", "type", "ich", "fda-premarket", "null flavours", "codes", "from"), rows)


def e2b_doubts() -> str:
    """What the sources leave open, and how we have settled it for now."""
    rows = [(f"`{one.name}`", f"`{one.default}`", WHY[one.name]) for one in fields(Doubts)]
    return table(("setting", "value", "why it is open"), rows)


def scoped() -> str:
    return f"Limited to the sites of their sign-in: {', '.join(f'`{role}`' for role in sorted(SITE_SCOPED))}.\n"


def _law() -> Rulebook:
    return Rulebook.load({one.name: one.read_text("utf-8") for one in (ROOT / "deploy" / "rules").glob("*.yaml")})


def law_rules() -> str:
    """Every rule in force, as its file states it."""
    rows = [
        (
            f"`{one.rule_id}`",
            one.title.en,
            one.deadline.words().en,
            _counted(one),
            ", ".join(one.recipients),
            one.basis.en,
            one.confidence,
        )
        for one in sorted(_law().rules, key=lambda one: (one.authority, one.group, one.urgency))
        if one.effective_to is None
    ]
    return table(("rule", "what", "deadline", "counted from", "recipients", "basis", "confidence"), rows)


def _counted(rule: Rule) -> str:
    if rule.after is None:
        return f"`{rule.aware_setting}`" if rule.aware_setting else rule.aware
    if rule.after.occasion == "news":
        return "the news"
    within = f"; within what stood under {', '.join(rule.after.within)}" if rule.after.within else ""
    return f"the {rule.after.counted_from} of {', '.join(rule.after.rules)}{within}"


def law_doubts() -> str:
    """The settings by which a trial file answers what the law leaves open."""
    found = [(file.authority, one) for file in _law().files for one in file.settings.values()]
    for path in (ROOT / "deploy" / "calendars").glob("*.yaml"):
        calendar = load_calendar(path.read_text("utf-8"), path.name)
        found += [(calendar.calendar_id, one) for one in calendar.settings.values()]
    rows = [
        (
            one.doubt,
            f"`{one.name}`",
            " ".join(f"`{v}`" for v in one.values),
            f"`{one.default}`",
            one.confidence,
            one.why.en,
        )
        for _, one in sorted(found, key=lambda pair: (pair[0], pair[1].name))
    ]
    return table(("doubt", "setting", "values", "default", "confidence", "why it is open"), rows)


MADE: dict[str, Callable[[], str]] = {
    "settings": settings,
    "metrics": metric_names,
    "silent-alarms": silent_alarms,
    "failpoints": failpoints,
    "commands": commands,
    "targets": targets,
    "events": events,
    "documents": documents,
    "permissions": permissions,
    "demo-users": demo_users,
    "scoped": scoped,
    "icsr-elements": e2b_elements,
    "icsr-doubts": e2b_doubts,
    "law-rules": law_rules,
    "law-doubts": law_doubts,
}


@cache
def strings_and_names() -> frozenset[str]:
    """Every text and attribute name in the product's code, except where kinds, metrics and permissions are declared."""
    declared = {"shared/metrics.py", "shared/alarm.py", "shared/auth/roles.py", "shared/failpoint.py"}
    found: set[str] = set()
    for top in ("services", "shared"):
        for file in sorted((ROOT / top).rglob("*.py")):
            if file.relative_to(ROOT).as_posix() in declared:
                continue
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found.add(node.value)
                elif isinstance(node, ast.Attribute):
                    found.add(node.attr)
    return frozenset(found)


def filled(text: str) -> str:
    """The page with every table made anew; raises KeyError for a mark that names no table."""
    return _BLOCK.sub(lambda match: f"{match[1]}{MADE[match['name']]()}{match[3]}", text)


def stale() -> list[str]:
    """The pages whose tables are not what the code says."""
    return [name for name in PAGES if (text := (ROOT / name).read_text(encoding="utf-8")) != filled(text)]


def main() -> None:
    """Write what is stale and say which."""
    for name in stale():
        page = ROOT / name
        page.write_text(filled(page.read_text(encoding="utf-8")), encoding="utf-8")
        sys.stdout.write(f"{name}: tables made anew\n")


if __name__ == "__main__":
    main()
