"""No sentence of a service's pages is missing in either language, and no code reaches a person unexplained."""

from __future__ import annotations

import ast
import re
import string
from pathlib import Path
from typing import get_args

import pytest

from services.causality.pages.assessment import CATEGORIES
from services.sae_notifier.dispatch.words import KINDS
from services.sae_notifier.e2b.match import Parked
from services.sae_notifier.handlers.filings import Method
from services.sae_notifier.handlers.icsr import Closed
from services.sae_notifier.handlers.receipts import ReceiptKind, Verdict
from services.sae_notifier.pages.electronic import _PLACES
from services.sae_notifier.pages.face import _slug
from services.sae_notifier.pages.law import _QUESTIONS, ended_words, question_words
from services.sae_notifier.rules import THRESHOLDS
from shared.case.obligation import ObligationState
from shared.web.i18n import Catalogue

SERVICES = Path(__file__).parents[3] / "services"
WITH_PAGES = ("causality", "sae_notifier", "dsmb")


def catalogue(service: str) -> Catalogue:
    return Catalogue(SERVICES / service / "templates/i18n")


@pytest.mark.parametrize("service", WITH_PAGES)
def test_both_languages_hold_the_same_keys_and_places(service: str) -> None:
    words = catalogue(service)
    assert words.keys("vi") == words.keys("en")
    for key in words.keys("vi"):
        places = [
            sorted(name for _, name, _, _ in string.Formatter().parse(words.text(language, key)) if name)
            for language in ("vi", "en")
        ]
        assert places[0] == places[1], key


@pytest.mark.parametrize("service", WITH_PAGES)
def test_every_key_that_a_template_asks_for_exists(service: str) -> None:
    words = catalogue(service)
    asked = 0
    for template in (SERVICES / service / "templates").glob("*.html"):
        for key in re.findall(r"\bt\(['\"]([A-Za-z0-9_.-]+)['\"]\s*[,)]", template.read_text(encoding="utf-8")):
            assert words.has(key), f"{template.name}: {key}"
            asked += 1
    assert asked > 30


@pytest.mark.parametrize("service", WITH_PAGES)
def test_pages_use_no_inline_script_or_style(service: str) -> None:
    for template in (SERVICES / service / "templates").glob("*.html"):
        text = template.read_text(encoding="utf-8")
        assert not re.search(r"\son[a-z]+\s*=|<script|<style|\sstyle\s*=|https?://", text), template.name


def test_every_code_of_the_desk_has_words() -> None:
    words = catalogue("sae_notifier")
    wanted = [f"alert.kinds.{kind}" for kind in KINDS] + [f"alert.means.{kind}" for kind in KINDS]
    wanted += [f"alert.thresholds.{name}" for name, _ in THRESHOLDS]
    wanted += [f"duty.states.{state}" for state in get_args(ObligationState)]
    wanted += [f"filing.states.{state}" for state in ("waiting", "sent", "failed", "received", "rejected")]
    wanted += [f"filing.methods.{method}" for method in get_args(Method)]
    wanted += [f"receipt.kinds.{kind}" for kind in get_args(ReceiptKind)]
    wanted += [f"receipt.verdicts.{verdict}" for verdict in get_args(Verdict)]
    wanted += [f"{name}.{why}" for why in get_args(Parked) for name in ("answers.why", "answers.means")]
    wanted += [f"electronic.closed.{why}" for why in get_args(Closed)]
    wanted += [f"complaints.places.{place}" for place in (*(place for _, place in _PLACES), "message")]
    for state in ("waiting", "retrying", "sent", "failed", "dropped"):
        wanted += [f"call.states.{state}", f"call.means.{state}"]
    assert [key for key in wanted if not words.has(key)] == []


def test_every_code_of_an_assessment_has_words() -> None:
    words = catalogue("causality")
    source = (SERVICES / "causality/domain/relate.py").read_text(encoding="utf-8")
    codes = set(re.findall(r"_criterion\(\s*\"([a-z_]+)\"", source))
    assert len(codes) >= 9
    wanted = [f"criterion.{code}" for code in codes] + [f"umc.{name}" for name in CATEGORIES]
    wanted += [f"status.{name}" for name in ("proposed", "signed", "stale", "superseded")]
    assert [key for key in wanted if not words.has(key)] == []


def test_questions_and_endings_speak_both_languages() -> None:
    assert {"awareness_missing", "site_awareness_missing", "recipient_unresolved"} <= set(_QUESTIONS)
    (missing,) = question_words(["awareness_missing"])
    assert "?" in missing.vi and "?" in missing.en and missing.vi != missing.en
    assert question_words(["nobody_knows"])[0].vi == "nobody_knows"
    ended = ended_words("nullified")
    assert ended is not None and ended.vi.startswith("Ca đã bị hủy")
    assert ended_words(None) is None


def test_what_a_filing_is_refused_for_is_said_in_vietnamese() -> None:
    words = catalogue("sae_notifier")
    found = 0
    for file in (
        "handlers/documents.py",
        "handlers/filings.py",
        "handlers/receipts.py",
        "handlers/icsr.py",
        "handlers/acks.py",
        "pages/duty.py",
        "pages/answers.py",
    ):
        tree = ast.parse((SERVICES / "sae_notifier" / file).read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if not (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in ("FieldProblem", "at")
            ):
                continue
            for part, argument in zip(
                ("what", "do"), node.args[1 if node.func.id == "FieldProblem" else 0 :], strict=False
            ):
                if isinstance(argument, ast.Constant):
                    key = f"problem.{part}.{_slug(str(argument.value))}"
                    assert words.has(key), f"{file}: {argument.value}"
                    found += 1
    assert found >= 20
