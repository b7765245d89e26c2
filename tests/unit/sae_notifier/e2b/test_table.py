"""The mapping table is sound: one row an element, every path can be made and found again, every source is true."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from services.sae_notifier.e2b import Block, Profile, draft, read
from services.sae_notifier.e2b.codes import code_list
from services.sae_notifier.e2b.compare import compare_read
from services.sae_notifier.e2b.doubts import WHY, Doubts
from services.sae_notifier.e2b.render import render
from services.sae_notifier.e2b.rules.dates import DAY, FULL
from services.sae_notifier.e2b.rules.dates import ORDER as DATE_ORDER
from services.sae_notifier.e2b.rules.identity import REFERENCES
from services.sae_notifier.e2b.rules.pairs import NEEDS
from services.sae_notifier.e2b.table import by_group, by_name, elements, groups, groups_below
from tests.unit.sae_notifier.e2b.build import CASE, FACTS, message
from tests.unit.sae_notifier.e2b.strategies import reports

UUID = "41ed9959-3fc7-5fa2-86b0-fc55de20bdb9"
EITHER_OR = frozenset(
    {"F.r.3.4", "E.i.6a", "E.i.6b", "G.k.4.r.6a", "G.k.4.r.6b", "G.k.4.r.2", "G.k.4.r.3", "FDA.G.k.10a"}
)
"""Written in the place of another element, or only in one of its other encodings."""


def value(element: str) -> str:
    one = by_name()[element]
    if one.kind == "ref":
        return UUID
    if one.codes == "ucum":
        return "mg"
    if element in ("F.r.4", "F.r.5"):
        return "1.5"
    return {"date": "20260301", "bool": "true", "num": "12", "b64": "QUJD"}.get(one.kind, "AB")


def everything(group: str, *, nulls: bool) -> Block:
    """Every element of every group, twice where it repeats."""
    made = Block(group)
    for one in by_group(group):
        if nulls and one.nulls:
            made.null(one.name, sorted(one.nulls)[0])
        elif one.name not in EITHER_OR:
            made.put(one.name, value(one.name))
    for below in groups_below(group):
        made.blocks += [everything(below.name, nulls=nulls) for _ in range(2)]
    return made


@pytest.mark.parametrize("nulls", [False, True], ids=["values", "null flavours"])
def test_every_element_can_be_written_and_reads_back(nulls: bool) -> None:
    meant = everything("N.1", nulls=nulls)
    assert sum(len(block.cells) for block in meant.walk()) > 800
    assert compare_read(meant, read(render(meant))) == []


def test_an_element_has_one_row_and_a_known_group() -> None:
    assert len(elements()) == len(by_name()) > 220
    known = {"N.1", *(one.name for one in groups())}
    assert {one.group for one in elements()} <= known
    assert {one.parent for one in groups()} <= known


def test_mandatory_conditional_optional_or_not_used() -> None:
    for one in elements():
        assert one.ich in ("M", "C", "O", "-"), one.name
        assert one.fda in ("M", "C", "O", "-"), one.name
        assert one.regional == (one.ich == "-"), f"{one.name}: ICH knows nothing of FDA's elements"
        if one.codes.startswith("CL"):
            assert code_list(one.codes[2:]), one.name


def test_the_rules_speak_of_elements_that_exist() -> None:
    named = {name for group, *pair, _ in NEEDS for name in pair} | set(FULL) | set(DAY)
    named |= {name for _, *pair in DATE_ORDER for name in pair} | {name for _, *pair in REFERENCES for name in pair}
    assert named <= set(by_name())
    for group, *pair, _ in NEEDS:
        assert all(by_name()[name].group == group for name in pair), pair


def test_every_doubt_has_a_reason() -> None:
    assert set(WHY) == set(Doubts.__dataclass_fields__)


@pytest.mark.parametrize("profile", ["ich", "fda-premarket"])
def test_what_is_written_has_a_source_in_the_table(profile: Profile) -> None:
    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(reports(profile))
    def hold(one):  # type: ignore[no-untyped-def]
        case, facts, sent = one
        for block in draft(case, facts, profile, sent).batch.walk():
            for name in block.cells:
                assert by_name()[name].source, f"{name} is written, but the table does not say from what"
                if profile == "ich":
                    assert not by_name()[name].regional, name

    hold()


def test_a_source_in_the_table_is_written() -> None:
    """By the meningitis, or by one of the few cases it is not."""
    rare = {
        "C.1.9.1.r.1", "C.1.9.1.r.2", "C.1.10.r", "C.1.11.1", "C.1.11.2", "C.2.r.2.2", "C.3.3.4", "FDA.C.5.5b", "D.2.3",
        "D.4", "D.9.1", "D.9.2.r.1a", "D.9.2.r.1b", "D.9.2.r.2", "D.9.3", "E.i.1.2", "E.i.5", "F.r.3.4",
    }  # fmt: skip
    batch = draft(CASE, FACTS, "fda-premarket", message("fda-premarket")).batch
    written = {name for block in batch.walk() for name in block.cells}
    assert {one.name for one in elements() if one.source} - written == rare
