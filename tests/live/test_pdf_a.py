"""Every PDF we make is PDF/A-2b, says veraPDF, which reads the file and not our word for it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import typst

from deploy.dev import verapdf
from deploy.dev.process import ServerFailed
from tests.support.papers import papers

pytestmark = pytest.mark.live
MADE = papers()
CLAIM = b"<pdfaid:part>2</pdfaid:part>"


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bool]:
    """Of all of them from one run of the checker, and of the controls."""
    if not shutil.which("java"):
        pytest.skip("veraPDF needs a Java runtime: install one")
    try:
        verapdf.fetch()
    except ServerFailed as why:
        pytest.skip(f"{why} (looked in {verapdf.LIB})")
    bodies = {name: make() for name, make in MADE.items()}
    bodies["control: no PDF/A"] = typst.compile(b"sot cao", format="pdf")
    whole = bodies["cioms_i: plain"]
    assert CLAIM in whole
    bodies["control: another claim"] = whole.replace(CLAIM, CLAIM.replace(b"2", b"1"))
    directory = tmp_path_factory.mktemp("papers")
    files: dict[str, Path] = {}
    for number, (name, body) in enumerate(bodies.items()):
        files[name] = directory / f"{number:03}.pdf"
        files[name].write_bytes(body)
    found = verapdf.check(list(files.values()))
    return {name: found[path] for name, path in files.items()}


@pytest.mark.parametrize("name", MADE)
def test_every_pdf_we_make_is_pdf_a(name: str, verdicts: dict[str, bool]) -> None:
    assert verdicts[name]


@pytest.mark.parametrize("name", ["control: no PDF/A", "control: another claim"])
def test_the_checker_turns_down_what_is_not(name: str, verdicts: dict[str, bool]) -> None:
    assert not verdicts[name]


@pytest.mark.usefixtures("verdicts")
def test_no_verdict_is_no_pass(tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole.pdf", tmp_path / "cut.pdf"
    whole.write_bytes(MADE["cioms_i: plain"]())
    cut.write_bytes(whole.read_bytes()[:20_000])
    with pytest.raises(ServerFailed, match="no verdict"):
        verapdf.check([whole, cut])
