"""`tocsin e2b`: JSON on standard output, words on standard error, an exit code for scripts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from services.cli import app
from services.sae_notifier.e2b import write
from tests.support.e2b import schemas
from tests.unit.sae_notifier.e2b.build import CASE, FACTS, message
from tests.unit.sae_notifier.e2b.edit import edited, first
from tests.unit.sae_notifier.e2b.test_ack import answered


def run(*words: str | Path, env: dict[str, str] | None = None) -> Result:
    return CliRunner().invoke(
        app, ["e2b", *map(str, words)], env={"TOCSIN_E2B_SCHEMAS": "", "TOCSIN_VAR": "none"} | (env or {})
    )


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    path = tmp_path / "report.xml"
    path.write_bytes(write(CASE, FACTS, "ich", message()))
    return path


def test_an_acknowledgement_prints_as_json(tmp_path: Path) -> None:
    path = tmp_path / "a.ack"
    path.write_bytes(answered("AE", "CA", "CR", errors=("D.9.3 must be provided",)))
    done = run("ack", path)
    assert done.exit_code == 0
    assert json.loads(done.stdout)["decision"] == "partly"
    assert set(json.loads(done.stdout)) == {"message_code", "reports", "decision"}


def test_an_unreadable_one_too(tmp_path: Path) -> None:
    path = tmp_path / "a.ack"
    path.write_bytes(b"<html>503</html>")
    done = run("ack", path)
    assert done.exit_code == 1
    assert json.loads(done.stdout) == {"message_code": None, "reports": [], "decision": "unreadable"}
    assert "root" in done.stderr


def test_without_schemas_nothing_is_judged(kept: Path) -> None:
    done = run("validate", kept, "--profile", "ich")
    assert done.exit_code == 2
    (said,) = json.loads(done.stdout)
    assert (said["rule"], said["severity"]) == ("not-judged", "error")
    assert "tocsin e2b fetch-schemas" in done.stderr and "TOCSIN_E2B_SCHEMAS" in done.stderr


def test_a_profile_and_a_file_must_exist(kept: Path, tmp_path: Path) -> None:
    assert "fda-premarket" in run("validate", kept, "--profile", "ema").stderr
    for command in ("validate", "ack"):
        done = run(command, tmp_path / "no.xml")
        assert (done.exit_code, "cannot be read" in done.stderr) == (2, True)
        assert json.loads(done.stdout), "standard output is JSON whatever happens"
    assert json.loads(run("ack", tmp_path).stdout) == {"message_code": None, "reports": [], "decision": "unreadable"}


def test_a_package_that_is_none_installs_nothing(tmp_path: Path) -> None:
    fake = tmp_path / "package.zip"
    fake.write_bytes(b"no zip")
    done = run("fetch-schemas", "--source", fake, "--schemas", tmp_path / "schemas")
    assert done.exit_code == 2
    assert "zip" in done.stderr
    assert not (tmp_path / "schemas").exists()


def test_a_package_comes_by_https_or_as_a_file(tmp_path: Path) -> None:
    done = run("fetch-schemas", "--source", "http://example.org/x.zip", "--schemas", tmp_path)
    assert (done.exit_code, "https" in done.stderr) == (2, True)


@pytest.mark.live
@pytest.mark.schemas
def test_findings_as_json_and_an_exit_code(kept: Path, tmp_path: Path) -> None:
    there = {"TOCSIN_E2B_SCHEMAS": str(schemas())}
    done = run("validate", kept, "--profile", "ich", env=there)
    assert done.exit_code == 0
    assert {one["severity"] for one in json.loads(done.stdout)} == {"warning"}
    broken = tmp_path / "broken.xml"
    broken.write_bytes(edited("ich", lambda root: first(root, "creationTime").set("value", "soon")))
    done = run("validate", broken, "--profile", "ich", env=there)
    assert done.exit_code == 1
    finding = next(one for one in json.loads(done.stdout) if one["layer"] == "xsd")
    assert set(finding) == {"layer", "rule", "element", "xpath", "severity", "message"}
    assert (finding["element"], set(finding["message"])) == ("N.1.5", {"vi", "en"})


@pytest.mark.live
@pytest.mark.schemas
def test_the_package_is_installed_and_used(kept: Path, tmp_path: Path) -> None:
    import shutil

    archive = shutil.make_archive(str(tmp_path / "package"), "zip", schemas())
    done = run("fetch-schemas", "--source", archive, "--schemas", tmp_path / "installed")
    assert done.exit_code == 0, done.stderr
    assert "55 schema files" in done.stdout
    assert run("validate", kept, "--schemas", tmp_path / "installed").exit_code == 0
