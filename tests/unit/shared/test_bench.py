"""The bare benchmark copies our rows under other keys: a unique column that it does not know would end it."""

from __future__ import annotations

import pytest
from sqlalchemy import Table, UniqueConstraint

from bench import bare
from services.ae_intake.store import AUDITED
from shared.audit import AuditRow, StreamRow
from shared.runtime import PLUMBING

TABLES: dict[str, Table] = {
    str(model.__tablename__): model.__table__  # type: ignore[attr-defined]
    for model in (*AUDITED, *PLUMBING, AuditRow, StreamRow)
}


@pytest.mark.parametrize("name", [name for name in bare.TABLES if name != "streams"])
def test_every_unique_key_is_made_anew_for_every_row(name: str) -> None:
    table = TABLES[name]
    fresh = {*bare._FRESH.get(name, ()), bare._SERIAL.get(name)}
    keys = [[column.name for column in table.primary_key]]
    keys += [[column.name] for column in table.columns if column.unique]
    keys += [[column.name for column in one.columns] for one in table.constraints if isinstance(one, UniqueConstraint)]
    for key in filter(None, keys):
        assert fresh & set(key), f"{name}: {key} would come twice"
