"""Logs hold codes, never what somebody typed; the trace travels from parent to child."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from shared import metrics, telemetry
from shared.errors import Refused
from shared.telemetry import (
    child_of,
    current_traceparent,
    get_logger,
    log_context,
    parse_traceparent,
    span,
    trace_id_of,
)

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    telemetry.configure_logging("ae_intake", stream=stream, instance="one")
    yield stream
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


def last(stream: io.StringIO) -> dict[str, object]:
    return json.loads(stream.getvalue().splitlines()[-1])


def test_a_line_is_json_with_service_trace_and_allowed_fields(lines: io.StringIO) -> None:
    with span(PARENT), log_context(case_id="c-1"):
        get_logger("x").info("case.stored", version=3)
    line = last(lines)
    assert line["event"] == "case.stored" and line["version"] == 3 and line["case_id"] == "c-1"
    assert line["service"] == "ae_intake" and line["instance"] == "one" and line["level"] == "info"
    assert line["trace_id"] == "4bf92f3577b34da6a3ce929d0e0e4736"


def test_fields_not_on_the_list_are_dropped_and_named(lines: io.StringIO) -> None:
    get_logger("x").warning("case.odd", narrative="the child of Ms N has a fever", version=1)
    assert "fever" not in lines.getvalue()
    assert last(lines)["dropped_fields"] == ["narrative"]


def test_the_text_of_an_exception_is_not_logged_but_its_places_are(lines: io.StringIO) -> None:
    try:
        raise ValueError("invalid name: Nguyen Van A")
    except ValueError:
        get_logger("x").exception("handler.failed")
    line = last(lines)
    assert "Nguyen" not in lines.getvalue()
    assert line["error_type"] == "ValueError" and "test_telemetry.py" in str(line["error_at"])


def test_our_own_errors_quote_nobody_and_are_told_in_full(lines: io.StringIO) -> None:
    get_logger("x").error("refused", exc_info=Refused("field grade: 1 to 5"))
    assert last(lines)["error_detail"] == "field grade: 1 to 5"


def test_a_library_logger_is_held_to_the_same(lines: io.StringIO) -> None:
    try:
        raise RuntimeError("row contains Nguyen Van A")
    except RuntimeError:
        logging.getLogger("some.library").exception("failed", extra={"patient": "A"})
    assert "Nguyen" not in lines.getvalue() and "patient" not in last(lines)
    logging.getLogger("uvicorn.access").info("GET /cases?name=A")
    logging.getLogger("sqlalchemy.engine").info("INSERT ... 'A'")
    assert "GET" not in lines.getvalue() and "INSERT" not in lines.getvalue()


def test_log_context_refuses_unknown_fields() -> None:
    with pytest.raises(ValueError, match="LOG_FIELDS"), log_context(initials="NVA"):
        pass


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "nonsense",
        PARENT.upper(),
        "01" + PARENT[2:],
        "00-" + "0" * 32 + PARENT[35:],
        PARENT + "-x",
        PARENT + "\n",
    ],
)
def test_what_is_no_traceparent_starts_a_new_trace(value: str | None) -> None:
    assert parse_traceparent(value) is None
    assert parse_traceparent(child_of(value))


def test_a_child_keeps_the_trace_and_changes_the_span() -> None:
    child = child_of(PARENT)
    assert trace_id_of(child) == trace_id_of(PARENT) and child != PARENT


async def test_the_span_follows_into_threads_and_ends() -> None:
    assert current_traceparent() is None
    with span(PARENT) as mine:
        assert current_traceparent() == mine
        assert await asyncio.to_thread(current_traceparent) == mine
        with span(mine) as inner:
            assert trace_id_of(inner) == trace_id_of(mine)
    assert current_traceparent() is None


def test_every_metric_is_declared_with_a_sentence_a_unit_and_the_service() -> None:
    names = [declared.name for declared in metrics.DECLARED]
    assert len(names) == len(set(names))
    for declared in metrics.DECLARED:
        assert declared.name.startswith("tocsin_") and declared.unit and declared.sentence.endswith((".", "."))
        assert declared.labels[0] == "service"
        assert not {"subject", "subject_id", "case_id", "case_number", "user_id"} & set(declared.labels)
    metrics.OUTBOX_UNPUBLISHED.labels(service="test").set(7)
    assert b'tocsin_outbox_unpublished{service="test"} 7.0' in metrics.exposition()
