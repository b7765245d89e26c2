"""Which partition a key belongs to: Kafka's own murmur2 rule, so that both logs keep one child in the same place."""

from __future__ import annotations

from shared.bus.port import PARTITIONS

_MASK = 0xFFFFFFFF
_MULTIPLIER = 0x5BD1E995
_SEED = 0x9747B28C


def murmur2(data: bytes) -> int:
    """MurmurHash2, 32 bits, little-endian words, with the seed of Kafka's clients; unsigned."""
    whole = len(data) & ~3
    h = _SEED ^ len(data)
    for start in range(0, whole, 4):
        k = int.from_bytes(data[start : start + 4], "little") * _MULTIPLIER & _MASK
        k = (k ^ k >> 24) * _MULTIPLIER & _MASK
        h = h * _MULTIPLIER & _MASK ^ k
    if tail := data[whole:]:
        h = (h ^ int.from_bytes(tail, "little")) * _MULTIPLIER & _MASK
    h = (h ^ h >> 13) * _MULTIPLIER & _MASK
    return h ^ h >> 15


def partition_for(key: str, partitions: int = PARTITIONS) -> int:
    """The sign bit is dropped before the modulo, as Kafka's clients do."""
    return (murmur2(key.encode()) & 0x7FFFFFFF) % partitions
