"""The PDF: same form, same bytes; whatever was typed; as many pages as it takes."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import unicodedata

import pytest
import typst
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.sae_notifier.forms import coverage, glyphs
from services.sae_notifier.forms import render as rendering
from services.sae_notifier.forms.form import Form
from services.sae_notifier.forms.payload import payload
from services.sae_notifier.forms.render import render
from shared.case import AdverseEvent, FreeText, Measurement, Nullification
from tests.support.papers import CASES, told
from tests.unit.sae_notifier.forms.samples import CASE, DRAFT, EMPTY, EVENT, EXPOSURES, MENINGITIS, measurement


def narrated(text: str) -> Form:
    event = EVENT.model_copy(update={"description": FreeText(text=text)})
    return MENINGITIS.form(case=CASE.model_copy(update={"events": (event,)}))


def pages(pdf: bytes) -> int:
    """Page objects stand uncompressed only in the page tree's own count."""
    counts = re.findall(rb"/Type\s*/Pages.*?/Count\s+(\d+)", pdf, re.DOTALL)
    return max(int(count) for count in counts)


def test_the_same_form_makes_the_same_bytes() -> None:
    first, second = render(MENINGITIS.form()), render(MENINGITIS.form())
    assert first == second
    assert first.sha256 == hashlib.sha256(first.pdf).hexdigest()


def test_another_form_makes_other_bytes() -> None:
    assert render(MENINGITIS.form()).sha256 != render(EMPTY.form()).sha256


def test_it_is_pdf_a_and_dated_by_the_form() -> None:
    pdf = render(EMPTY.form()).pdf
    assert pdf.startswith(b"%PDF-1.7")
    assert b"<pdfaid:part>2</pdfaid:part>" in pdf
    assert b"<pdfaid:conformance>B</pdfaid:conformance>" in pdf
    assert b"2026-03-10T02:15:00" in pdf


@pytest.mark.parametrize("name", ["plain", "nullified"])
def test_no_face_that_lacks_letters_of_vietnamese_is_used(name: str) -> None:
    """The bold italic one draws the marks of an "ợ" and nothing under them."""
    for form in (CASES[name].form(), CASES[name].cioms()):
        pdf = render(form).pdf
        assert b"-Italic" in pdf
        assert b"BoldItalic" not in pdf


def test_a_six_field_draft_and_a_full_case_have_their_pages() -> None:
    draft = DRAFT.model_copy(update={"events": (AdverseEvent(event_id="event-1", episode_id="episode-1"),)})
    assert 2 <= pages(render(EMPTY.form(case=draft)).pdf) <= 4
    assert 5 <= pages(render(MENINGITIS.form()).pdf) <= 8


def test_a_long_narrative_flows_over_continuation_pages() -> None:
    short = pages(render(narrated("Trẻ sốt.")).pdf)
    sentence = "Trẻ sốt cao, được truyền dịch và kháng sinh; "
    long = pages(render(narrated((sentence * 1000)[:30_000])).pdf)
    assert long >= short + 7, "the narrative stands in section 2, and again among the changes"


def test_one_endless_word_and_a_thousand_lines_stay_on_the_page() -> None:
    short = pages(render(narrated("Trẻ sốt.")).pdf)
    assert pages(render(narrated("W" * 30_000)).pdf) >= short + 7
    assert pages(render(narrated("sốt\n" * 1_000)).pdf) >= short + 20


def test_a_long_table_breaks_across_pages() -> None:
    many: tuple[Measurement, ...] = tuple(
        measurement(f"n-{index}", "neutrophils", f"{index}.0", "2026-03-09T03:10", unit="10*9/L")
        for index in range(120)
    )
    assert pages(render(MENINGITIS.form(measurements=many)).pdf) >= pages(render(MENINGITIS.form()).pdf) + 2


@pytest.mark.parametrize(
    "text", ['#import "x"', "*bold* _it_ = h", "$ x^2 $", "\\ #panic() @ref <l>", '"}],"x":[{', "// c /* d", "`raw`"]
)
def test_markup_is_only_words(text: str) -> None:
    form = narrated(text)
    data = json.loads(json.dumps(payload(form)))
    course = next(block for block in data["sections"][1]["blocks"] if block["type"] == "prose")
    assert course["values"][0]["words"]["vi"] == text
    assert render(form).pdf


NASTY = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=120)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(verbatim=NASTY, narrative=NASTY, name=NASTY, reason=NASTY)
def test_no_text_stops_a_report(verbatim: str, narrative: str, name: str, reason: str) -> None:
    event = EVENT.model_copy(update={"verbatim": FreeText(text=verbatim), "description": FreeText(text=narrative)})
    case = CASE.model_copy(update={"events": (event,), "change_reason": reason})
    exposures = (EXPOSURES[0].model_copy(update={"name": name, "route": reason}), *EXPOSURES[1:])
    assert render(MENINGITIS.form(case=case, exposures=exposures)).pdf.startswith(b"%PDF")


@pytest.mark.parametrize(
    "text", ["👩‍⚕️ sốt", "नमस्ते", "한국어", "שלום", "مرحبا بالعالم", "ไทย", "e" + "\u0301" * 50, "✓ ✔️", "Å\u200dﬁ"]
)
def test_other_scripts_are_printed_or_spelled_out(text: str) -> None:
    assert render(narrated(text)).pdf


def test_when_the_fonts_refuse_after_all_the_report_still_goes_out(monkeypatch: pytest.MonkeyPatch) -> None:
    everything = frozenset(range(0x20, 0x110000))
    monkeypatch.setattr(glyphs, "covered", lambda: everything)
    form = narrated("発熱 sốt")
    with pytest.raises(typst.TypstError, match="could not be displayed"):
        rendering._typeset(form.kind, payload(form), form.prepared_at)
    assert render(form).pdf == render(form).pdf


def test_the_glyph_list_is_what_the_installed_fonts_draw() -> None:
    listed = sorted(glyphs.covered())
    assert coverage.drawable([chr(point) for point in listed]), "run python -m services.sae_notifier.forms.coverage"
    letters = [char for point in range(0x1E00, 0x1F00) if unicodedata.name(char := chr(point), "")]
    assert set(map(ord, letters)) <= glyphs.covered()


def printed(pdf: bytes) -> str:
    """Its text, page by page (form feeds between)."""
    done = subprocess.run(["pdftotext", "-layout", "-", "-"], input=pdf, capture_output=True, check=True)
    return done.stdout.decode()


def test_cioms_is_the_same_bytes_and_pdf_a() -> None:
    first, second = render(MENINGITIS.cioms()), render(MENINGITIS.cioms())
    assert first == second
    assert first.sha256 != render(MENINGITIS.form()).sha256
    assert b"<pdfaid:part>2</pdfaid:part>" in first.pdf
    assert b"2026-03-10T02:15:00" in first.pdf


def test_cioms_is_one_page_while_everything_fits() -> None:
    assert pages(render(EMPTY.cioms()).pdf) == 1
    assert pages(render(MENINGITIS.cioms()).pdf) == 2


def test_cioms_goes_on_where_a_box_is_full_and_loses_nothing() -> None:
    text = " ".join(f"w{number}" for number in range(3_000))
    pdf = render(told(text).cioms()).pdf
    assert pages(pdf) >= 4
    if not shutil.which("pdftotext"):
        pytest.skip("pdftotext is not installed")
    first, *more = printed(pdf).split("\f")
    assert "continued on a further page" in first
    assert "w2999" not in first
    described = "".join(more).split("DESCRIBE REACTION(S)")[1].split("14 SUSPECT DRUG(S)")[0]
    assert set(text.split()) <= set(re.findall(r"w\d+", described))


@pytest.mark.parametrize("name", CASES)
def test_cioms_keeps_its_first_page_whatever_was_typed(name: str) -> None:
    if not shutil.which("pdftotext"):
        pytest.skip("pdftotext is not installed")
    first = printed(render(CASES[name].cioms()).pdf).split("\f")[0]
    for title in (
        "I. REACTION INFORMATION",
        "II. SUSPECT DRUG(S)",
        "III. CONCOMITANT",
        "IV. MANUFACTURER",
        "26 REMARKS",
    ):
        assert title in first


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(verbatim=NASTY, narrative=NASTY, name=NASTY, reason=NASTY)
def test_no_text_stops_a_cioms_form(verbatim: str, narrative: str, name: str, reason: str) -> None:
    words = FreeText(text=verbatim)
    event = EVENT.model_copy(update={"verbatim": words, "description": FreeText(text=narrative)})
    void = Nullification(reason=reason)
    case = CASE.model_copy(update={"events": (event,), "nullified": void})
    typed = {"name": name, "route": reason, "indication": name, "note": words}
    exposures = (EXPOSURES[0], EXPOSURES[1].model_copy(update=typed), *EXPOSURES[2:])
    form = MENINGITIS.cioms(case=case, exposures=exposures)
    pdf = render(form).pdf
    assert pages(pdf) in (1, 2, 3)
