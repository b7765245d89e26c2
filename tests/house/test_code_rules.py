"""The product keeps the house rules, and each rule can see what it forbids."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.house import rules
from tests.house.source import Module, parsed, product

Rule = Callable[[Module], list[str]]

BAD: list[tuple[Rule, str, str]] = [
    (rules.wall_clock, "services/causality/handlers.py", "from datetime import datetime\ndatetime.now()"),
    (rules.wall_clock, "shared/audit.py", "import datetime\ndatetime.datetime.utcnow()"),
    (rules.wall_clock, "shared/audit.py", "import datetime\ndatetime.date.today()"),
    (rules.wall_clock, "shared/audit.py", "import time\ntime.time()"),
    (rules.wall_clock, "shared/audit.py", "from time import time"),
    (rules.wall_clock, "services/causality/store.py", "from sqlalchemy import func\nfunc.now()"),
    (rules.background, "services/causality/main.py", "import asyncio\nasyncio.create_task(f())"),
    (rules.background, "services/causality/api.py", "from threading import Thread\nThread(target=f)"),
    (rules.background, "services/causality/api.py", "from concurrent import futures\nfutures.ThreadPoolExecutor(2)"),
    (rules.background, "shared/web.py", "tasks = BackgroundTasks()"),
    (rules.sql, "services/causality/handlers.py", "from sqlmodel import select"),
    (rules.sql, "services/causality/pages.py", "def page():\n    import sqlalchemy.orm"),
    (rules.async_core, "services/causality/handlers.py", "async def assess(): ..."),
    (rules.async_core, "services/causality/domain/onset.py", "async def onset(): ..."),
    (rules.engine_imports, "services/causality/ctcae/fever.py", "import httpx"),
    (rules.engine_imports, "services/causality/ctcae/fever.py", "from shared.db import Tx"),
    (rules.engine_imports, "services/causality/ctcae/fever.py", "from services.causality.store import rows"),
    (rules.engine_imports, "services/causality/ctcae/fever.py", "from ..store import rows"),
    (rules.commits, "shared/relay.py", "session.commit()"),
]
GOOD: list[tuple[Rule, str, str]] = [
    (rules.wall_clock, "shared/clock.py", "from datetime import datetime\ndatetime.now()"),
    (rules.wall_clock, "services/causality/api.py", "import time\ntime.monotonic()\nself.clock.now()"),
    (rules.background, "shared/bus/worker.py", "import asyncio\nasyncio.create_task(f())"),
    (rules.sql, "services/causality/store.py", "from sqlmodel import select"),
    (rules.async_core, "services/causality/api.py", "async def post(): ..."),
    (rules.engine_imports, "services/causality/ctcae/fever.py", "from shared.case import Quantity\nimport lxml"),
    (rules.commits, "shared/db.py", "tx.after_commit(f)"),
]
EVERYWHERE: list[Rule] = [
    rules.wall_clock,
    rules.background,
    rules.sql,
    rules.async_core,
    rules.engine_imports,
]


def _name(value: object) -> str:
    return getattr(value, "__name__", "")


@pytest.mark.parametrize("rule", EVERYWHERE, ids=_name)
def test_the_product_keeps(rule: Rule) -> None:
    offences = [offence for module in product() for offence in rule(module)]
    assert not offences, f"{rule.__doc__}\n" + "\n".join(offences)


def test_there_is_one_commit() -> None:
    found = [offence for module in product() for offence in rules.commits(module)]
    assert len(found) == 1, f"{rules.commits.__doc__}\n" + "\n".join(found)
    assert found[0].startswith("shared/db.py:")


@pytest.mark.parametrize(("rule", "path", "source"), BAD)
def test_a_rule_sees_what_it_forbids(rule: Rule, path: str, source: str) -> None:
    assert rule(parsed(source, path))


@pytest.mark.parametrize(("rule", "path", "source"), GOOD)
def test_a_rule_lets_the_rest_be(rule: Rule, path: str, source: str) -> None:
    assert rule(parsed(source, path)) == []
