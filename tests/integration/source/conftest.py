"""A region whose prescriptions live elsewhere, for every test of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.clock import ManualClock
from core.db import Database
from tests.support.source_world import SourceWorld


@pytest.fixture
def world(database: Database, clock: ManualClock, tmp_path: Path) -> SourceWorld:
    """A source, and a patient with one product."""
    return SourceWorld(database, clock, tmp_path)
