"""Crash, stop and restart everything at its worst moment, then count what was lost: `python -m tests.chaos --help`."""
