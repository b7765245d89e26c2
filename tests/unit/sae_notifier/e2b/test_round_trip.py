"""Whatever the case, the file reads back as it was meant; whatever is changed in the file afterwards is seen."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from lxml import etree

from services.sae_notifier.e2b import Facts, Message, Profile, compare, read, write
from services.sae_notifier.e2b.render import render
from shared.case import CaseReport
from tests.unit.sae_notifier.e2b.build import CASE, FACTS, message
from tests.unit.sae_notifier.e2b.edit import edited, first
from tests.unit.sae_notifier.e2b.strategies import reports

RELAXED = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
NS = "{urn:hl7-org:v3}"
EVENT = "PORR_IN049016UV/controlActProcess/subject/investigationEvent"
Report = tuple[CaseReport, Facts, Message]


def _holds(profile: Profile, one: Report) -> None:
    case, facts, sent = one
    xml = write(case, facts, profile, sent)
    assert compare(case, facts, profile, sent, xml) == []
    assert render(read(xml).batch) == xml, "what is read says everything that was written"


@RELAXED
@given(reports("ich"))
def test_every_case_reads_back_at_ich(one: Report) -> None:
    _holds("ich", one)


@RELAXED
@given(reports("fda-premarket"))
def test_every_case_reads_back_at_fda(one: Report) -> None:
    _holds("fda-premarket", one)


def _set(path: str, name: str, value: str) -> Callable[[etree._Element], None]:
    return lambda root: first(root, path).set(name, value)


def _drop(path: str) -> Callable[[etree._Element], None]:
    def change(root: etree._Element) -> None:
        gone = first(root, path)
        parent = gone.getparent()
        assert parent is not None
        parent.remove(gone)

    return change


def _add(path: str, name: str, **attributes: str) -> Callable[[etree._Element], None]:
    return lambda root: etree.SubElement(first(root, path), f"{NS}{name}", attributes) is None


CHANGES: dict[str, tuple[str, Callable[[etree._Element], None]]] = {
    "another number": ("C.1.1", _set(f"{EVENT}/id", "extension", "VN-VINMEC-2026-000124")),
    "another time": ("C.1.5", _set(f"{EVENT}/availabilityTime", "value", "20260310")),
    "no narrative": ("H.1", _drop(f"{EVENT}/text")),
    "a reaction less": ("E.i", _drop(".//h:subjectOf2[h:observation/h:code[@code='29']]")),
    "a test less": ("F.r", _drop(".//h:organizer[h:code[@code='3']]/h:component")),
    "another drug": ("G.k.9.i.2.r.drug", _set(".//h:productUseReference[1]/h:id", "root", "1.2.3")),
    "something the table does not know": ("", _add(f"{EVENT}/text", "reference", value="http://example.org/x")),
    "an attribute the table does not know": ("", _set(f"{EVENT}/code", "displayName", "x")),
    "a mood that means something else": ("", _set(EVENT, "moodCode", "RQO")),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_after_writing_is_seen(name: str) -> None:
    element, change = CHANGES[name]
    found = {one.element for one in compare(CASE, FACTS, "ich", message(), edited("ich", change))}
    assert found
    assert element in found or (name == "another drug" and "G.k.1.drug" in found), found


def test_a_difference_is_a_finding_without_the_value() -> None:
    xml = edited("ich", _set(f"{EVENT}/availabilityTime", "value", "20260310"))
    finding = compare(CASE, FACTS, "ich", message(), xml)[0].as_finding()
    assert (finding.layer, finding.element, finding.severity) == ("compare", "C.1.5", "error")
    assert "20260310" not in finding.en + finding.vi


def test_another_version_is_another_file() -> None:
    xml = write(CASE, FACTS, "ich", message())
    later = CASE.model_copy(update={"subject_id": "CP-018"})
    assert [one.element for one in compare(later, FACTS, "ich", message(), xml)] == ["D.1.1.4", "H.1"]
