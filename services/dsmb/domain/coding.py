"""The letters that stand for arms in closed reports: never the arms' own names, the same in every cut."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from itertools import permutations

LETTERS = "XYZWVUTSRQPNMLKJHG"


def code_arms(arms: Sequence[str], before: Mapping[str, str], key: bytes) -> dict[str, str]:
    """Arm -> letter. An arm that has one keeps it: columns that changed sides between two reports would mislead.

    New arms follow in an order that only the key's holder could tell.
    """
    coding = {arm: letter for arm, letter in before.items() if arm in arms}
    free = [letter for letter in LETTERS if letter not in before.values()]
    new = sorted(set(arms) - coding.keys(), key=lambda arm: hmac.new(key, f"arm/{arm}".encode(), sha256).digest())
    if len(new) > len(free):
        raise ValueError("more arms than letters")
    return coding | dict(zip(new, free, strict=False))


def coding_again(arms: Sequence[str], fits: Callable[[Mapping[str, str]], bool]) -> dict[str, str] | None:
    """Arm -> letter by the seal of a manifest alone: there are few to try, and early letters were given first.

    A seal hides nothing from whoever holds the manifest, which is the board; it keeps letters from being changed.
    """
    for count in range(len(arms), len(LETTERS) + 1):
        for letters in permutations(LETTERS[:count], len(arms)):
            if fits(coding := dict(zip(sorted(arms), letters, strict=True))):
                return coding
    return None
