"""What is in the repository can be fetched by anybody, from wherever they fetch things."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = [ROOT / "requirements.lock", ROOT / "deploy" / "requirements-image.lock"]
# Written in two halves, or this file would be its own offence.
REGISTRIES = [
    rf"\b{name}\.{domain}\b"
    for name, domain in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "(org|com)"),
        ("maven", "(apache\\.)?org"),
        ("repo1?", "maven"),
        ("docker", "io"),
        ("ghcr", "io"),
        ("quay", "io"),
        ("gcr", "io"),
        ("crates", "io"),
        ("golang", "org"),
    )
]


def _tracked() -> list[Path]:
    """What git would deliver; without git (an unpacked archive) everything that is no environment or cache."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if done.returncode == 0:
        return [ROOT / name for name in done.stdout.decode().split("\0") if name and (ROOT / name).is_file()]
    hidden = {".venv", "var", "lib", "run", "node_modules", "__pycache__"}
    return [file for file in ROOT.rglob("*") if file.is_file() and not hidden & set(file.relative_to(ROOT).parts)]


def test_no_file_names_a_registry() -> None:
    """A host name in a lock or an image makes a site behind its own mirror edit our files, and then trust an edited lock."""
    names = re.compile("|".join(REGISTRIES).encode(), re.IGNORECASE)
    hits = [(file, names.search(file.read_bytes())) for file in _tracked()]
    found = [f"{file.relative_to(ROOT)}: {hit.group().decode()}" for file, hit in hits if hit]
    assert not found, "\n".join(found)


def test_the_rule_knows_a_registry_when_it_sees_one() -> None:
    names = re.compile("|".join(REGISTRIES))
    for halves in (
        ("https://files.python", "hosted.org/x"),
        ("docker", ".io/library/python"),
        ("repo.mav", "en.apache.org"),
    ):
        assert names.search("".join(halves)), halves


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_line_of_a_lock_is_pinned_and_hashed(lock: Path) -> None:
    """An address or an unhashed line lets somebody else decide what we run."""
    text = lock.read_text()
    assert "://" not in text
    blocks = re.split(r"\n(?=[a-z])", text)
    assert all(re.match(r"[a-z0-9-]+==\S+", block) and "--hash=sha256:" in block for block in blocks)


def test_the_image_runs_what_was_tested() -> None:
    """The image's lock is a part of the whole one, with the same versions and hashes."""

    def pins(lock: Path) -> dict[str, set[str]]:
        blocks = re.split(r"\n(?=[a-z])", lock.read_text())
        return {block.split(" ")[0]: set(re.findall(r"sha256:\w+", block)) for block in blocks}

    whole, image = (pins(lock) for lock in LOCKS)
    assert {name: whole.get(name) for name in image} == image


def test_nobody_tracks_what_is_made() -> None:
    """Jars, databases and caches are fetched or made; in the history they stay for ever."""
    made = (".jar", ".db", ".pyc", ".so", ".whl")
    assert not [file for file in _tracked() if file.suffix in made]
