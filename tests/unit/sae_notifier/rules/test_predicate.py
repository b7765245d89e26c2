"""The trigger language: three-valued, closed, and never executed."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.sae_notifier.rules.predicate import PredicateError, Truth, parse

TRUTHS: tuple[Truth, ...] = (True, None, False)


@pytest.mark.parametrize(("left", "right"), list(product(TRUTHS, repeat=2)))
def test_unknown_goes_through_and_or_not(left: Truth, right: Truth) -> None:
    facts = {"serious": left, "fatal_lt": right}
    rank = {False: 0, None: 1, True: 2}
    back = {value: key for key, value in rank.items()}
    assert parse("serious and fatal_lt").truth(facts) is back[min(rank[left], rank[right])]
    assert parse("serious or fatal_lt").truth(facts) is back[max(rank[left], rank[right])]
    assert parse("not serious").truth(facts) is back[2 - rank[left]]


def test_texts_and_sets() -> None:
    facts = {"site_country": "VN", "countries_with_site": frozenset({"VN", "NL"})}
    assert parse("site_country == 'VN'").truth(facts) is True
    assert parse("site_country != 'VN'").truth(facts) is False
    assert parse("site_country in ('NL', 'DE')").truth(facts) is False
    assert parse("'NL' in countries_with_site").truth(facts) is True
    assert parse("'DE' not in countries_with_site").truth(facts) is True
    assert parse("site_country == 'VN'").truth({}) is None
    assert parse("'NL' in countries_with_site").truth({}) is None


@pytest.mark.parametrize(
    "text",
    ["", "serious and", "serious == fatal_lt", "serious()", "serious.real", "1", "'VN'", "serious if serious else serious",
     "lambda: serious", "[serious]", "serious < fatal_lt", "site_country == 7", "'x' in site_country", "a := serious",
     "site_country == 'VN' == 'VN'", "serious\nserious", "f'{serious}'", "site_country in countries_with_site"],
)  # fmt: skip
def test_everything_else_is_refused(text: str) -> None:
    with pytest.raises(PredicateError):
        parse(text)


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_text_parses_or_is_refused(text: str) -> None:
    try:
        predicate = parse(text)
    except PredicateError:
        return
    assert predicate.truth({}) in TRUTHS


def test_deep_nesting_is_refused_not_fatal() -> None:
    with pytest.raises(PredicateError):
        parse("not " * 100_000 + "serious")
