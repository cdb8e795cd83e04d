"""What a log line of an error says: where and what kind, never the words, which may quote somebody's row."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest

from core.logs import configure_logging


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What is written to standard error."""
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    configure_logging()
    monkeypatch.setattr(sys, "stderr", sys.__stderr__)
    yield written
    root.handlers[:] = handlers
    root.setLevel(level)


def test_an_error_is_logged_without_what_it_choked_on(lines: io.StringIO) -> None:
    # Lines of the program's own text are shown: these words stand in none that is on the way to the error.
    name, row = "Astrid Provsson", "Failing row contains (191212121212, Provgatan 1)"

    def read() -> None:
        try:
            raise KeyError(name)
        except KeyError as problem:
            raise ValueError(row) from problem

    try:
        read()
    except ValueError:
        logging.getLogger("test").exception("message failed")
    said = json.loads(lines.getvalue())
    assert "ValueError" in said["exc_info"]
    assert "KeyError" in said["exc_info"]
    assert "in read" in said["exc_info"]
    assert "Astrid" not in lines.getvalue()
    assert "Failing row" not in lines.getvalue()
