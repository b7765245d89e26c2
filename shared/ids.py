"""Identifiers: UUIDv7, so that they sort by the time they were made and say nothing about a child."""

from __future__ import annotations

import uuid_utils


def new_id() -> str:
    return str(uuid_utils.uuid7())
