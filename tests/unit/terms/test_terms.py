"""The CTCAE lists hold what NCI published, and a hurried typist finds the term."""

from __future__ import annotations

import subprocess
import sys

import pytest

from shared.errors import NotFound, Refused
from shared.terms import VERSIONS, as_version, available_grades, find, get, label, search, terms
from shared.terms.search import fold
from shared.terms.vietnamese import words


@pytest.mark.parametrize(
    ("version", "count", "missing"), [("5.0", 837, (192, 92, 87, 286, 343)), ("6.0", 850, (198, 96, 96, 287, 338))]
)
def test_the_lists_are_whole(version: str, count: int, missing: tuple[int, ...]) -> None:
    listed = terms(version)
    assert len(listed) == len({t.code for t in listed}) == len({t.name for t in listed}) == count
    assert len({t.soc for t in listed}) == len([t for t in listed if t.other_specify]) == 26
    assert tuple(sum(g not in t.grades for t in listed) for g in range(1, 6)) == missing
    assert all(t.grades == tuple(sorted(set(t.grades))) and set(t.grades) <= {1, 2, 3, 4, 5} for t in listed)


def test_between_the_versions_47_codes_went_and_60_came() -> None:
    five, six = ({t.code for t in terms(v)} for v in VERSIONS)
    assert (len(five - six), len(six - five), len(five & six)) == (47, 60, 790)


def test_a_term_belongs_to_its_version() -> None:
    assert get("10035528", "5.0").name == "Platelet count decreased"
    assert find("10035528", "6.0") is None
    with pytest.raises(NotFound, match=r"6\.0"):
        get("10035528", "6.0")
    assert get("10043554", "6.0").name == "Thrombocytopenia"


def test_only_grades_that_exist_are_offered() -> None:
    assert available_grades("10019211", "5.0") == (1, 2, 3)
    assert available_grades("10016558", "6.0") == (1, 2, 3, 4, 5)
    assert get("10011914", "5.0").grades == (5,)


@pytest.mark.parametrize("text", ["5", "5.0", "v5.0", "CTCAE 5.0", "CTCAE v5"])
def test_a_version_is_read_as_people_write_it(text: str) -> None:
    assert as_version(text) == "5.0"


def test_an_unknown_version_is_refused() -> None:
    with pytest.raises(Refused, match=r"4\.03"):
        terms("4.03")


@pytest.mark.parametrize(
    ("typed", "language", "version", "first"),
    [
        ("sốt", "vi", "5.0", "Fever"),
        ("sot", "vi", "6.0", "Fever"),
        ("non", "vi", "5.0", "Vomiting"),
        ("co giat", "vi", "5.0", "Seizure"),
        ("viem mang nao", "vi", "6.0", "Meningitis"),
        ("viêm màng não vô", "vi", "6.0", "Aseptic meningitis"),
        ("dau dau", "vi", "5.0", "Headache"),
        ("đau lưng", "vi", "5.0", "Back pain"),
        ("giam tieu cau", "vi", "5.0", "Platelet count decreased"),
        ("giam tieu cau", "vi", "6.0", "Thrombocytopenia"),
        ("fev", "en", "5.0", "Fever"),
        ("anaemia", "en", "6.0", "Anemia"),
        ("diarrhoea", "en", "5.0", "Diarrhea"),
        ("menigitis", "en", "5.0", "Meningitis"),
        ("siezure", "en", "5.0", "Seizure"),
        ("alt", "vi", "5.0", "Alanine aminotransferase increased"),
        ("10039906", "en", "5.0", "Seizure"),
    ],
)
def test_search_finds_the_term_first(typed: str, language: str, version: str, first: str) -> None:
    found = search(typed, version, language)
    assert found, typed
    assert found[0].term.name == first
    assert all(m.term.version == version for m in found)


def test_search_gives_each_term_once_and_nothing_for_nonsense() -> None:
    codes = [m.term.code for m in search("viem", "5.0", "vi", limit=50)]
    assert len(codes) == len(set(codes)) > 3
    assert search("   ", "5.0") == []
    assert search("zzzzqqq", "5.0") == []


def test_accents_decide_between_words_that_are_alike_without_them() -> None:
    assert fold("Đau đầu") == "dau dau"
    assert search("ho", "5.0", "vi")[0].term.name == "Cough"


def test_every_vietnamese_word_leads_to_a_term_that_exists() -> None:
    for code, texts in words().items():
        versions = [v for v in VERSIONS if find(code, v)]
        assert versions, code
        assert all(texts)
        for text in texts:
            assert code in {m.term.code for m in search(text, versions[0], "vi")}, text


def test_labels_fall_back_to_english_then_to_the_code() -> None:
    assert label("10016558", "5.0", "vi") == "sốt"
    assert label("10016558", "5.0") == "Fever"
    assert label("10000486", "5.0", "vi") == "Acidosis"
    assert label("1", "5.0", "vi") == "1"


def test_both_lists_load_in_50_ms() -> None:
    program = (
        "import time, shared.terms as t; a = time.perf_counter(); t.terms('5.0'); t.terms('6.0'); "
        "print((time.perf_counter() - a) * 1000)"
    )
    best = min(
        float(subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout)
        for _ in range(3)
    )
    assert best < 50
