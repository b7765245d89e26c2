"""The local log puts a child where Kafka's clients would."""

from __future__ import annotations

import pytest
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.partitioner import murmur2 as theirs
from hypothesis import given
from hypothesis import strategies as st

from shared.bus.partition import murmur2, partition_for
from shared.bus.port import PARTITIONS


@given(st.binary(max_size=64))
def test_the_hash_is_the_clients_own(data: bytes) -> None:
    assert murmur2(data) == theirs(data)


@given(st.text(max_size=40))
def test_the_partition_is_the_clients_own(key: str) -> None:
    everywhere = list(range(PARTITIONS))
    assert partition_for(key) == DefaultPartitioner()(key.encode(), everywhere, everywhere)


@pytest.mark.parametrize(("key", "partition"), [("S-001", 1), ("S-002", 6), ("VN-VINMEC-0007", 3), ("trẻ em", 8)])
def test_never_moves(key: str, partition: int) -> None:
    """Held by number: a child whose partition changed would lose its order."""
    assert partition_for(key) == partition
