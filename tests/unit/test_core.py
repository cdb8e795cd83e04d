"""The ground floor: keys, clocks, policies, working days, logs."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import ClassVar

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given, strategies as st

from core.clock import ManualClock, swedish_date
from core.crypto import Keyring
from core.logs import configure_logging
from core.policy import Policies, PolicyProblem
from core.request_id import set_request_id
from core.workdays import add_working_days, is_working_day

OLD, NEW = b"o" * 32, b"n" * 32
INDEX = b"i" * 32


@given(st.text())
def test_what_is_encrypted_is_read_back_also_after_a_key_change(text: str) -> None:
    before = Keyring({"old": OLD}, INDEX)
    after = Keyring({"new": NEW, "old": OLD}, INDEX)
    assert after.decrypt(before.encrypt(text)) == text
    assert after.decrypt(after.encrypt(text)) == text
    assert before.encrypt(text) != before.encrypt(text)


def test_a_changed_value_is_refused() -> None:
    ring = Keyring({"k": OLD}, INDEX)
    value = bytearray(ring.encrypt("191212121212"))
    value[-1] ^= 1
    with pytest.raises(InvalidTag):
        ring.decrypt(bytes(value))


def test_a_keyring_does_not_show_its_keys() -> None:
    ring = Keyring({"k": OLD}, INDEX)
    assert "ooo" not in repr(ring)
    assert "iii" not in repr(ring)


@pytest.mark.parametrize(("keys", "index"), [("", "aWk="), ("k:!", "aWk="), ("k:aWk=", "aWk=")])
def test_unusable_keys_are_refused(keys: str, index: str) -> None:
    with pytest.raises(ValueError, match="key"):
        Keyring.parse(keys, index)


def test_the_swedish_day_begins_at_swedish_midnight() -> None:
    assert swedish_date(datetime(2026, 6, 30, 21, 59, tzinfo=UTC)) == date(2026, 6, 30)
    assert swedish_date(datetime(2026, 6, 30, 22, 0, tzinfo=UTC)) == date(2026, 7, 1)
    with pytest.raises(ValueError, match="aware"):
        ManualClock(datetime(2026, 6, 30))


@pytest.mark.parametrize(
    ("start", "count", "expected"),
    [
        (date(2026, 12, 1), 5, date(2026, 12, 8)),
        (date(2026, 12, 22), 2, date(2026, 12, 28)),
        (date(2026, 6, 17), 2, date(2026, 6, 22)),
        (date(2027, 3, 24), 2, date(2027, 3, 30)),
        (date(2026, 12, 5), 0, date(2026, 12, 5)),
    ],
)
def test_working_days_skip_weekends_holidays_and_eves(start: date, count: int, expected: date) -> None:
    assert add_working_days(start, count) == expected


@given(st.dates(date(2020, 1, 1), date(2040, 1, 1)), st.integers(1, 30))
def test_a_promise_is_a_working_day(start: date, count: int) -> None:
    assert is_working_day(add_working_days(start, count))


@dataclass(frozen=True)
class _Section:
    SECTION: ClassVar[str] = "thing"
    days: int
    name: str = "x"
    kinds: tuple[str, ...] = ()


def _policies(folder: Path, text: str) -> Policies:
    (folder / "prov.toml").write_text(text, encoding="utf-8")
    return Policies.load(folder)


def test_a_policy_section_is_read_as_its_type(tmp_path: Path) -> None:
    section = _policies(tmp_path, '[thing]\ndays = 3\nkinds = ["A"]\n').of("prov").section(_Section)
    assert section == _Section(3, "x", ("A",))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[thing]\n", "lacks days"),
        ('[thing]\ndays = "3"\n', "days has the wrong type"),
        ("[thing]\ndays = true\n", "days has the wrong type"),
        ("[thing]\ndays = 1\nother = 2\n", "no field other"),
        ("[thing", "prov.toml"),
    ],
)
def test_a_policy_problem_names_file_section_and_field(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(PolicyProblem, match=complaint):
        _policies(tmp_path, text).of("prov").section(_Section)


def test_log_lines_are_json_with_the_request_id_and_without_personal_numbers(
    capsys: pytest.CaptureFixture[str],
) -> None:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        configure_logging("INFO")
        set_request_id("abcdef123456")
        logging.getLogger("test").info("saw 19121212-1212", extra={"other": "121212+1212", "count": 3})
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
    line = json.loads(capsys.readouterr().err)
    assert line["request_id"] == "abcdef123456"
    assert line["message"] == "saw [number]"
    assert line["other"] == "[number]"
    assert line["count"] == 3
