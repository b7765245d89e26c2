"""Writes the JSON Schema of every event type beside the catalogue: `python -m shared.events.generate` after a change."""

from __future__ import annotations

from pathlib import Path

from shared.events.catalogue import CATALOGUE, schema_text

SCHEMAS = Path(__file__).parent / "schemas"
EXAMPLES = Path(__file__).parent / "examples"
"""One event of every type ever published, as it was: today's consumers must still read them. Never regenerated."""


def generate(directory: Path = SCHEMAS) -> list[Path]:
    """One file per type; files of types that are no longer published stay, since the log is kept for ever."""
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    for event in CATALOGUE.values():
        path = directory / f"{event.name}.json"
        path.write_text(schema_text(event), encoding="utf-8")
        written.append(path)
    return written


if __name__ == "__main__":
    generate()
