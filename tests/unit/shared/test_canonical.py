"""The quick canonical form is, byte for byte and refusal for refusal, that of the full RFC 8785 implementation."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from shared.canonical import canonical

TEXT = st.text() | st.text(alphabet='aé\u20ac\ud7ff\ue000\uffff\U00010000\U0001f600"\\\b\x00\x1f\x7f/')
LEAVES = st.none() | st.booleans() | st.integers() | st.integers(-5, 5) | TEXT
DOCUMENTS = st.dictionaries(
    TEXT, st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=15), max_size=8
)


class Part(BaseModel):
    model_config = ConfigDict(extra="allow")

    z: str = ""
    a: Any = None
    at: datetime = datetime(2026, 3, 9, 2, 10, tzinfo=UTC)
    dose: Decimal = Decimal("7.20")
    pair: tuple[int, ...] = (3, 1)


def outcome(make: Callable[[Any], bytes], value: Any) -> bytes | str:
    """The bytes, or the name of what was refused."""
    try:
        return make(value)
    except ValueError as error:
        return type(error).__name__


@given(DOCUMENTS)
def test_plain_documents_come_out_as_the_full_implementation_writes_them(document: dict[str, Any]) -> None:
    assert outcome(canonical, document) == outcome(rfc8785.dumps, document)


@given(TEXT, st.recursive(LEAVES, st.lists, max_leaves=5), DOCUMENTS)
def test_models_come_out_as_the_full_implementation_writes_them(z: str, a: Any, more: dict[str, Any]) -> None:
    model = Part(z=z, a=[a, more])
    assert outcome(canonical, model) == outcome(lambda one: rfc8785.dumps(one.model_dump(mode="json")), model)


@pytest.mark.parametrize("value", [0.1, 1e21, -0.0, 2**53, -(2**53), 2**53 - 1, True, (1, (2,)), "\ud800", 5.0])
def test_numbers_and_text_at_the_edges_are_left_to_the_full_implementation(value: object) -> None:
    assert outcome(canonical, {"k": value}) == outcome(rfc8785.dumps, {"k": value})


def test_keys_are_ordered_by_utf16_units_not_by_code_points() -> None:
    assert canonical({"\U0001f600": 1, "\ue000": 2}) == '{"😀":1,"\ue000":2}'.encode()


def test_keys_that_are_no_text_are_refused() -> None:
    with pytest.raises(rfc8785.CanonicalizationError):
        canonical({1: "one"})  # type: ignore[dict-item]
