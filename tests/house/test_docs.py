"""The documentation is true: what exists is documented, what is documented exists, and its commands run."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from functools import cache
from pathlib import Path

import pytest

from docs import tables
from shared import failpoint, metrics
from shared.alarm import SENTENCES
from shared.auth.demo import DEMO_USERS
from shared.auth.roles import ROLES, TABLE
from shared.events.catalogue import CATALOGUE
from shared.settings import Settings, names
from tests.support.routes import answered

ROOT = Path(__file__).parents[2]
OPERATIONS, EVENTS, ROLE_PAGE = "docs/operations.md", "docs/events.md", "docs/roles.md"
PAGES = sorted(
    file.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "docs/**/*.md", "examples/**/*.md")
    for file in ROOT.glob(pattern)
)
IMAGES = ROOT / "docs" / "images"
MOST_IMAGE_BYTES = 250_000
# Written in halves, or this file would be its own offence.
WORKPLACE = re.compile("|".join(("/" + "work/", r"\.lib" + "rary/", "/tmp/" + "w/", r"shared/refer" + "ence")))
GLOSSARY = (
    "awareness",
    "day 0",
    "due",
    "obligation (duty)",
    "filing",
    "receipt",
    "data cut",
    "exposure",
    "episode",
    "expectedness",
    "RSI",
    "SUSAR",
    "parked",
    "replay",
    "relay",
    "held",
)


@cache
def text(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


@cache
def rows(page: str) -> frozenset[str]:
    """The first cell of every table row."""
    return frozenset(re.findall(r"^\|\s*(.+?)\s*\|", text(page), re.MULTILINE))


def blocks(page: str, *languages: str) -> list[str]:
    """Fenced code of these languages, indented or not."""
    found = re.findall(r"^ *```(\w+)\n(.*?)^ *```", text(page), re.MULTILINE | re.DOTALL)
    return [code for language, code in found if language in languages]


def commands() -> list[tuple[str, list[str]]]:
    """(page, words) of every line of shell in the documentation; leading assignments are left out."""
    found = []
    for page in PAGES:
        for line in "\n".join(blocks(page, "sh")).splitlines():
            words = shlex.split(line, comments=True)
            while words and re.match(r"^[A-Z_]+=", words[0]):
                words.pop(0)
            if words:
                found.append((page, words))
    return found


# What exists is documented ----------------------------------------------------------------------------------------


def test_the_tables_are_what_the_code_says() -> None:
    assert not tables.stale(), "run `make docs` and read what it changed"


@pytest.mark.parametrize(
    ("page", "wanted"),
    [
        pytest.param(OPERATIONS, [f"`{name}`" for name in names().values()], id="settings"),
        pytest.param(OPERATIONS, [f"`{one.name}`" for one in metrics.DECLARED], id="metrics"),
        pytest.param(OPERATIONS, [f"`{name}`" for name in failpoint.NAMES], id="failpoints"),
        pytest.param(OPERATIONS, [f"`{kind}`" for kind in SENTENCES], id="alarms"),
        pytest.param(OPERATIONS, [f"`tocsin {name}`" for name, _ in tables.cli_commands()], id="commands"),
        pytest.param(OPERATIONS, [f"`make {name}`" for name, _ in tables.make_targets()], id="make targets"),
        pytest.param(EVENTS, [f"`{name}`" for name in CATALOGUE], id="event types"),
        pytest.param(ROLE_PAGE, [f"`{user.user_id}`" for user in DEMO_USERS], id="demonstration users"),
        pytest.param("README.md", list(GLOSSARY), id="words of the house"),
    ],
)
def test_each_has_a_row_of_its_own(page: str, wanted: list[str]) -> None:
    assert wanted
    missing = sorted(set(wanted) - rows(page))
    assert not missing, f"{page} says nothing about {', '.join(missing)}"


def test_every_permission_has_a_row_and_every_role_a_column() -> None:
    first = {cell.split("`")[1] for cell in rows(ROLE_PAGE) if cell.startswith("`")}
    assert set(TABLE) <= first
    head = next(line for line in text(ROLE_PAGE).splitlines() if line.startswith("| permission |"))
    assert {cell.strip() for cell in head.split("|")[2:-1]} == ROLES


def test_every_setting_and_event_has_a_sentence() -> None:
    silent = [
        name for name, field in Settings.model_fields.items() if not (field.description or "").strip(")").endswith(".")
    ]
    silent += [event.name for event in CATALOGUE.values() if not event.says.endswith(".")]
    silent += [one.name for one in metrics.DECLARED if not one.sentence.endswith(".")]
    assert not silent


def test_every_target_of_the_makefile_says_what_it_does() -> None:
    made = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert made == {name for name, _ in tables.make_targets()}


def test_every_header_of_the_envelope_is_documented() -> None:
    source = (ROOT / "shared/events/envelope.py").read_text()
    headers = set(re.findall(r'"(ce_[a-z]+|content-type)"', source))
    assert headers
    assert {f"`{name}`" for name in headers} <= rows(EVENTS)


def test_every_reason_for_parking_is_documented() -> None:
    source = "".join((ROOT / "shared/bus" / name).read_text() for name in ("worker.py", "reading.py"))
    reasons = set(re.findall(r'Poison\("(\w+)"', source)) | set(re.findall(r'return "(\w+)", f?"', source))
    reasons.discard("not_open")  # the answer to a replay of what is closed already; nothing is parked for it
    assert len(reasons) >= 5
    assert {f"`{reason}`" for reason in reasons} <= rows(OPERATIONS)


def test_every_line_of_a_failed_verification_is_explained() -> None:
    """Whoever reads a breach at night must find its words."""
    source = (ROOT / "shared/audit_verify.py").read_text()
    said = re.findall(r'Breach\(\s*(?:place|reference|f"[^"]*"),\s*f?"([^"]+)"', source)
    assert len(said) > 8
    words = [max(re.split(r"\{[^}]*\}", one), key=len).strip(" :,#") for one in said]
    unexplained = [one for one in words if one not in text(OPERATIONS)]
    assert not unexplained


def test_the_changelog_names_every_event_type_and_schema() -> None:
    """Whoever upgrades reads here what changes on the log and in the database."""
    changes = text("CHANGELOG.md")
    revisions = {file.name.partition("_")[0] for file in ROOT.glob("services/*/migrations/versions/[0-9]*.py")}
    assert revisions
    assert not [name for name in [*CATALOGUE, *revisions] if f"`{name}`" not in changes]


def test_every_decision_is_listed_and_has_its_parts() -> None:
    index = text("docs/decisions/README.md")
    for file in sorted((ROOT / "docs/decisions").glob("[0-9]*.md")):
        page = file.read_text(encoding="utf-8")
        assert f"]({file.name}) {page.splitlines()[0].partition(': ')[2]}" in index, file.name
        assert page.startswith(f"# {file.name[:4]}: ")
        for part in ("Context.", "Decision.", "Consequences.", "Turned down.", "In the code."):
            assert f"\n**{part}** " in page, f"{file.name}: {part}"


# What is documented exists ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES)
def test_no_link_leads_nowhere(page: str) -> None:
    """Relative links and their anchors; addresses outside are not asked."""
    outside = re.sub(r"```.*?```", "", text(page), flags=re.DOTALL)
    links = re.findall(r"\]\(([^)\s]+)\)", outside) + re.findall(r'(?:src|href)="([^"]+)"', outside)
    wrong = []
    for link in links:
        if re.match(r"https?://|mailto:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        if not target.exists() or (anchor and anchor not in _anchors(target.resolve())):
            wrong.append(link)
    assert not wrong, f"{page}: {wrong}"


def _anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_is_named_is_there(page: str) -> None:
    tops = "services|shared|deploy|tests|docs|examples|bench"
    named = set(re.findall(rf"`((?:{tops})/[\w./-]+)`", text(page)))
    assert not sorted(name for name in named if not (ROOT / name).exists())


@pytest.mark.parametrize("page", PAGES)
def test_every_variable_that_is_named_is_a_setting(page: str) -> None:
    of_tests = {"TOCSIN_TEST_KAFKA", "TOCSIN_TEST_POSTGRES", "TOCSIN_REQUIRE_ALL", "TOCSIN_REFERENCE"}
    of_compose = {"TOCSIN_PUBLISH", "TOCSIN_EXCHANGE"}
    named = set(re.findall(r"\bTOCSIN_[A-Z_]*[A-Z]\b", text(page)))
    assert named <= set(names().values()) | of_tests | of_compose


def test_every_event_and_metric_that_is_named_exists() -> None:
    whole = "\n".join(text(page) for page in PAGES)
    assert set(re.findall(r"\btocsin(?:\.[a-z_]+)+\.v\d+\b", whole)) <= set(CATALOGUE)
    known = {one.name for one in metrics.DECLARED}
    assert set(re.findall(r"`(tocsin_[a-z_]+)`", whole)) <= known


def test_alarms_that_are_documented_exist() -> None:
    section = text(OPERATIONS).partition("## Alarms of last resort")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)) == set(SENTENCES)


def test_every_route_that_is_named_exists() -> None:
    routes = frozenset().union(*answered().values())
    patterns = [re.compile("^" + re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(route)) + "$") for route in routes]
    whole = "\n".join(text(page) for page in PAGES if "decisions" not in page)
    named = set(
        re.findall(r"(?:\$BASE|`|POST |GET |PATCH )(/(?:api/v1|ops|alerts|parked|rejected|ledger)[\w/$<>-]*)", whole)
    )
    named = {path for path in named if path != "/ops/<service>"}  # a prefix
    assert len(named) > 8
    filled = {path: re.sub(r"\$\w+|<\w+>", "x", path.replace("<service>", "causality")) for path in named}
    unknown = [path for path, example in filled.items() if not any(one.match(example) for one in patterns)]
    assert not unknown


@pytest.mark.parametrize("page", PAGES)
def test_nothing_of_the_workplace_is_named(page: str) -> None:
    assert not WORKPLACE.findall(text(page))


def test_pictures_are_there_small_and_used() -> None:
    files = {file.name for file in IMAGES.iterdir()}
    shown = set(re.findall(r"docs/images/([\w.-]+)", text("README.md")))
    assert shown
    assert files == shown
    for name in files:
        content = (IMAGES / name).read_bytes()
        assert content.startswith(b"\x89PNG"), name
        assert len(content) < MOST_IMAGE_BYTES, f"{name}: {len(content):,} bytes"


def test_the_examples_list_their_files() -> None:
    for folder in ("cohort", "meningitis"):
        page = f"examples/{folder}/README.md"
        listed = {cell.strip("`").removesuffix(".json") for cell in rows(page) if cell.startswith("`")}
        assert listed == {file.stem for file in (ROOT / "examples" / folder).glob("*.json")}


# Commands run -----------------------------------------------------------------------------------------------------


def test_every_command_exists() -> None:
    targets = {name for name, _ in tables.make_targets()}
    leaves = {name for name, _ in tables.cli_commands()}
    outside = {"curl", "docker", "pg_dump", "."}
    wrong = []
    for page, words in commands():
        match words:
            case ["make", target, *_]:
                good = target in targets
            case ["export", *given]:
                good = all(one.split("=")[0] in names().values() for one in given)
            case ["tocsin" | ".venv/bin/tocsin", *rest]:
                good = any(rest[: len(leaf.split())] == leaf.split() for leaf in leaves)
            case [".venv/bin/python", "-c", code]:
                compile(code, page, "exec")
                good = True
            case [name, *_]:
                good = name in outside
            case _:
                good = False
        if not good:
            wrong.append(f"{page}: {' '.join(words)}")
    assert len(commands()) > 10
    assert not wrong


def run(*command: str, var: Path | None = None, code: int = 0) -> str:
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("TOCSIN_", "PORT", "MAKE"))}
    environment = ours | {"PYTHONPATH": str(ROOT), "COLUMNS": "200"} | ({"TOCSIN_VAR": str(var)} if var else {})
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == code, f"{' '.join(command)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_make_help_lists_every_target() -> None:
    said = run("make", "help")
    assert all(re.search(rf"[ m]{name}\b", said) for name, _ in tables.make_targets())


def test_the_trial_check_of_the_documentation_runs() -> None:
    found = [words for _, words in commands() if words[:3] == ["tocsin", "trial", "check"]]
    assert found
    assert "usable" in run(sys.executable, "-m", "services", *found[0][1:])


@pytest.fixture(scope="module")
def var(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated installation."""
    made = tmp_path_factory.mktemp("installation") / "var"
    assert run(sys.executable, "-m", "services", "migrate", var=made).count("at head") == 5
    return made


def test_the_trail_of_a_fresh_installation_verifies(var: Path) -> None:
    said = run(sys.executable, "-m", "services", "audit", "verify", var=var)
    assert said.count("agrees") == 6, "the services, the log, the users"


def test_a_table_dropped_by_hand_is_named_in_a_line(var: Path, tmp_path: Path) -> None:
    cut = tmp_path / "var"
    shutil.copytree(var, cut)
    with closing(sqlite3.connect(cut / "sae_notifier.db")) as connection:
        connection.execute("DROP TABLE receipts")
    with pytest.raises(AssertionError) as failed:
        run(sys.executable, "-m", "services", "audit", "verify", var=cut)
    assert "audit verify: 1\n" in str(failed.value)
    assert "no such table: receipts" in str(failed.value)
    assert "Traceback" not in str(failed.value)


def test_findings_as_json_are_nothing_but_json(var: Path, tmp_path: Path) -> None:
    """The bell that rings for a broken trail speaks elsewhere: whoever reads the findings by machine reads them then."""
    edited = tmp_path / "var"
    shutil.copytree(var, edited)
    with closing(sqlite3.connect(edited / "ae_intake.db")) as connection, connection:
        connection.execute("INSERT INTO allocations VALUES ('VN01-001', 1, 'A', '2026-03-09 03:00:00')")
    command = [sys.executable, "-m", "services", "audit", "verify", "--json"]
    environment = {**os.environ, "TOCSIN_VAR": str(edited)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    found = {one["service"]: one for one in json.loads(done.stdout)}
    assert not found["ae_intake"]["ok"] and found["ae_intake"]["breaches"]
    assert "audit_broken" in done.stderr


def test_the_schema_of_an_event_prints() -> None:
    code = next(words[2] for page, words in commands() if page == EVENTS and words[1:2] == ["-c"])
    assert '"title": "tocsin.case.reported.v1"' in run(sys.executable, "-c", code)


def test_the_snippets_of_operations_run(var: Path, tmp_path: Path) -> None:
    """A user is added, and every database copied, as the page says."""
    (users,) = blocks(OPERATIONS, "python")
    run(sys.executable, "-c", users.replace('input("password: ")', "'correct horse battery'"), var=var)
    copy = tmp_path / "copy"
    run(sys.executable, "-m", "services", "backup", str(copy), var=var)
    assert {file.name for file in copy.iterdir()} == {file.name for file in var.glob("*.db")}
    with closing(sqlite3.connect(copy / "auth.db")) as copied:
        assert ("safety-1",) in copied.execute("SELECT user_id FROM users").fetchall()
