"""Structured logs without patient data, and the trace carried from a request through the log into every effect.

A log line holds only fields of `LOG_FIELDS`; anything else is dropped and its name is told. Of an exception only its
type and the places it passed are written: its text may quote what somebody typed. Metrics: `shared.metrics`.
"""

from __future__ import annotations

import logging
import re
import secrets
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import TracebackType
from typing import TextIO

import structlog
from structlog.typing import EventDict, WrappedLogger

from shared.errors import TocsinError

LOG_FIELDS = frozenset(
    {
        "event", "level", "timestamp", "logger", "service", "instance", "trace_id", "request_id", "dropped_fields",
        "case_id", "case_number", "subject_id", "trial_id", "aggregate", "version", "event_id", "event_type",
        "sequence", "topic", "partition", "offset", "end_offset", "lag", "position", "group", "count", "size", "sha256",
        "method", "route", "status", "duration_ms", "port", "address", "user_id", "role", "roles", "sites",
        "permission",
        "obligation_id", "alert_id", "filing_id", "rule_id", "recipient_id", "channel", "attempt", "step", "threshold",
        "loop", "check", "kind", "name", "code", "reason", "remedy", "detail", "table", "revision", "path", "signal",
        "failpoint", "setting", "pointers", "error_type", "error_code", "error_detail", "error_at", "seconds", "mode",
        "attempts", "key_id", "stream", "limit", "due_at", "rung", "suppressed",
    }
)  # fmt: skip
"""What a log line may hold: codes, numbers, places and sentences written by a programmer."""

_TRACEPARENT = re.compile(r"^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$")
_current: ContextVar[str | None] = ContextVar("traceparent", default=None)


def parse_traceparent(value: str | None) -> str | None:
    """A W3C `traceparent` (version 00) as it came, or None when it is not one."""
    return value if value and _TRACEPARENT.fullmatch(value) else None


def new_traceparent() -> str:
    """The start of a new trace."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


def child_of(parent: str | None) -> str:
    """The next span of that trace, or a new trace when there is no valid parent."""
    known = parse_traceparent(parent)
    if known is None:
        return new_traceparent()
    version, trace_id, _, flags = known.split("-")
    return f"{version}-{trace_id}-{secrets.token_hex(8)}-{flags}"


def current_traceparent() -> str | None:
    """The span this code runs in, or None outside any."""
    return _current.get()


def trace_id_of(traceparent: str) -> str:
    return traceparent.split("-")[1]


@contextmanager
def span(parent: str | None = None) -> Iterator[str]:
    """Run a block in a child of `parent` (an event's or a request's traceparent); its trace id is on every log line."""
    traceparent = child_of(parent)
    token = _current.set(traceparent)
    try:
        with structlog.contextvars.bound_contextvars(trace_id=trace_id_of(traceparent)):
            yield traceparent
    finally:
        _current.reset(token)


@contextmanager
def log_context(**fields: str | int | None) -> Iterator[None]:
    """Put fields of `LOG_FIELDS` on every line logged inside."""
    unknown = fields.keys() - LOG_FIELDS
    if unknown:
        raise ValueError(
            f"not a log field: {', '.join(sorted(unknown))}; add it to LOG_FIELDS if it can hold no patient data"
        )
    with structlog.contextvars.bound_contextvars(**fields):
        yield


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """`log = get_logger(__name__)`; then `log.info("relay.published", count=12)`."""
    return structlog.stdlib.get_logger(name)


_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


def exception_fields(error: BaseException) -> dict[str, object]:
    """Type and places of an exception, outermost first; its text only when it is one of ours, which quote nobody."""
    frames = traceback.extract_tb(error.__traceback__)[-8:]
    fields: dict[str, object] = {
        "error_type": type(error).__name__,
        "error_at": [f"{'/'.join(frame.filename.split('/')[-2:])}:{frame.lineno} {frame.name}" for frame in frames],
    }
    if isinstance(error, TocsinError):
        fields["error_code"], fields["error_detail"] = error.code, error.detail
    if error.__cause__ is not None:
        fields["error_type"] = f"{type(error).__name__} from {type(error.__cause__).__name__}"
    return fields


def _safe_exception(_: WrappedLogger, __: str, line: EventDict) -> EventDict:
    info: _ExcInfo | bool | BaseException | None = line.pop("exc_info", None)
    error = info if isinstance(info, BaseException) else (info[1] if isinstance(info, tuple) else None)
    if info is True:
        error = sys.exc_info()[1]
    if error is not None:
        line.update(exception_fields(error))
    return line


def _only_log_fields(_: WrappedLogger, __: str, line: EventDict) -> EventDict:
    internal = {"_record", "_from_structlog"}
    dropped = sorted(line.keys() - LOG_FIELDS - internal)
    for name in dropped:
        del line[name]
    if dropped:
        line["dropped_fields"] = dropped
    return line


_QUIET = ("uvicorn.access", "httpx", "httpcore", "sqlalchemy", "multipart", "python_multipart", "aiokafka", "asyncio")
"""Libraries that log URLs, parameters or per-record chatter: warnings only (uvicorn.access: never; we log requests)."""


def configure_logging(service: str, *, level: str = "info", instance: str = "", stream: TextIO | None = None) -> None:
    """JSON lines on `stream` (default stderr) for our own and every library's logger; `service` stands on each line."""
    common: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _service_adder(service, instance),
        _safe_exception,
    ]
    structlog.configure(
        processors=[*common, _only_log_fields, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=common,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _only_log_fields,
                structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = name != "uvicorn.access"
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


def _service_adder(service: str, instance: str) -> structlog.typing.Processor:
    def add(_: WrappedLogger, __: str, line: EventDict) -> EventDict:
        line.setdefault("service", service)
        if instance:
            line.setdefault("instance", instance)
        return line

    return add
