"""The embedded mode and the `tocsin` command."""

from __future__ import annotations

from services.cli import app

if __name__ == "__main__":
    app()
