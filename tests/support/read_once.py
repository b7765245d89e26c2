"""A trial, rule or calendar file of the same bytes reads the same: each is parsed once in a run, not in every world."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from unittest import mock

from services.sae_notifier.rules.calendar_file import load_calendar
from services.sae_notifier.rules.rule_file import load_rules
from shared.trial import load

_ONCE = {
    "shared.runtime.trials.load": lru_cache(64)(load),
    "services.sae_notifier.rules.rulebook.load_rules": lru_cache(64)(load_rules),
    "services.sae_notifier.handlers.law.load_calendar": lru_cache(64)(load_calendar),
}


@contextmanager
def read_once() -> Iterator[None]:
    with ExitStack() as stack:
        for name, once in _ONCE.items():
            stack.enter_context(mock.patch(name, once))
        yield
