"""Where the official schemas and the instances of others are. They are not ours to ship: the tests that need them are live.

A live test without them fails instead of skipping: green must not mean that nobody looked.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REFERENCE = Path(os.environ.get("TOCSIN_REFERENCE") or ROOT.parent / "shared" / "reference")
SCHEMAS = Path(os.environ.get("TOCSIN_E2B_SCHEMAS") or REFERENCE / "e2b" / "xsd")
SAMPLES = REFERENCE / "e2b" / "samples"
ELEMENTS = REFERENCE / "e2b" / "tables" / "e2b_r3_elements.csv"


def schemas() -> Path:
    return _there(SCHEMAS, "TOCSIN_E2B_SCHEMAS (tocsin e2b fetch-schemas)")


def samples(pattern: str) -> list[Path]:
    found = sorted(_there(SAMPLES, "TOCSIN_REFERENCE").glob(pattern))
    assert found, f"{SAMPLES} has no {pattern}"
    return found


def reference(name: str) -> Path:
    return _there(REFERENCE / name, "TOCSIN_REFERENCE")


def elements_table() -> Path:
    return _there(ELEMENTS, "TOCSIN_REFERENCE")


def _there(path: Path, setting: str) -> Path:
    if not path.exists():
        pytest.fail(f"{path} is not there; set {setting}")
    return path
