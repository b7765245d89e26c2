"""Every rule of our own, broken once: the layer that the XSD is not."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime

import pytest
from lxml import etree

from services.sae_notifier.e2b import Block, Cell, Doubts, Profile, judge, read
from services.sae_notifier.e2b.finding import xpath_of
from services.sae_notifier.e2b.hl7time import stamp
from services.sae_notifier.e2b.render import render
from tests.unit.sae_notifier.e2b.build import NOW
from tests.unit.sae_notifier.e2b.edit import edited, first, good, owner, report, with_cell

ICH: Profile = "ich"
FDA: Profile = "fda-premarket"


def errors(profile: Profile, batch: Block, **more: object) -> set[tuple[str, str]]:
    found = judge(read(render(batch)), profile, now=NOW, **more)  # type: ignore[arg-type]
    return {(one.rule, one.element) for one in found if one.severity == "error"}


@pytest.mark.parametrize("profile", [ICH, FDA])
def test_the_meningitis_breaks_none(profile: Profile) -> None:
    assert errors(profile, good(profile)) == set()


CELLS: list[tuple[Profile, str, Cell | None, str]] = [
    (ICH, "D.2.2a", Cell("-4"), "format"),
    (ICH, "G.k.4.r.1a", Cell("-1"), "format"),
    (ICH, "E.i.3.2a", Cell("true"), "fatal"),
    (ICH, "C.1.3", Cell("99"), "code-list"),
    (ICH, "C.1.1", Cell("VN-X-" + "1" * 500), "length"),
    (ICH, "C.1.1", Cell("VINMEC-1"), "case-number"),
    (ICH, "C.1.8.1", Cell("XX-VINMEC-1"), "case-number"),
    (ICH, "C.1.7", None, "mandatory"),
    (ICH, "C.1.6.1", None, "mandatory"),
    (ICH, "H.1", None, "mandatory"),
    (ICH, "D.1", None, "mandatory"),
    (ICH, "D.1", Cell(null="NI"), "null-flavor"),
    (ICH, "D.9.3", Cell(null="MSK"), "null-flavor"),
    (ICH, "C.2.r.3", Cell(null="UNK"), "null-flavor"),
    (ICH, "E.i.3.2b", Cell("false"), "code-list"),
    (ICH, "C.1.9.1", Cell("false"), "code-list"),
    (ICH, "E.i.2.1a", Cell("v29.1"), "format"),
    (ICH, "E.i.2.1b", Cell("1002719"), "format"),
    (ICH, "E.i.2.1b", None, "mandatory"),
    (ICH, "E.i.1.1b", Cell("vi"), "code-list"),
    (ICH, "E.i.1.1b", None, "R0058"),
    (ICH, "E.i.9", Cell("VNM"), "code-list"),
    (ICH, "D.5", Cell("9"), "code-list"),
    (ICH, "D.2.2b", Cell("year"), "code-list"),
    (ICH, "D.2.2b", None, "R0030"),
    (ICH, "D.7.2", None, "R0035"),
    (ICH, "C.1.2", Cell("20260311"), "date-precision"),
    (ICH, "C.1.4", Cell("202603"), "date-precision"),
    (ICH, "E.i.4", Cell("20260230"), "date"),
    (ICH, "E.i.4", Cell("2026030"), "date"),
    (ICH, "E.i.4", Cell("202603082530+0700"), "date"),
    (ICH, "E.i.4", Cell("20270101"), "date-future"),
    (ICH, "E.i.5", Cell("20260307"), "date-order"),
    (ICH, "C.1.5", Cell("20260101"), "date-order"),
    (ICH, "N.1.5", Cell("20260310000000+0000"), "date-order"),
    (ICH, "N.2.r.1", Cell("41ed9959-3fc7-5fa2-86b0-fc55de20bdb9"), "same-number"),
    (ICH, "N.2.r.4", Cell("20260311100406+0700"), "same-number"),
    (ICH, "C.3.2", None, "R0022"),
    (ICH, "C.2.r.5", None, "R0021"),
    (ICH, "C.2.r.3", None, "R0019"),
    (ICH, "C.5.4", None, "R0023"),
    (ICH, "C.1.6.1", Cell("true"), "R0009"),
    (ICH, "C.1.9.1", Cell("true"), "R0017"),
    (ICH, "C.1.11.1", Cell("1"), "C.1.11.2"),
    (ICH, "D.9.1", Cell("20260310"), "R0045"),
    (ICH, "D.10.1", Cell("AB"), "R0051"),
    (ICH, "E.i.7", Cell("5"), "fatal"),
    (ICH, "F.r.1", None, "R0061"),
    (ICH, "F.r.2.1", None, "R0062"),
    (ICH, "F.r.3.2", None, "R0066"),
    (ICH, "F.r.3.3", None, "R0067"),
    (ICH, "G.k.2.2", Cell("  "), "blank"),
    (ICH, "G.k.4.r.1a", Cell("123456789"), "length"),
    (ICH, "G.k.4.r.1b", None, "R0075"),
    (ICH, "G.k.1", Cell("2"), "minimum-case"),
    (ICH, "G.k.1.drug", Cell("41ed9959-3fc7-5fa2-86b0-fc55de20bdb9"), "reference"),
    (ICH, "G.k.9.i.2.r.reaction", Cell("329b5c7f-91da-51dc-864c-f3136bdd4da2"), "reference"),
    (ICH, "H.5.r.1b", None, "R0099"),
    (FDA, "N.1.4", Cell("ZZFDA"), "R0005"),
    (FDA, "N.2.r.3", Cell("CDER"), "R0007"),
    (FDA, "N.2.r.2", Cell("OTHER"), "R0100"),
    (FDA, "C.1.3", Cell("1"), "R0008"),
    (FDA, "C.1.3", Cell("3"), "R0112"),
    (FDA, "C.1.3", Cell("1"), "R0113"),
    (FDA, "FDA.C.5.5a", None, "R0024"),
    (FDA, "FDA.C.5.5a", Cell("IND123456"), "R0024"),
    (FDA, "FDA.C.1.7.1", None, "mandatory"),
    (FDA, "FDA.C.1.7.1", Cell("2"), "R0016"),
    (FDA, "C.1.7", Cell("false"), "R0015"),
    (FDA, "C.1.7", Cell(null="NI"), "R0011"),
    (FDA, "FDA.C.2.r.2.8", None, "mandatory"),
    (FDA, "C.3.4.3", None, "mandatory"),
    (FDA, "FDA.D.11.r.1", Cell("C41257"), "code-list"),
    (FDA, "FDA.D.12", None, "mandatory"),
    (FDA, "E.i.3.2a", Cell("true"), "R0041"),
    (FDA, "FDA.E.i.3.2h", None, "mandatory"),
    (FDA, "G.k.1", Cell("2"), "R0070"),
    (FDA, "G.k.9.i.2.r.1", None, "R0085"),
    (FDA, "G.k.9.i.2.r.2", None, "R0086"),
    (FDA, "G.k.9.i.2.r.3", Cell("Possible"), "R0087"),
]


@pytest.mark.parametrize(("profile", "element", "cell", "rule"), CELLS, ids=lambda one: str(one)[:30])
def test_a_broken_cell_is_found(profile: Profile, element: str, cell: Cell | None, rule: str) -> None:
    found = list(judge(with_cell(profile, element, cell), profile, now=NOW))
    hits = [one for one in found if one.rule == rule]
    assert hits, [(one.rule, one.element) for one in found]
    for one in hits:
        assert one.layer == "rules" and one.en and one.vi and one.en != one.vi
        assert one.xpath.startswith("/MCCI_IN200100UV01")


def _without(group: str) -> Callable[[Block], None]:
    def change(batch: Block) -> None:
        for block in batch.walk():
            block.blocks = [one for one in block.blocks if one.group != group]

    return change


def _twice(group: str) -> Callable[[Block], None]:
    def change(batch: Block) -> None:
        parent = next(one for one in batch.walk() if one.of(group))
        parent.blocks.append(parent.of(group)[0])

    return change


def _second_version(batch: Block) -> None:
    report(batch).add("H.3.r").cells.update({"H.3.r.1a": Cell("29.1"), "H.3.r.1b": Cell("10027199")})


def _document(batch: Block) -> None:
    report(batch).add("C.1.6.1.r").put("C.1.6.1.r.1", "autopsy report")


def _number(batch: Block) -> None:
    report(batch).add("C.1.9.1.r").cells.update({"C.1.9.1.r.1": Cell("site"), "C.1.9.1.r.2": Cell("7")})


BLOCKS: list[tuple[Profile, str, Callable[[Block], None], str]] = [
    (ICH, "no report", _without("N.2.r"), "mandatory"),
    (ICH, "no source", _without("C.2.r"), "minimum-case"),
    (ICH, "no reaction", _without("E.i"), "minimum-case"),
    (ICH, "no drug", _without("G.k"), "minimum-case"),
    (ICH, "no roles", _without("G.k.1"), "mandatory"),
    (ICH, "a role twice", _twice("G.k.1"), "role-twice"),
    (ICH, "a drug twice", _twice("G.k"), "reference-twice"),
    (ICH, "a report twice", _twice("N.2.r"), "case-twice"),
    (ICH, "two primary sources", _twice("C.2.r"), "R0021"),
    (ICH, "two MedDRA versions", _second_version, "meddra-versions"),
    (ICH, "a document where none are said to be", _document, "contradiction"),
    (ICH, "a number where none is said to be", _number, "contradiction"),
    (FDA, "no causality", _without("G.k.9.i.2.r"), "R0085"),
    (FDA, "no race", _without("FDA.D.11.r"), "mandatory"),
    (FDA, "no other INDs, not even NA", _without("FDA.C.5.6.r"), "R0026"),
]


@pytest.mark.parametrize(("profile", "name", "change", "rule"), BLOCKS, ids=[one[1] for one in BLOCKS])
def test_a_broken_structure_is_found(profile: Profile, name: str, change: Callable[[Block], None], rule: str) -> None:
    batch = good(profile)
    change(batch)
    assert rule in {found for found, _ in errors(profile, batch)}, name


def _again(root: etree._Element, path: str) -> None:
    one = first(root, path)
    one.addnext(deepcopy(one))


ONCE = {
    "C.1.3": ".//h:subjectOf2[h:investigationCharacteristic/h:code[@code='1']]",
    "C.1.7": ".//h:component[h:observationEvent/h:code[@code='23']]",
    "C.3.4.6": ".//h:telecom[@value='tel:+84240000000']",
    "C.1.1": "PORR_IN049016UV/controlActProcess/subject/investigationEvent/id",
    "E.i.3.2a": ".//h:outboundRelationship2[h:observation/h:code[@code='34']]",
    "E.i.7": ".//h:outboundRelationship2[h:observation/h:code[@code='27']]",
    "H.4": ".//h:component1[h:observationEvent[h:code[@code='10']][h:author/h:assignedEntity/h:code[@code='1']]]",
}


@pytest.mark.parametrize("element", ONCE)
def test_what_does_not_repeat_is_said_once(element: str) -> None:
    """Of two answers a reader takes either; the schema allows both."""
    found = list(judge(read(edited(ICH, lambda root: _again(root, ONCE[element]))), ICH, now=NOW))
    twice = {one.element: one.xpath for one in found if one.rule == "said-twice"}
    assert element in twice
    assert twice[element].startswith("/MCCI_IN200100UV01/PORR_IN049016UV/")


STRANGE = {
    "a code nobody knows": (".//h:observation/h:code[@code='24']", "codeSystem", "1.2.3"),
    "a number of an unknown list": (".//h:researchStudy/h:id", "root", "2.16.840.1.113883.3.989.2.1.3.99"),
    "a test beside the tests": (".//h:organizer/h:code[@code='3']", "code", "tests"),
}


@pytest.mark.parametrize("profile", [ICH, FDA])
def test_of_our_own_files_everything_is_read(profile: Profile) -> None:
    assert "not-read" not in {one.rule for one in judge(read(render(good(profile))), profile, now=NOW)}


@pytest.mark.parametrize("name", STRANGE)
def test_what_no_element_explains_is_said(name: str) -> None:
    """A gateway accepts it without reading it: whoever looks at the file must learn that it is not data."""
    path, attribute, value = STRANGE[name]
    found = list(judge(read(edited(ICH, lambda root: first(root, path).set(attribute, value))), ICH, now=NOW))
    said = [one for one in found if one.rule == "not-read"]
    assert said and all(one.severity == "warning" for one in said)
    assert all(one.xpath.startswith("/MCCI_IN200100UV01/PORR_IN049016UV/") for one in said)


def test_of_strange_things_fifty_are_named() -> None:
    def change(root: etree._Element) -> None:
        for _ in range(100):
            _again(root, ".//h:researchStudy/h:id")
        for one in root.iter("{urn:hl7-org:v3}id"):
            if one.getparent() is not None and str(one.getparent().tag).endswith("researchStudy"):  # type: ignore[union-attr]
                one.set("root", "1.2.3")

    found = list(judge(read(edited(ICH, change)), ICH, now=NOW))
    assert len([one for one in found if one.rule == "not-read"]) == 50


@pytest.mark.parametrize(
    "path", ["PORR_IN049016UV/creationTime", ".//h:player1/h:administrativeGenderCode", ".//h:kindOfProduct/h:name"]
)
def test_a_value_beside_the_reason_for_none_is_found(path: str) -> None:
    found = judge(read(edited(ICH, lambda root: first(root, path).set("nullFlavor", "UNK"))), ICH, now=NOW)
    assert "value-and-null" in {one.rule for one in found if one.severity == "error"}


@pytest.mark.parametrize(
    ("path", "attribute"),
    [
        ("interactionId", "extension"),
        ("PORR_IN049016UV/interactionId", "extension"),
        ("PORR_IN049016UV/acceptAckCode", "code"),
        ("PORR_IN049016UV/controlActProcess/code", "code"),
        ("PORR_IN049016UV/controlActProcess/subject/investigationEvent/statusCode", "code"),
    ],
)
def test_a_wrong_constant_is_found(path: str, attribute: str) -> None:
    found = judge(read(edited(ICH, lambda root: first(root, path).set(attribute, "X"))), ICH)
    assert "constant" in {one.rule for one in found}


@pytest.mark.parametrize(
    ("age", "unit", "told"),
    [("4", "a", False), ("57", "mo", False), ("14", "a", True), ("4", "mo", True), ("1700", "d", False)],
)
def test_an_age_that_the_birth_date_does_not_allow(age: str, unit: str, told: bool) -> None:
    batch = good(ICH)
    report(batch).put("D.2.1", "20210615")
    report(batch).put("D.2.2a", age)
    report(batch).put("D.2.2b", unit)
    found = {one.rule: one.severity for one in judge(read(render(batch)), ICH, now=NOW)}
    assert found.get("age") == ("warning" if told else None)


def test_what_began_after_it_was_reported() -> None:
    found = list(judge(with_cell(ICH, "E.i.4", Cell("20260312")), ICH, now=NOW))
    assert ("date-order", "E.i.4", "warning") in {(one.rule, one.element, one.severity) for one in found}


def test_a_unit_that_ucum_does_not_know_is_a_warning() -> None:
    found = list(judge(with_cell(ICH, "G.k.4.r.1b", Cell("tablet")), ICH, now=NOW))
    assert [(one.element, one.severity) for one in found if one.rule == "unit"] == [("G.k.4.r.1b", "warning")]


def test_a_code_of_another_system_is_found() -> None:
    path = ".//h:administrativeGenderCode"
    found = judge(read(edited(ICH, lambda root: first(root, path).set("codeSystem", "1.2.3"))), ICH)
    assert ("code-system", "D.5") in {(one.rule, one.element) for one in found}


def test_a_first_transmission_amends_nothing() -> None:
    batch = good(ICH)
    report(batch).cells |= {"C.1.11.1": Cell("2"), "C.1.11.2": Cell("recoded")}
    assert ("R0101", "C.1.11.1") in errors(ICH, batch, initial=True)
    assert errors(ICH, batch, initial=False) == errors(ICH, batch) == set()


def test_the_doubts_are_settings() -> None:
    def severities(profile: Profile, element: str, cell: Cell, rule: str, doubts: Doubts) -> set[str]:
        found = judge(with_cell(profile, element, cell), profile, doubts=doubts)
        return {one.severity for one in found if one.rule == rule}

    other = Cell("41ed9959-3fc7-5fa2-86b0-fc55de20bdb9")
    assert severities(FDA, "N.2.r.1", other, "same-number", Doubts()) == {"warning"}
    assert severities(FDA, "N.2.r.1", other, "same-number", Doubts(message_id_differs="error")) == {"error"}
    assert severities(ICH, "N.2.r.1", other, "same-number", Doubts(message_id_differs="warning")) == {"warning"}
    old = Cell(null="UNK")
    assert severities(FDA, "C.2.r.3", old, "null-flavor", Doubts()) == {"warning"}
    assert severities(FDA, "C.2.r.3", old, "null-flavor", Doubts(fda_null_flavours="error")) == {"error"}
    coded = owner(good(ICH), "E.i.2.1b").cells["E.i.2.1b"]
    assert severities(ICH, "E.i.2.1b", coded, "coded-by-ctcae", Doubts()) == {"warning"}
    assert severities(ICH, "E.i.2.1b", coded, "coded-by-ctcae", Doubts(coded_by_ctcae="error")) == {"error"}
    assert severities(FDA, "N.1.4", Cell("ZZFDATST_PREMKT"), "R0005", Doubts()) == set()
    assert severities(FDA, "N.1.4", Cell("ZZFDATST_PREMKT"), "R0005", Doubts(test_receivers=False)) == {"error"}


def test_the_first_drug_should_be_the_suspect() -> None:
    batch = good(FDA)
    one = report(batch)
    drugs = one.of("G.k")
    one.blocks = [each for each in one.blocks if each.group != "G.k"] + drugs[::-1]
    found = judge(read(render(batch)), FDA)
    assert ("W0005", "warning") in {(each.rule, each.severity) for each in found}


@pytest.mark.parametrize(
    ("text", "readable"),
    [
        ("2026", True),
        ("202602", True),
        ("20260228", True),
        ("20260229", False),
        ("20240229", True),
        ("2026022", False),
        ("2026-02-28", False),
        ("20260228T10", False),
        ("2026022810", True),
        ("20260228101010.5+0700", True),
        ("20260228101010+07:00", False),
        ("20260228101010Z", False),
        ("20260228101010+1500", False),
        ("20260228+0700", False),
        ("00000101", False),
        ("20260228246000", False),
        ("", False),
        ("٢٠٢٦", False),
    ],
)
def test_a_time_is_read_by_the_calendar(text: str, readable: bool) -> None:
    assert (stamp(text) is not None) == readable


def test_a_time_is_an_interval_wide_enough_for_every_zone() -> None:
    day = stamp("20260228")
    assert day is not None
    assert day.earliest == datetime(2026, 2, 27, 10, tzinfo=UTC)
    assert day.latest == datetime(2026, 3, 1, 11, 59, 59, tzinfo=UTC)
    month = stamp("202602")
    assert month is not None and month.latest == datetime(2026, 3, 1, 11, 59, 59, tzinfo=UTC)


def test_a_place_is_counted_where_it_has_equals() -> None:
    back = read(render(good(ICH)))
    node = back.node(back.reports[0], "C.1.8.1")
    assert xpath_of(node) == ("/MCCI_IN200100UV01/PORR_IN049016UV/controlActProcess/subject/investigationEvent/id[2]")
