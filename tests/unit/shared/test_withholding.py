"""Every text that a person can type into a document is found by the document's own model, and withheld it keeps its hash."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from shared.bus.redacted import Rules, same_but_for_redaction
from shared.canonical import canonical
from shared.case import Batch, CaseReport, Exposure, FreeText, Measurement, Subject, TakenText
from shared.case.text import BY_HAND, CONTENTS
from shared.case.withholding import hash_of, loosely, skeleton, texts, withheld, withheld_hash, withhold
from shared.events.catalogue import CATALOGUE

MODELS = sorted({one.model for one in CATALOGUE.values()}, key=lambda model: model.__name__)
NOT_TYPED = frozenset(
    [
        "case_id",
        "case_number",
        "trial_id",
        "site_id",
        "subject_id",
        "reported_by",
        "event_id",
        "episode_id",
        "exposure_id",
        "batch_id",
        "measurement_id",
        "obligation_id",
        "filing_id",
        "receipt_id",
        "document_id",
        "redaction_id",
        "recipient_id",
        "rule_id",
        "replaced_by",
        "version",
        "code",
        "term",
        "zone",
        "value",
        "language",
        "sha256",
        "report_number",
        "report_sha256",
        "case_sha256",
        "facts_sha256",
        "signed_sha256",
        "law_sha256",
        "rule_sha256",
        "calendar_sha256",
        "digest",
        "previous",
        "mac",
        "service",
        "unit",
        "test",
        "kind",
        "method",
        "address",
        "message_number",
        "state",
        "error",
        "made_by",
        "filed_by",
        "recorded_by",
        "answered_by",
        "signed_by",
        "redacted_by",
        "activated_by",
        "recipient_zone",
        "ended_why",
        "provisional_why",
        "exposure_kind",
        "hours_min",
        "hours_max",
        "question",
        "aggregate",
        "pointer",
        "rejected",
        "dictionary_version",
        "rsi_version",
        "expected_why_en",
        "expected_why_vi",
        "why_en",
        "why_vi",
        "arm",
        "name_of_rule",
        "manifest",
        "body",
        "libraries",
        "signed",
        "charter_version",
        "label_en",
        "label_vi",
        "proof_type",
        "viability_percent",
        "lower_limit",
        "upper_limit",
        "lasted_hours",
        "crossing_id",
        "charter_sha256",
        "plan_sha256",
        "suspect",
        "program",
        "ack_id",
        "batch_number",
        "profile",
        "via",
        "why",
        "message_code",
        "decision",
        "brought_by",
        "closed_by",
        "cut_id",
        "frozen_by",
        "manifest_sha256",
        "parts",
        "topic",
    ]
)
"""Codes, ids, hashes, words of our own making, names of rule files: nobody types a patient's name into them unseen.

Before you add a field here, ask whether a person types it; if so, its type is `Typed` or `FreeText`."""
OUR_OWN = {("LawActivated", "reason"), ("LawText", "name"), ("CutPart", "content_base64")}
"""About the law and no child; a cut's files, which hold numbers, codes and hashes."""


def strings(model: type[BaseModel], seen: frozenset[type[BaseModel]] = frozenset()) -> Iterator[tuple[str, str]]:
    """(model, field) of every string field that no mark says anything about."""
    if model in seen or issubclass(model, FreeText):
        return
    for name, one in model.model_fields.items():
        if BY_HAND in one.metadata or CONTENTS in one.metadata:
            continue
        yield from _in(model.__name__, name, one.annotation, seen | {model})


def _in(model: str, name: str, annotation: Any, seen: frozenset[type[BaseModel]]) -> Iterator[tuple[str, str]]:
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *marks = get_args(annotation)
        if BY_HAND not in marks and CONTENTS not in marks:
            yield from _in(model, name, inner, seen)
    elif origin is Literal:
        return
    elif origin in (Union, types.UnionType, tuple):
        for one in get_args(annotation):
            yield from _in(model, name, one, seen)
    elif annotation is str:
        yield model, name
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield from strings(annotation, seen)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_string_of_a_document_is_a_text_or_a_known_code(model: type[BaseModel]) -> None:
    unknown = {(where, name) for where, name in strings(model) if name not in NOT_TYPED} - OUR_OWN
    assert not unknown, f"{sorted(unknown)}: give the field the type Typed or FreeText, or list it as a code"


def filled(annotation: Any, typed: list[str]) -> Any:
    """Plain JSON of one value with a text of its own in every place where one fits."""
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *marks = get_args(annotation)
        if BY_HAND in marks:
            typed.append(f"words {len(typed)}")
            return typed[-1]
        return None if CONTENTS in marks else filled(inner, typed)
    if origin in (Union, types.UnionType):
        return filled(next(one for one in get_args(annotation) if one is not type(None)), typed)
    if origin is tuple:
        return [filled(get_args(annotation)[0], typed) for _ in range(2)]
    if isinstance(annotation, type) and issubclass(annotation, FreeText):
        typed.append(f"words {len(typed)}")
        return {"text": typed[-1], "language": "vi", "redacted": False, "sha256": None}
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return whole(annotation, typed)
    return None


def whole(model: type[BaseModel], typed: list[str]) -> dict[str, Any]:
    found = {}
    for name, one in model.model_fields.items():
        found[name] = filled(Annotated[(one.annotation, *one.metadata)] if one.metadata else one.annotation, typed)
    return found


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_the_walker_finds_every_text_and_blanks_it(model: type[BaseModel]) -> None:
    typed: list[str] = []
    data = whole(model, typed)
    found = texts(model, data)
    assert sorted(one.words or "" for one in found) == sorted(typed)
    assert len({one.pointer for one in found}) == len(found)
    before = canonical(data)
    made, taken = withhold(model, data, lambda _: True)
    assert canonical(data) == before, "what was given is not changed"
    assert [one.sha256 for one in taken] == [hash_of(one.words or "") for one in found]
    assert not any(words.encode() + b'"' in canonical(made) for words in typed)
    assert skeleton(model, made) == skeleton(model, data)
    assert [(one.pointer, one.sha256) for one in texts(model, made)] == [(one.pointer, one.sha256) for one in found]
    assert withhold(model, made, lambda _: True) == (made, []), "twice is once"


def test_what_the_machine_computes_from_is_marked() -> None:
    """By which agent, route, instrument and site a verdict or a coded report goes; a new such field is marked in its model."""
    found = {
        (model.__name__, one.pointer)
        for model in MODELS
        if issubclass(model, Exposure | Measurement | Batch | Subject | CaseReport)
        for one in texts(model, whole(model, []))
        if one.judged
    }
    assert found == {
        ("Exposure", "/name"),
        ("Exposure", "/route"),
        ("Measurement", "/instrument"),
        ("Measurement", "/body_site"),
    }


WORDS = st.text(min_size=1, max_size=30).filter(lambda words: withheld_hash(words) is None)


@given(st.lists(WORDS, min_size=1, max_size=4, unique=True), st.sets(st.integers(0, 3)), st.sets(st.integers(0, 3)))
def test_two_forms_that_differ_in_withheld_words_alone_are_one(
    words: list[str], first: set[int], second: set[int]
) -> None:
    data = {"case_id": "c", "events": [{"event_id": str(i), "verbatim": {"text": one}} for i, one in enumerate(words)]}

    def form(hidden: set[int]) -> bytes:
        hashes = {hash_of(words[i]) for i in hidden if i < len(words)}
        return canonical(withhold(CaseReport, data, lambda text: text.sha256 in hashes)[0])

    one, other = form(first), form(second)
    name = "tocsin.case.reported.v1"
    assert same_but_for_redaction(name, one, other) == (one != other)
    changed = canonical({**data, "case_id": "d"})
    assert not same_but_for_redaction(name, one, changed)
    otherwise = {
        **data,
        "events": [{**event, "verbatim": {"text": "x" + event["verbatim"]["text"]}} for event in data["events"]],
    }
    assert not same_but_for_redaction(name, one, canonical(otherwise)), "other words are other bytes"


def test_a_rule_by_name_takes_only_what_it_names() -> None:
    named = TakenText(aggregate="case/1", version=2, pointer="/change_reason", sha256=hash_of("because of Q"))
    rules = Rules(frozenset([named]), frozenset())
    data = {"change_reason": "because of Q"}
    assert rules.blanked(CaseReport, "case/1", 2, data)[0] == {"change_reason": withheld(named.sha256)}
    assert rules.blanked(CaseReport, "case/1", 1, data) == (data, [])
    assert rules.blanked(CaseReport, "case/1", 2, {"change_reason": "because of R"})[1] == []


def test_any_json_is_blanked_by_hash() -> None:
    hashes = frozenset([hash_of("the name")])
    data = {"a": ["the name", {"text": "the name", "language": None}], "b": "the name too", "c": 1}
    made, count = loosely(data, hashes)
    assert count == 2
    assert made["a"] == [
        withheld(hash_of("the name")),
        {"text": "", "language": None, "redacted": True, "sha256": hash_of("the name")},
    ]
    assert made["b"] == "the name too"
