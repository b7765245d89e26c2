"""A demonstration's own directories: only for itself, only where nobody named others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from services import drop_boxes
from shared import runtime
from shared.settings import ROOT, Settings

MULTINATIONAL = str(ROOT / "deploy" / "trials" / "demo-multinational.yaml")


def settings(var: Path, **more: str) -> Settings:
    return Settings.load({"TOCSIN_VAR": str(var), "TOCSIN_TRIAL": MULTINATIONAL} | more)


def test_a_demonstration_makes_two_directories_for_each_computer(tmp_path: Path) -> None:
    given = drop_boxes.given(settings(tmp_path))
    assert set(given.endpoints_by_name) == {"fda", "eudravigilance"}
    for name, one in given.endpoints_by_name.items():
        assert one.address == str(tmp_path / "endpoints" / name / "in") and Path(one.address).is_dir()
        assert one.answers == str(tmp_path / "endpoints" / name / "out") and Path(one.answers).is_dir()
    assert drop_boxes.there(tmp_path, runtime.load_trial(given))


def test_the_folder_may_be_named_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The simulated authority has another working directory."""
    monkeypatch.chdir(tmp_path)
    given = drop_boxes.given(settings(Path("var")))
    assert all(Path(one.address).is_absolute() for one in given.endpoints_by_name.values())


@pytest.mark.parametrize(
    "more",
    [
        {"TOCSIN_DEMO": "0"},
        {"TOCSIN_ENDPOINTS": "{}"},
        {"TOCSIN_ENDPOINTS": '{"fda": {"address": "https://gateway.invalid/in"}}'},
    ],
)
def test_otherwise_nothing_is_made_and_nothing_changes(tmp_path: Path, more: dict[str, str]) -> None:
    before = settings(tmp_path, **more)
    given = drop_boxes.given(before)
    assert given.endpoints_by_name == before.endpoints_by_name
    assert not (tmp_path / "endpoints").exists()
    assert not drop_boxes.there(tmp_path, runtime.load_trial(given))


def test_a_trial_without_computers_needs_none(tmp_path: Path) -> None:
    given = drop_boxes.given(Settings.load({"TOCSIN_VAR": str(tmp_path)}))
    assert given.endpoints_by_name == {} and not (tmp_path / "endpoints").exists()


def test_endpoints_that_name_these_directories_and_no_other_are_meant(tmp_path: Path) -> None:
    var = {"TOCSIN_VAR": str(tmp_path), "TOCSIN_TRIAL": MULTINATIONAL}
    trial = runtime.load_trial(Settings.load(var))
    own = drop_boxes.make(tmp_path, trial)
    assert drop_boxes.there(tmp_path, trial)
    one_elsewhere = json.loads(own)
    one_elsewhere["fda"]["answers"] = str(tmp_path / "elsewhere")
    for said, meant in ((own, True), ("", True), ("{}", False), (json.dumps(one_elsewhere), False)):
        assert drop_boxes.meant(Settings.load(var | {"TOCSIN_ENDPOINTS": said}), trial) is meant, said
