"""JSON logs with the request id; what is logged is chosen field by field, never whole objects."""

from __future__ import annotations

import logging
import re
import sys
import traceback
from types import TracebackType
from typing import Any

from pythonjsonlogger.json import JsonFormatter

from core.request_id import current_request_id

# Handbook §11: ten- or twelve-digit personal numbers must never reach a log, whoever wrote the message.
_PERSONAL_NUMBER = re.compile(r"(?<!\d)(?:\d{2})?\d{6}[-+]?\d{4}(?!\d)")


_ExceptionInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class _Formatter(JsonFormatter):
    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        super().add_fields(log_data, record, message_dict)
        log_data["request_id"] = current_request_id() or None
        for key, value in log_data.items():
            if isinstance(value, str) and key not in {"request_id", "timestamp"}:
                log_data[key] = _PERSONAL_NUMBER.sub("[number]", value)

    def formatException(self, ei: _ExceptionInfo) -> str:  # noqa: N802 -- the name that logging calls
        """Return where it happened and what kind of error it was, with its causes, and never its words.

        An error quotes what it choked on: PostgreSQL gives the whole row that a constraint refused.
        """
        parts: list[str] = []
        problem, seen = ei[1], set[int]()
        while problem is not None and id(problem) not in seen:
            seen.add(id(problem))
            state = getattr(problem, "sqlstate", None)
            parts.append(f"{type(problem).__qualname__}{f' {state}' if isinstance(state, str) else ''}")
            parts.extend(line.rstrip() for line in traceback.format_tb(problem.__traceback__))
            problem = problem.__cause__ or (None if problem.__suppress_context__ else problem.__context__)
        return "\n".join(parts)


def configure_logging(level: str = "INFO") -> None:
    """Send every logger of this process to standard error as one JSON object per line."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        _Formatter(
            "{levelname}{name}{message}",
            style="{",
            timestamp=True,
            rename_fields={"levelname": "level", "name": "logger"},
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
