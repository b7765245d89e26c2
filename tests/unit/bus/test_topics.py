"""A topic that would forget, compact, reorder or refuse is told, with what to do."""

from __future__ import annotations

import pytest

from shared.bus.port import PARTITIONS, BusSettings
from shared.bus.topics import faults, wanted_config

SETTINGS = BusSettings(replication_factor=3)
GOOD = wanted_config(SETTINGS)


def test_what_we_make_is_what_we_want() -> None:
    assert faults("t", PARTITIONS, GOOD, SETTINGS) == []
    assert faults("t", PARTITIONS, {**GOOD, "max.message.bytes": "99000000"}, SETTINGS) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("retention.ms", "604800000"),
        ("retention.bytes", "1073741824"),
        ("cleanup.policy", "compact"),
        ("cleanup.policy", "compact,delete"),
        ("max.message.bytes", "1048588"),
        ("min.insync.replicas", "1"),
        ("retention.ms", None),
    ],
)
def test_one_wrong_setting_is_one_fault_with_its_remedy(name: str, value: str | None) -> None:
    (fault,) = faults("t", PARTITIONS, {**GOOD, name: value}, SETTINGS)
    assert fault == f"t has {name}={value} and needs {GOOD[name]}: set it with kafka-configs --alter"


def test_the_count_is_never_to_be_changed_in_place() -> None:
    (fault,) = faults("t", 24, GOOD, SETTINGS)
    assert "24 partitions and needs 12" in fault
    assert "republish" in fault


def test_one_copy_needs_no_second_in_step() -> None:
    assert "min.insync.replicas" not in wanted_config(BusSettings(replication_factor=1))
