"""Starts one process of a test: the embedded application without its demonstration history, or a mutant of a service.

The only reader of TOCSIN_CHAOS_MUTANT, and not part of the product: a mutant changes the modules before `main` runs.
"""

from __future__ import annotations

import importlib
import os
import sys


def embedded() -> None:
    from services.embedded import create_app
    from shared import compose
    from shared.settings import Settings

    settings = Settings.load()
    compose.serve(create_app(settings), settings, "tocsin")


def main() -> None:
    mutant = os.environ.pop("TOCSIN_CHAOS_MUTANT", "")
    if mutant:
        importlib.import_module(f"tests.chaos.mutants.{mutant}").apply()
    if sys.argv[1] == "embedded":
        embedded()
    else:
        importlib.import_module(sys.argv[1]).main()


if __name__ == "__main__":
    main()
