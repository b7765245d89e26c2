"""TOCSIN_ENDPOINTS is read or refused by name and field, and a refusal repeats no secret."""

from __future__ import annotations

import json

import pytest

from shared.endpoints import parse
from shared.settings import Settings, UnsafeSettings

GOOD = {
    "fda": {"address": "https://gateway.example.org/in", "answers": "https://gateway.example.org/out", "token": "s3"}
}


def test_what_is_written_is_read() -> None:
    found = parse(json.dumps(GOOD))["fda"]
    assert (found.address, found.token.get_secret_value()) == ("https://gateway.example.org/in", "s3")
    assert not found.in_the_clear
    assert "s3" not in repr(found)
    assert parse("  ") == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not JSON"),
        ("[]", "JSON object"),
        ('{"fda": 1}', "fda"),
        ('{"fda": {"token": "s3cret"}}', "fda: look at address"),
        ('{"fda": {"address": "x", "tokn": "s3cret"}}', "fda: look at tokn"),
    ],
)
def test_what_cannot_be_used_is_refused_without_its_secret(text: str, said: str) -> None:
    with pytest.raises(UnsafeSettings) as refused:
        Settings.load({"TOCSIN_ENDPOINTS": text, "TOCSIN_MODE": "production"})
    [problem] = [one for one in refused.value.problems if "TOCSIN_ENDPOINTS" in one]
    assert said in problem
    assert "s3cret" not in problem


def test_production_sends_no_report_in_the_clear() -> None:
    clear = {"fda": {"address": "http://gateway.example.org/in"}}
    base = {"TOCSIN_MODE": "production", "TOCSIN_BASE_URL": "https://tocsin.example.org"}
    with pytest.raises(UnsafeSettings) as refused:
        Settings.load(base | {"TOCSIN_ENDPOINTS": json.dumps(clear)})
    assert any("in the clear" in one for one in refused.value.problems)
    with pytest.raises(UnsafeSettings) as other:
        Settings.load(base | {"TOCSIN_ENDPOINTS": json.dumps(GOOD)})
    assert not any("TOCSIN_ENDPOINTS" in one for one in other.value.problems)
