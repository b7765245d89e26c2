"""Wiring for every test: the servers, and the rule about skipping."""

from __future__ import annotations

from tests.support.own_folder import _no_checkout_folder  # noqa: F401 - as below
from tests.support.passwords import _cheap_passwords  # noqa: F401 - as above
from tests.support.ram import _kept  # noqa: F401
from tests.support.servers import (  # noqa: F401 - pytest finds fixtures by name
    _mail_catcher,
    catcher,
    kafka_bootstrap,
    kafka_server,
    postgres_server,
    postgres_url,
)
from tests.support.skipping import pytest_make_collect_report, pytest_runtest_makereport  # noqa: F401 - hooks
