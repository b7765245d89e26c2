"""Other files on disk move nothing until a person has seen what they would move and has signed: over HTTP, across restarts."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.sae_notifier.handlers import duties
from services.sae_notifier.handlers.law import LawRefused, load_law
from shared import metrics
from shared.audit import SERVICE_STREAM
from shared.errors import Refused
from shared.settings import ROOT
from tests.api.problems import pointers, problem
from tests.api.test_notifier_pages import ENGLISH, words
from tests.api.world import START, ApiWorld

ADMIN, OFFICER, MONITOR = "admin", "safety-officer-1", "medical-monitor-1"
SEVEN = "deadline: {number: 7, unit: working_days}"


class Files:
    """A copy of the shipped files that a test may edit."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("rules", "calendars", "trials"):
            shutil.copytree(ROOT / "deploy" / name, folder / name)
        self.environ = {
            "TOCSIN_RULES_DIR": str(folder / "rules"),
            "TOCSIN_CALENDARS_DIR": str(folder / "calendars"),
            "TOCSIN_TRIAL": str(folder / "trials" / "vinmec-cp-bmmnc.yaml"),
        }

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.folder / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


@pytest.fixture
def world(files: Files) -> Iterator[ApiWorld]:
    made = ApiWorld(at=START, **files.environ)
    yield made
    made.close()


def owed(world: ApiWorld, case: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The duties of a case by rule and recipient."""
    found = world.get(f"/api/v1/obligations?case_id={case['case_id']}", OFFICER).json()["obligations"]
    return {f"{one['rule_id']} {one['recipient_id']}": one for one in found}


def reported(world: ApiWorld) -> dict[str, Any]:
    case = world.case(world.child())
    world.drain()
    return case


def rules(world: ApiWorld, user: str = ADMIN) -> dict[str, Any]:
    found = world.get("/api/v1/rules", user)
    assert found.status_code == 200, found.text
    return found.json()


def activate(world: ApiWorld, user: str = ADMIN, **changes: Any) -> Any:
    waiting = rules(world)["waiting"]
    body = {"sha256": waiting["sha256"] if waiting else "0" * 64, "password": f"tocsin-demo-{user}"}
    return world.post("/api/v1/rules/activate", user, json=body | {"reason": "the ministry wrote so"} | changes)


def trail(world: ApiWorld) -> list[dict[str, Any]]:
    sql = f"SELECT entry FROM audit WHERE stream = '{SERVICE_STREAM}' ORDER BY seq"
    with world.db("sae_notifier").engine.connect() as connection:
        return [json.loads(one) for one in connection.exec_driver_sql(sql).scalars()]


def test_the_first_start_activates_what_is_configured_and_says_so(own_world: ApiWorld) -> None:
    found = rules(own_world)
    active = found["active"]
    assert found["waiting"] is None
    assert (active["activation"]["number"], active["activation"]["activated_by"]) == (1, "system")
    assert active["activation"]["reviewed"] is True
    kinds = {one["kind"] for one in active["files"]}
    assert kinds == {"rules", "calendar", "holidays", "trial"}
    law = load_law(own_world.settings, own_world.app.state.runtimes["sae_notifier"].trial)
    assert active["activation"]["law_sha256"] == law.sha256
    (first,) = [one for one in trail(own_world) if "first start" in one["action"]]
    assert first["actor"] == "system" and "activations/1" in first["rows"]
    assert first["detail"]["files"] == {one["name"]: one["sha256"] for one in active["files"]}


def test_other_files_move_nothing_until_they_are_activated(world: ApiWorld, files: Files) -> None:
    case = reported(world)
    before = owed(world, case)
    files.edit("rules/vn.yaml", SEVEN, SEVEN.replace("7", "9"))
    world.restart(**files.environ)

    assert owed(world, case) == before
    waiting = rules(world)["waiting"]
    assert [one["name"] for one in waiting["files"] if one["change"] != "same"] == ["vn.yaml"]
    second = reported(world)
    news = owed(world, second)
    assert {key: one["rule_sha256"] for key, one in news.items()} == {
        key: one["rule_sha256"] for key, one in before.items()
    }
    assert world.dispatcher.law.review() == 0 and owed(world, case) == before

    waiting = rules(world)["waiting"]
    moved = waiting["preview"]["changes"]
    seven = [key for key in before if key.startswith("VN-SAE-7WD")]
    assert waiting["preview"]["relaxations"] == len(moved) == 2 * len(seven) > 0
    assert {one["effect"] for one in moved} == {"later"} and all(one["relaxes"] for one in moved)
    assert set(waiting["preview"]["recipients"]) == {key.split()[1] for key in seven}
    assert waiting["preview"]["counts"]["same"] > 0, "other duties of the same file"

    done = activate(world, preview_sha256=waiting["preview"]["sha256"])
    assert done.status_code == 200, done.text
    assert (done.json()["number"], done.json()["activated_by"], done.json()["reviewed"]) == (
        2,
        ADMIN,
        False,
    )
    assert owed(world, case) == before, "nothing has been judged anew yet"
    assert world.dispatcher.law.review()
    after = owed(world, case)
    for one in moved:
        if one["case_id"] == case["case_id"]:
            now = next(two for two in after.values() if two["obligation_id"] == one["obligation_id"])
            assert (now["due_at"], now["due_strict_at"]) == tuple(
                one[name].replace("+00:00", "Z") for name in ("due_after", "strict_after")
            ), "what was shown is what happened"
            assert now["due_at"] > before[f"VN-SAE-7WD {now['recipient_id']}"]["due_at"]
            (why,) = [two for two in now["causes"] if two["code"] == "other_files"]
            old = before[f"VN-SAE-7WD {now['recipient_id']}"]["rule_sha256"]
            assert old[:12] in why["why_en"] and now["rule_sha256"][:12] in why["why_en"] and why["version"] == 2
    found = rules(world)
    assert found["waiting"] is None and found["active"]["activation"]["reviewed"] is True
    assert world.dispatcher.law.review() == 0
    world.clock.advance(hours=1)
    fever = {"subject_id": world.get(f"/api/v1/cases/{case['case_id']}", OFFICER).json()["case"]["subject_id"]}
    world.post("/api/v1/measurements", "clinician", json=fever | {"test": "alt", "value": "30", "unit": "U/L"})
    world.drain()
    again = owed(world, case)
    assert {key: (one["due_at"], one["causes"]) for key, one in again.items()} == {
        key: (one["due_at"], one["causes"]) for key, one in after.items()
    }, "the next evaluation keeps the reason"


def test_what_was_signed_is_kept_with_what_it_moved(world: ApiWorld, files: Files) -> None:
    reported(world)
    files.edit("rules/vn.yaml", SEVEN, SEVEN.replace("7", "9"))
    world.restart(**files.environ)
    preview = rules(world)["waiting"]["preview"]
    done = activate(world, MONITOR).json()
    entry = next(one for one in trail(world) if one["actor"] == MONITOR)
    assert entry["action"] == "activated rule, calendar and trial files"
    assert (entry["reason"], entry["detail"]["relaxed"]) == ("the ministry wrote so", preview["relaxations"])
    assert f"activations/{done['number']}" in entry["rows"]
    with world.db("sae_notifier").engine.connect() as connection:
        body = json.loads(
            connection.exec_driver_sql("SELECT body FROM activations ORDER BY number DESC LIMIT 1").scalar_one()
        )
    assert (body["preview_sha256"], body["reason"]) == (preview["sha256"], "the ministry wrote so")
    assert len(body["relaxations"]) == preview["relaxations"]


def test_an_earlier_deadline_is_no_relaxation_and_going_back_is(world: ApiWorld, files: Files) -> None:
    case = reported(world)
    first = {key: (one["due_at"], one["due_strict_at"]) for key, one in owed(world, case).items()}
    files.edit("rules/vn.yaml", SEVEN, SEVEN.replace("7", "5"))
    world.restart(**files.environ)
    preview = rules(world)["waiting"]["preview"]
    assert preview["relaxations"] == 0 and {one["effect"] for one in preview["changes"]} == {"earlier"}
    activate(world)
    world.dispatcher.law.review()
    assert any(one["due_at"] < first[key][0] for key, one in owed(world, case).items())
    files.edit("rules/vn.yaml", SEVEN.replace("7", "5"), SEVEN)
    world.restart(**files.environ)
    assert rules(world)["waiting"]["preview"]["relaxations"] > 0
    activate(world)
    world.dispatcher.law.review()
    assert {key: (one["due_at"], one["due_strict_at"]) for key, one in owed(world, case).items()} == first
    assert rules(world)["active"]["activation"]["number"] == 3


def test_a_calendar_waits_like_a_rule(world: ApiWorld, files: Files) -> None:
    case = reported(world)
    before = owed(world, case)
    calendar = files.folder / "calendars" / "vn.yaml"
    extra = "\n  - {date: 2026-03-16, is: 'off', source: a notice of this test}\n"
    text = calendar.read_text(encoding="utf-8")
    calendar.write_text(re.sub(r"^days:\s*\n", lambda m: f"days:{extra}", text, count=1, flags=re.M), encoding="utf-8")
    assert calendar.read_text(encoding="utf-8") != text
    world.restart(**files.environ)
    assert owed(world, case) == before
    assert {one["effect"] for one in rules(world)["waiting"]["preview"]["changes"]} == {"later"}


def test_duties_are_judged_by_the_trial_inside_the_law(world: ApiWorld, files: Files) -> None:
    case = reported(world)
    before = owed(world, case)
    urgent = {key for key in before if key.startswith("VN-URGENT")}
    assert urgent
    files.edit(
        "trials/vinmec-cp-bmmnc.yaml",
        'name: vn_urgent_notice\n    value: "on"',
        'name: vn_urgent_notice\n    value: "off"',
    )
    world.restart(**files.environ)
    waiting = rules(world)["waiting"]
    assert [one["name"] for one in waiting["files"] if one["change"] == "changed"] == ["vinmec-cp-bmmnc.json"]
    touched = {f"{one['rule_before']} {one['recipient_id']}" for one in waiting["preview"]["changes"]}
    assert touched == urgent
    page = world.get("/rules", ADMIN).text
    assert "vn_urgent_notice" in page and "roster" not in page, "of the trial only what decides duties is shown"
    assert owed(world, case) == before
    assert owed(world, reported(world)).keys() == before.keys(), "a new case too"
    activate(world)
    world.dispatcher.law.review()
    assert owed(world, reported(world)).keys() == before.keys() - urgent


def test_what_decides_no_duty_waits_for_nobody(world: ApiWorld, files: Files) -> None:
    trial = files.folder / "trials" / "vinmec-cp-bmmnc.yaml"
    trial.write_text(trial.read_text(encoding="utf-8") + "\n# another telephone number\n", encoding="utf-8")
    world.restart(**files.environ)
    assert rules(world)["waiting"] is None


def test_a_rule_that_is_gone_leaves_its_duties_open(world: ApiWorld, files: Files) -> None:
    case = reported(world)
    files.edit("trials/vinmec-cp-bmmnc.yaml", "protocol.yaml", "protocol2.yaml")
    text = (files.folder / "rules" / "protocol.yaml").read_text(encoding="utf-8")
    (files.folder / "rules" / "protocol2.yaml").write_text(text.replace("PROTOCOL", "PROTOKOLL"), encoding="utf-8")
    world.restart(**files.environ)
    before = {one["obligation_id"]: one for one in owed(world, case).values()}
    preview = rules(world)["waiting"]["preview"]
    gone = [one for one in preview["changes"] if one["effect"] == "unexplained"]
    assert all(before[one["obligation_id"]]["state"] == "open" for one in gone)
    activate(world)
    world.dispatcher.law.review()
    after = {one["obligation_id"]: one for one in owed(world, case).values()}
    assert before.keys() <= after.keys() and all(after[name]["state"] == "open" for name in before)


def test_only_a_fresh_password_and_a_reason_activate(world: ApiWorld, files: Files) -> None:
    files.edit("rules/vn.yaml", SEVEN, SEVEN.replace("7", "5"))
    world.restart(**files.environ)
    number = rules(world)["active"]["activation"]["number"]
    problem(activate(world, password="tocsin-demo-clinician"), 403, "forbidden")
    assert pointers(activate(world, reason="  ")) == ["/reason"]
    assert pointers(activate(world, sha256="x")) == ["/sha256"]
    assert pointers(activate(world, sha256="0" * 64)) == ["/sha256"]
    problem(activate(world, preview_sha256="0" * 64), 412, "precondition-failed")
    for user in (OFFICER, "clinician", "auditor"):
        problem(activate(world, user), 403, "forbidden")
    problem(world.get("/api/v1/rules", "clinician"), 403)
    assert rules(world)["active"]["activation"]["number"] == number
    active = rules(world)["active"]["activation"]["law_sha256"]
    problem(activate(world, sha256=active), 409, "conflict")
    assert activate(world).status_code == 200


def test_a_case_that_the_files_cannot_judge_keeps_them_out(
    world: ApiWorld, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = reported(world)
    before = owed(world, case)
    files.edit("rules/vn.yaml", SEVEN, SEVEN.replace("7", "5"))
    world.restart(**files.environ)
    real = duties.evaluate

    def broken(history: Any, facts: Any, book: Any, *more: Any) -> Any:
        if any(rule.deadline.number == 5 for rule in book.rules):
            raise Refused("no calendar for that")
        return real(history, facts, book, *more)

    monkeypatch.setattr(duties, "evaluate", broken)
    preview = rules(world)["waiting"]["preview"]
    assert (preview["failed"], preview["changes"]) == ([case["case_id"]], [])
    assert pointers(activate(world)) == ["/sha256"]
    page = world.get("/rules", ADMIN).text
    assert "1 ca không xét được" in words(page) and 'name="password"' not in page
    assert owed(world, case) == before


def test_another_instance_with_old_files_judges_by_the_same_law(world: ApiWorld, files: Files, tmp_path: Path) -> None:
    """It knows only its own files; what was activated elsewhere comes from the database."""
    old = Files(tmp_path / "old")
    files.edit("rules/vn.yaml", SEVEN, SEVEN.replace("7", "5"))
    world.restart(**files.environ)
    activate(world)
    world.dispatcher.law.review()
    fresh = owed(world, reported(world))
    world.restart(**old.environ)
    assert {key: one["rule_sha256"] for key, one in owed(world, reported(world)).items()} == {
        key: one["rule_sha256"] for key, one in fresh.items()
    }
    assert rules(world)["waiting"] is not None


def test_stored_files_that_were_changed_are_refused_and_duties_without_an_activation_too(
    world: ApiWorld, files: Files
) -> None:
    reported(world)
    files.edit("rules/vn.yaml", SEVEN, SEVEN.replace("7", "5"))
    with world.db("sae_notifier").engine.begin() as connection:
        connection.exec_driver_sql("UPDATE rule_files SET body = body || ' ' WHERE name = 'vn.yaml'")
    with pytest.raises(LawRefused, match=r"vn\.yaml.*was changed"):
        world.restart(**files.environ)
    with world.db("sae_notifier").engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM activations")
    with pytest.raises(LawRefused, match="no activation"):
        world.restart(**files.environ)


def test_the_desk_and_a_metric_say_that_files_wait(world: ApiWorld, files: Files) -> None:
    files.edit("rules/vn.yaml", SEVEN, SEVEN.replace("7", "5"))
    world.restart(**files.environ)
    run = world.app.state.runtimes["sae_notifier"]

    def gauge() -> float | None:
        for one in run.gauges:
            one(run)
        return metrics.REGISTRY.get_sample_value("tocsin_rules_waiting", {"service": "sae_notifier"})

    assert gauge() == 1
    desk = words(world.get("/desk", OFFICER).text)
    assert "đang chờ người kích hoạt" in desk
    assert world.get("/readyz").status_code in (200, 503)
    activate(world)
    assert gauge() == 0
    assert "đang chờ người kích hoạt" not in words(world.get("/desk", OFFICER).text)


# The page ---------------------------------------------------------------------------------------------------------


def form(world: ApiWorld, user: str = ADMIN, **changes: str) -> dict[str, str]:
    page = world.get("/rules", user).text
    fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))
    return fields | {"reason": "Bộ Y tế có văn bản mới", "password": f"tocsin-demo-{user}"} | changes


def test_the_page_shows_relaxations_first_and_signs(world: ApiWorld, files: Files) -> None:
    case = reported(world)
    files.edit("rules/vn.yaml", SEVEN, SEVEN.replace("7", "9"))
    world.restart(**files.environ)
    page = world.get("/rules", ADMIN).text
    shown = words(page)
    assert "Nới" in shown and case["case_number"] in shown and "muộn hơn" in shown
    assert "+    deadline: {number: 9, unit: working_days}" in page
    english = words(world.get("/rules", ADMIN, headers=ENGLISH).text)
    assert "It relaxes" in english and "Whom it affects:" in english
    wrong = world.post("/rules/activate", ADMIN, data=form(world, password="guessed"))
    assert wrong.status_code == 403 and "Bộ Y tế có văn bản mới" in wrong.text and "guessed" not in wrong.text
    assert world.post("/rules/activate", ADMIN, data=form(world, reason=" ")).status_code == 422
    stale = world.post("/rules/activate", ADMIN, data=form(world, preview_sha256="0" * 64))
    assert stale.status_code == 412 and "Hãy đọc lại" in words(stale.text)
    done = world.post("/rules/activate", ADMIN, data=form(world))
    assert (done.status_code, done.headers["location"]) == (303, "/rules")
    after = words(world.get("/rules", ADMIN).text)
    assert "đang được áp dụng" in after and "Các ca đang được xét" in after and "Bộ Y tế có văn bản mới" in after
    world.dispatcher.law.review()
    assert "Các ca đang được xét" not in words(world.get("/rules", ADMIN).text)


def test_others_read_and_do_not_activate(world: ApiWorld, files: Files) -> None:
    files.edit("rules/vn.yaml", SEVEN, SEVEN.replace("7", "5"))
    world.restart(**files.environ)
    for user in (OFFICER, "auditor"):
        page = world.get("/rules", user)
        assert page.status_code == 200 and 'name="password"' not in page.text, user
        assert world.post("/rules/activate", user, data={}).status_code == 403
    assert 'name="password"' in world.get("/rules", MONITOR).text
    for user in ("clinician", "dsmb-member"):
        assert world.get("/rules", user).status_code == 403
