"""Worlds for the tests of the routes: one per file where tests only add, one per test where the clock moves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.api.world import ApiWorld
from tests.support.provider import TestProvider


@pytest.fixture(scope="module")
def shared_world() -> Iterator[ApiWorld]:
    """For tests that use children of their own and leave the clock alone."""
    made = ApiWorld()
    yield made
    made.close()


@pytest.fixture
def own_world() -> Iterator[ApiWorld]:
    """For tests that move the clock, count what is there, or break something."""
    made = ApiWorld()
    yield made
    made.close()


@pytest.fixture(scope="session")
def _provider() -> Iterator[TestProvider]:
    server = TestProvider.start()
    yield server
    server.stop()


@pytest.fixture
def provider(_provider: TestProvider) -> TestProvider:
    """An OpenID provider that behaves until it is told otherwise."""
    _provider.order()
    return _provider
