"""The cheapest Argon2id for everybody whom a test signs in.

The product's takes 64 MiB and most of a core for 30 ms, and ten demonstration users are made for every installation: a
quarter of the time in the tests of the routes was Argon2. `RECOMMENDED` is the product's own, for the test that holds it to its cost.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from shared.auth import users

RECOMMENDED = users._HASHER
CHEAP = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))


@pytest.fixture(scope="session", autouse=True)
def _cheap_passwords() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(users, "_HASHER", CHEAP)
        patch.setattr(users, "_NOBODY", CHEAP.hash("nobody has this password"))
        yield
