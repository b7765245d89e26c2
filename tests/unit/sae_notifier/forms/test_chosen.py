"""Which form is made for whom."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from services.sae_notifier.forms.form import KINDS
from services.sae_notifier.handlers import Notifier
from services.sae_notifier.handlers.documents import BUILDERS, asked, wanted
from shared.errors import Refused
from shared.trial import load
from shared.trial.recipient import ReportFormat

FILE = Path(__file__).parents[4] / "deploy" / "trials" / "vinmec-cp-bmmnc.yaml"


def notifier(wants: ReportFormat) -> Notifier:
    trial = load(FILE.read_text(encoding="utf-8"), FILE.name)
    first = trial.recipients[0].model_copy(update={"report_format": wants})
    return cast(
        Notifier, SimpleNamespace(trial=trial.model_copy(update={"recipients": (first, *trial.recipients[1:])}))
    )


@pytest.mark.parametrize(
    ("wants", "kind", "made"),
    [
        ("cioms_i", None, "cioms_i"),
        ("vn_sae_form", None, "vn_sae_form"),
        ("cioms_i", "vn_sae_form", "vn_sae_form"),
        ("e2b_r3", "cioms_i", "cioms_i"),
    ],
)
def test_the_person_chooses_else_the_recipient_else_the_vietnamese(wants: ReportFormat, kind: str, made: str) -> None:
    assert asked(notifier(wants), "necbr", kind) == made
    assert asked(notifier(wants), "nobody") == "vn_sae_form"


def test_a_form_we_do_not_make_is_refused_by_name() -> None:
    with pytest.raises(Refused) as refused:
        asked(notifier("cioms_i"), "necbr", "e2b_r3")
    assert [one.pointer for one in refused.value.problems] == ["/kind"]
    assert "cioms_i" in refused.value.problems[0].remedy


def test_who_wants_no_form_is_never_given_one_by_itself() -> None:
    """A Vietnamese form that nobody chose must not go to FDA."""
    assert wanted(notifier("e2b_r3"), "necbr") is None
    with pytest.raises(Refused) as refused:
        asked(notifier("e2b_r3"), "necbr")
    assert [one.pointer for one in refused.value.problems] == ["/kind"]


def test_every_form_has_its_builder_and_its_template() -> None:
    assert set(BUILDERS) == set(KINDS)
    for kind in KINDS:
        assert (Path(__file__).parents[4] / "services" / "sae_notifier" / "forms" / f"{kind}.typ").is_file()
