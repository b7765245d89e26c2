"""What was ever published stays readable: schemas are golden files, and one example of every type is read by today's consumers."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from pydantic import ValidationError

from shared.bus import parking
from shared.bus.port import ALLOCATION_TOPIC, SAFETY_TOPIC, Delivery, Record
from shared.canonical import canonical
from shared.events.catalogue import CATALOGUE
from shared.events.envelope import decode
from shared.events.generate import EXAMPLES, SCHEMAS, generate
from tests.support.world import World

TYPES = sorted(CATALOGUE)
STORY = sorted(EXAMPLES.glob("*.json"), key=lambda path: json.loads(path.read_text())["headers"]["ce_id"])
"""In the order in which they were published (ids are UUIDv7)."""


def example(name: str) -> dict[str, Any]:
    path = EXAMPLES / f"{name}.json"
    assert path.exists(), f"no example of {name}: keep one event as it was published in shared/events/examples/"
    return json.loads(path.read_text(encoding="utf-8"))


def record(kept: dict[str, Any], body: dict[str, Any] | None = None) -> Record:
    headers = tuple((name, value.encode()) for name, value in kept["headers"].items())
    return Record(kept["topic"], kept["key"], canonical(body or kept["body"]), headers)


def test_the_schemas_are_those_of_the_catalogue(tmp_path: Path) -> None:
    for path in generate(tmp_path):
        golden = SCHEMAS / path.name
        assert golden.exists(), f"{path.name} is missing: python -m shared.events.generate"
        assert golden.read_text(encoding="utf-8") == path.read_text(encoding="utf-8"), (
            f"{path.name} has changed: a field may be added, never taken away or retyped; then python -m shared.events.generate"
        )


def test_every_schema_and_every_example_is_of_a_known_type() -> None:
    """A type may leave the catalogue only together with its upcaster; the log still holds its events."""
    assert {path.stem for path in SCHEMAS.glob("*.json")} == set(TYPES)
    assert {path.stem for path in EXAMPLES.glob("*.json")} == set(TYPES)


@pytest.mark.parametrize("name", TYPES)
def test_the_example_fits_its_schema_and_its_reader(name: str) -> None:
    kept = example(name)
    schema = json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
    jsonschema_rs.validator_for(schema).validate(kept["body"])
    read = CATALOGUE[name].model.read(kept["body"])
    assert json.loads(canonical(read)) == kept["body"], "read and written again it is the same document"


@pytest.mark.parametrize("name", TYPES)
def test_the_example_is_an_event_of_its_owner_in_its_place(name: str) -> None:
    kept, event_type = example(name), CATALOGUE[name]
    sent = record(kept)
    event = decode(Delivery(sent.topic, 0, 0, sent.key, sent.value, sent.headers))
    assert event.type == name
    assert event.source in event_type.sources
    assert event.partition_key == kept["key"]
    assert sent.topic == (ALLOCATION_TOPIC if event_type.allocation else SAFETY_TOPIC)
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", event.id)
    assert kept["headers"]["ce_sequence"] == str(event.version).zfill(10)
    assert event.version == kept["body"].get("version", event.version)


@pytest.mark.parametrize("name", TYPES)
def test_a_field_that_is_not_known_yet_is_ignored_by_readers_and_refused_to_writers(name: str) -> None:
    newer = with_new_fields(example(name)["body"])
    model = CATALOGUE[name].model
    assert model.read(newer) == model.read(example(name)["body"])
    with pytest.raises(ValidationError):
        model.model_validate(newer)


def with_new_fields(node: Any) -> Any:
    """The same document from a newer producer: a new field in every object of it."""
    if isinstance(node, dict):
        return {key: with_new_fields(value) for key, value in node.items()} | {"field_of_next_year": {"a": [1]}}
    if isinstance(node, list):
        return [with_new_fields(one) for one in node]
    return node


@pytest.mark.parametrize("newer", [False, True], ids=["as published", "with new fields"])
def test_todays_consumers_take_every_event_ever_published(newer: bool) -> None:
    with World() as world:
        for path in STORY:
            kept = json.loads(path.read_text(encoding="utf-8"))
            world.log.append(record(kept, with_new_fields(kept["body"]) if newer else None))
        for name in world.services:
            world.consume(name)
        for name, service in world.services.items():
            parked = service.db.read(parking.open_rows)
            assert not parked, f"{name} cannot take {[(row.type, row.reason, row.detail) for row in parked]}"
            heard = {event for event in CATALOGUE if event in service.worker.handlers}
            with service.db.engine.connect() as connection:
                kept_types = set(connection.exec_driver_sql("SELECT DISTINCT type FROM received").scalars())
            assert kept_types == heard, f"{name} did not take {heard - kept_types}"


def test_an_arm_is_heard_by_nobody_but_the_dsmb() -> None:
    with World() as world:
        for name, service in world.services.items():
            hears = name == "dsmb"
            assert ("tocsin.allocation.recorded.v1" in service.worker.handlers) is hears, name
            assert (ALLOCATION_TOPIC in service.worker.topics) is hears, name


def test_an_unknown_type_is_parked_and_rings_and_never_guessed_at() -> None:
    kept = example("tocsin.case.reported.v1")
    kept["headers"]["ce_type"] = "tocsin.case.reported.v2"
    with World() as world:
        world.log.append(record(kept))
        world.consume("sae_notifier")
        [parked] = world["sae_notifier"].db.read(parking.open_rows)
        assert (parked.reason, parked.type) == ("unknown_type", "tocsin.case.reported.v2")
        assert world.rung["unknown_event_type"] == 1
