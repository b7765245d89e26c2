"""No test makes secrets in the checkout's own `var/`: two processes of one run would meet there, and a person's data may be in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from shared import own_secrets
from shared.settings import ROOT


@pytest.fixture(scope="session", autouse=True)
def _no_checkout_folder() -> Iterator[None]:
    keep = own_secrets.keep

    def guarded(var: Path, wanted: Sequence[str]) -> dict[str, str]:
        if var.resolve() == ROOT / "var":
            raise AssertionError("a test uses the checkout's own var/; give it TOCSIN_VAR")
        return keep(var, wanted)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(own_secrets, "keep", guarded)
        yield
