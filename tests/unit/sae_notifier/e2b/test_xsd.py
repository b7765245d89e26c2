"""Against the official schemas and other people's files: live, since neither is ours to ship."""

from __future__ import annotations

import csv
import json
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from lxml import etree

from services.sae_notifier.e2b import (
    Facts,
    Message,
    Prepared,
    Profile,
    SchemasMissing,
    Sender,
    Source,
    Study,
    prepare,
    read,
    validate,
    write,
)
from services.sae_notifier.e2b.ack import AckReport, read_ack
from services.sae_notifier.e2b.ack_write import Answer, write_ack
from services.sae_notifier.e2b.oids import ACK_ROOT, NS, XSI
from services.sae_notifier.e2b.render import render
from services.sae_notifier.e2b.safe import safe_parse
from services.sae_notifier.e2b.schema import schema_errors
from services.sae_notifier.e2b.table import by_name
from services.sae_notifier.e2b.validate import MOST_FINDINGS
from shared.case import CaseReport
from tests.support.e2b import elements_table, samples, schemas
from tests.unit.sae_notifier.e2b.build import CASE, FACTS, NOW, message
from tests.unit.sae_notifier.e2b.edit import edited, first, good
from tests.unit.sae_notifier.e2b.strategies import reports
from tests.unit.sae_notifier.e2b.test_table import everything

pytestmark = [pytest.mark.live, pytest.mark.schemas]
PROFILES: tuple[Profile, ...] = ("ich", "fda-premarket")
MANY = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
EVENT = "PORR_IN049016UV/controlActProcess/subject/investigationEvent"
N = "{urn:hl7-org:v3}"


@pytest.fixture(scope="module")
def xsd() -> Path:
    return schemas()


def test_the_meningitis_may_be_sent(xsd: Path) -> None:
    for profile in PROFILES:
        prepared = prepare(CASE, FACTS, profile, message(profile), xsd, now=NOW)
        assert prepared.may_be_sent, prepared.findings
        assert {one.rule for one in prepared.findings} == {"awareness", "coded-by-ctcae"}


@MANY
@given(reports("ich"))
def test_every_case_is_valid_at_ich(one: tuple[CaseReport, Facts, Message]) -> None:
    case, facts, sent = one
    assert schema_errors(safe_parse(write(case, facts, "ich", sent)), schemas()) == []


@MANY
@given(reports("fda-premarket"))
def test_every_case_is_valid_at_fda_and_reads_back(one: tuple[CaseReport, Facts, Message]) -> None:
    case, facts, sent = one
    prepared = prepare(case, facts, "fda-premarket", sent, schemas(), now=NOW)
    assert not [found for found in prepared.findings if found.layer in ("parse", "xsd", "compare")]


@pytest.mark.parametrize("nulls", [False, True], ids=["values", "null flavours"])
def test_every_element_of_the_table_stands_where_the_schema_wants_it(nulls: bool, xsd: Path) -> None:
    errors = schema_errors(safe_parse(render(everything("N.1", nulls=nulls))), xsd)
    assert [(one.line, one.message) for one in errors] == []


def test_the_paths_are_those_of_the_published_table() -> None:
    """An independent reading: the XPaths of the reference, run on our file, find what our reader finds."""
    meant = everything("N.1", nulls=False)
    root = etree.fromstring(render(meant))
    held: dict[str, set[str]] = {}
    for block in meant.walk():
        for name, cell in block.cells.items():
            held.setdefault(name, set()).add(cell.text or "")
    found, wrong = 0, []
    with elements_table().open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            name, path = row["element"], re.split(r"\s*(?:;|\|\|)\s+(?=/)", row["xpath_value"])[0]
            if name not in held or name not in by_name() or not path.startswith("/"):
                continue
            said = root.xpath(_prefixed(path), namespaces={"h": NS, "xsi": XSI})
            assert isinstance(said, list)
            if held[name] & {re.sub(r"^(tel|fax|mailto):", "", str(one)) for one in said}:
                found += 1
            else:
                wrong.append(name)
    assert wrong == []
    assert found > 190, found


def _prefixed(path: str) -> str:
    """Every element name with the name space; what is quoted, an attribute, a function or prefixed already stays."""
    return re.sub(
        r"'[^']*'|@[\w:]+|[\w-]+\(|\b(?:and|or|not)\b|[A-Za-z]\w*:[A-Za-z]\w*|(?P<name>[A-Za-z]\w*)",
        lambda match: f"h:{match[0]}" if match["name"] else match[0],
        path,
    )


# Files of others --------------------------------------------------------------------------------------------------

SAMPLES: dict[str, tuple[Profile, set[str]]] = {
    # file, profile, the rules (errors) we say it breaks; all are valid by the schema
    "fda/FAERS2022Scenario1.xml": ("fda-premarket", {"R0005", "R0007"}),  # a postmarket report
    "fda/FAERS2022Scenario2.xml": ("fda-premarket", {"R0005", "R0007"}),
    "fda/FAERS2022Scenario4.xml": ("fda-premarket", set()),
    "fda/FAERS2022Scenario5-1.xml": ("fda-premarket", set()),
    "fda/FAERS2022Scenario5-3.xml": ("fda-premarket", {"reference", "reference-twice"}),  # two drugs share one id
    "fda/FAERS2022Scenario7.xml": ("fda-premarket", {"R0005", "R0007", "R0015"}),  # postmarket, combination product
    "synthetic/syn-amendment.xml": ("ich", set()),
    "synthetic/syn-eu-susar-evctm.xml": ("ich", set()),
    "synthetic/syn-lab-tests.xml": ("ich", {"meddra-versions"}),  # 25.0 and 29.1
}


@pytest.mark.parametrize("name", SAMPLES)
def test_the_instances_of_others(name: str, xsd: Path) -> None:
    profile, broken = SAMPLES[name]
    folder, _, file = name.partition("/")
    xml = next(one for one in samples(f"{folder}/*.xml") if one.name == file).read_bytes()
    found = validate(xml, profile, xsd, now=datetime(2026, 12, 1, tzinfo=UTC))
    assert not [one for one in found if one.layer == "xsd"]
    assert {one.rule for one in found if one.severity == "error"} == broken


def test_the_drafts_of_2011_are_valid_by_schema_and_broken_by_rule(xsd: Path) -> None:
    for path in samples("ich-bfc/utr3-*.xml"):
        found = validate(path.read_bytes(), "ich", xsd)
        assert not [one for one in found if one.layer == "xsd"], path.name
        assert "mandatory" in {one.rule for one in found}, "their identifiers are drafts"


def test_fdas_own_numbers_break_the_guide_of_ich(xsd: Path) -> None:
    found = validate(samples("fda/*Scenario4.xml")[0].read_bytes(), "ich", xsd)
    assert {(one.rule, one.element) for one in found if one.severity == "error"} == {("same-number", "N.2.r.1")}


ACKS = {
    "R3ack-negative.ack": ("AE", "rejected", "CR", 4),
    "R3ack-positive.ack": ("AA", "accepted", "CA", 0),
    "ind-CA-AE-with-warning.ack": ("AE", "accepted", "CA", 1),
    "postmkt-CA-AA.ack": ("AA", "accepted", "CA", 0),
    "postmkt-CR-AR-c54-missing.ack": ("AR", "rejected", "CR", 2),
}


@pytest.mark.parametrize("name", ACKS)
def test_the_real_acknowledgements(name: str) -> None:
    code, decision, report, complaints = ACKS[name]
    ack = read_ack(next(one for one in samples("ack*/*.ack") if one.name == name).read_bytes())
    assert (ack.message_code, ack.decision) == (code, decision)
    assert [(one.code, len(one.errors)) for one in ack.reports] == [(report, complaints)]
    assert ack.batch_number and ack.reports[0].created


def test_our_acknowledgements_are_valid(xsd: Path) -> None:
    for codes in ((), ("CA",), ("CA", "CR")):
        found = tuple(AckReport(f"VN-X-{n}", one, ("C.5.4 & <x>",)) for n, one in enumerate(codes))
        answer = Answer("A-1", "AUTHORITY", "US", NOW, "AE", "B-1", "20260312080000+0000", found, "look below")
        assert schema_errors(safe_parse(write_ack(answer)), xsd, ACK_ROOT) == []


# Mutations, each refused by the layer that should -----------------------------------------------------------------


def _set(path: str, name: str, value: str) -> Callable[[etree._Element], None]:
    return lambda root: first(root, path).set(name, value)


def _remove(path: str) -> Callable[[etree._Element], None]:
    def change(root: etree._Element) -> None:
        gone = first(root, path)
        gone.getparent().remove(gone)  # type: ignore[union-attr]

    return change


def _unset(path: str, name: str) -> Callable[[etree._Element], None]:
    def change(root: etree._Element) -> None:
        del first(root, path).attrib[name]

    return change


def _last(path: str) -> Callable[[etree._Element], None]:
    def change(root: etree._Element) -> None:
        moved = first(root, path)
        moved.getparent().append(moved)  # type: ignore[union-attr]

    return change


VALUE = ".//h:observation[h:code[@code='29']]/h:value"
MUTATIONS: dict[str, tuple[str, Callable[[etree._Element], None]]] = {
    "the wrong order": ("xsd", _last(f"{EVENT}/id")),
    "the receiver before the messages": ("xsd", _last("PORR_IN049016UV")),
    "a technical element missing": ("xsd", _remove("PORR_IN049016UV/acceptAckCode")),
    "no version of the standard": ("xsd", _unset(".", "ITSVersion")),
    "a date with dashes": ("xsd", _set(f"{EVENT}/availabilityTime", "value", "2026-03-10")),
    "a zone called Z": ("xsd", _set("creationTime", "value", "20260311100405Z")),
    "a mood that does not exist": ("xsd", _set(".//h:substanceAdministration", "moodCode", "MAYBE")),
    "a reaction id that is no UUID": (
        "xsd",
        _set(".//h:observation[h:code[@code='29']]/h:id", "root", "reaction 1"),
    ),
    "a comma in a number": ("xsd", _set(".//h:doseQuantity", "value", "22,4")),
    "a unit with a space": ("xsd", _set(".//h:doseQuantity", "unit", "10*6 per kg")),
    "a value without its type": ("xsd", _unset(VALUE, f"{{{XSI}}}type")),
    "a null flavour nobody knows": ("xsd", _set(".//h:player1/h:name", "nullFlavor", "SECRET")),
    "an element of our own": ("xsd", lambda root: etree.SubElement(first(root, EVENT), f"{N}grade") is None),
    "a report type nobody knows": (
        "rules",
        _set(".//h:value[@codeSystem='2.16.840.1.113883.3.989.2.1.1.2']", "code", "99"),
    ),
    "the thirtieth of February": ("rules", _set(f"{EVENT}/availabilityTime", "value", "20260230")),
    "the wrong interaction": ("rules", _set("interactionId", "extension", "PRPA_IN201305UV02")),
    "no trigger event": ("rules", _remove("PORR_IN049016UV/controlActProcess/code")),
    "every drug gone": ("rules", _remove(".//h:subjectOf2[h:organizer/h:code[@code='4']]")),
    "a drug nobody gave": (
        "rules",
        _set(".//h:productUseReference/h:id", "root", "00000000-0000-0000-0000-000000000000"),
    ),
    "a version with a v": ("rules", _set(VALUE, "codeSystemVersion", "v29.1")),
    "a telephone without its scheme": (
        "rules",
        _set(".//h:telecom[@value='tel:+84240000000']", "value", "+84240000000"),
    ),
    "no narrative": ("rules", _remove(f"{EVENT}/text")),
    "a number of 500 characters": ("rules", _set(f"{EVENT}/id", "extension", "VN-X-" + "1" * 500)),
    "an acknowledgement": ("parse", lambda root: setattr(root, "tag", f"{N}{ACK_ROOT}")),
    "another name space": ("parse", lambda root: setattr(root, "tag", "{urn:other}MCCI_IN200100UV01")),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_mutation_is_refused_by_the_layer_that_should(name: str, xsd: Path) -> None:
    layer, change = MUTATIONS[name]
    found = validate(edited("fda-premarket", change), "fda-premarket", xsd, now=NOW)
    layers = {one.layer for one in found if one.severity == "error"}
    assert layer in layers, found
    if layer == "rules":
        assert "xsd" not in layers, "the schema sees this after all"


def test_an_error_of_the_schema_names_the_element(xsd: Path) -> None:
    found = validate(edited("ich", _set(f"{EVENT}/availabilityTime", "value", "2026-03-10")), "ich", xsd)
    error = next(one for one in found if one.layer == "xsd")
    assert error.element == "C.1.5"
    assert error.xpath == f"/MCCI_IN200100UV01/{EVENT}/availabilityTime"
    assert error.en and error.vi


def test_an_attack_is_one_finding(xsd: Path) -> None:
    for xml in (b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', b"<a>" * 10_000, b"x" * 100_000_000):
        began = time.perf_counter()
        found = validate(xml, "ich", xsd)
        assert [one.layer for one in found] == ["parse"]
        assert time.perf_counter() - began < 2


def test_a_prefix_of_others_is_an_error_of_the_schema(xsd: Path) -> None:
    """libxml2 tells the place of `xi:include` by a prefix nobody has declared to it."""
    include = b'<xi:include href="/etc/passwd" parse="text"/>'
    names = b'xmlns="urn:hl7-org:v3" xmlns:xi="http://www.w3.org/2001/XInclude"'
    found = validate(b"<MCCI_IN200100UV01 %s>%s</MCCI_IN200100UV01>" % (names, include), "ich", xsd)
    assert any(one.layer == "xsd" and "include" in one.en for one in found)
    assert "root:" not in json.dumps([one.as_json() for one in found])


def test_a_rule_broken_too_often_is_an_error_and_ends(xsd: Path) -> None:
    code = b'<code code="29" codeSystem="2.16.840.1.113883.3.989.2.1.1.19"/>'
    path = (
        b"PORR_IN049016UV controlActProcess subject investigationEvent component adverseEventAssessment "
        b"subject1 primaryRole"
    ).split()
    inner = b"<subjectOf2><observation>%s</observation></subjectOf2>" % code * 5_000
    for name in reversed(path):
        inner = b"<%s>%s</%s>" % (name, inner, name)
    began = time.perf_counter()
    found = validate(b'<MCCI_IN200100UV01 xmlns="urn:hl7-org:v3">%s</MCCI_IN200100UV01>' % inner, "ich", xsd)
    assert time.perf_counter() - began < 10
    assert len(found) == MOST_FINDINGS + 1
    assert (found[-1].rule, found[-1].severity) == ("too-many", "error")


def test_without_schemas_nothing_is_valid(tmp_path: Path) -> None:
    with pytest.raises(SchemasMissing, match="fetch-schemas"):
        validate(write(CASE, FACTS, "ich", message()), "ich", tmp_path)
    with pytest.raises(SchemasMissing):
        prepare(CASE, FACTS, "ich", message(), tmp_path)


def test_what_the_schema_refuses_may_not_be_sent(xsd: Path) -> None:
    """A report of nothing: the rules say what is missing, and it stays."""
    empty = Facts(Sender(organisation=""), Source(country=""), Study(name=""))
    prepared: Prepared = prepare(CASE.model_copy(update={"events": ()}), empty, "ich", message(), xsd)
    assert not prepared.may_be_sent
    assert {"C.3.2", "C.2.r.3", "E.i"} <= {one.element for one in prepared.findings if one.severity == "error"}


def test_reading_does_not_depend_on_the_prefix(xsd: Path) -> None:
    xml = render(good("ich")).decode().replace("xmlns:xsi=", "xmlns:q=").replace("xsi:", "q:").encode()
    assert schema_errors(safe_parse(xml), xsd) == []
    assert read(xml).batch == read(render(good("ich"))).batch
