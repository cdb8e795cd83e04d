"""The settings of the way to a warehouse, the signatures, and the command that reads the folder."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from click.testing import CliRunner

from core.clock import ManualClock
from core.db import Database
from core.policy import Policies
from portal.adapters.warehouse import FolderWarehouse, HttpWarehouse, warehouse_keys, warehouse_of
from portal.commands import warehouse as command
from portal.config import Settings, SettingsProblem
from portal.signatures import BadSignature, check_signature, read_region_keys
from tests.support.depot_work import World
from tests.support.elsewhere import Elsewhere
from tests.support.settings import make_settings
from tests.support.warehouse import Sent, despatch, elsewhere_policies
from tests.support.warehouse_servers import KEY, signed

OTHER_KEY = bytes(range(90, 130))


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    folder = tmp_path / "policies"
    folder.mkdir()
    return elsewhere_policies(folder)


def problems(**environment: str) -> list[str]:
    """What the warehouse's settings are said to be."""
    with pytest.raises(SettingsProblem) as caught:
        Settings.from_environment(environment)
    return [problem for problem in caught.value.problems if problem.startswith("WAREHOUSE")]


def test_a_region_with_a_depot_elsewhere_needs_a_way_there(policies: Path, tmp_path: Path) -> None:
    loaded = Policies.load(policies)
    with pytest.raises(SettingsProblem, match="other, vgr needs it"):
        warehouse_of(make_settings(policy_dir=policies), loaded)
    assert isinstance(warehouse_of(make_settings(warehouse_folder=tmp_path), loaded), FolderWarehouse)
    assert isinstance(warehouse_of(make_settings(warehouse_url="https://lager.example.org"), loaded), HttpWarehouse)


def test_what_is_wrong_is_said_at_boot_without_a_key(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text("vgr c2hvcnQ=\n")
    (short,) = problems(WAREHOUSE_KEY_FILE=str(keys))
    assert "line 1 is shorter than 32 bytes" in short
    keys.write_text("vgr not-base64!\n")
    (broken,) = problems(WAREHOUSE_KEY_FILE=str(keys))
    assert "line 1" in broken
    assert "not-base64" not in broken
    both = problems(WAREHOUSE_URL="https://lager.example.org", WAREHOUSE_FOLDER=str(tmp_path))
    assert both == ["WAREHOUSE_URL and WAREHOUSE_FOLDER are both set: there is one way to the warehouse"]
    assert problems(WAREHOUSE_URL="http://lager.example.org") == [
        "WAREHOUSE_URL must be https (http only on this machine itself)"
    ]
    assert problems(WAREHOUSE_FOLDER=str(tmp_path / "none")) == ["WAREHOUSE_FOLDER must name a folder"]


def test_keys_are_read_by_region(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text(f"# comment\n\nvgr {base64.b64encode(KEY).decode()}\n")
    assert read_region_keys(keys) == warehouse_keys(make_settings(warehouse_key_file=keys)) == {"vgr": KEY}
    assert warehouse_keys(make_settings()) == {}


def test_a_signature_with_another_key_is_none(clock: ManualClock) -> None:
    headers = signed(b"body", clock)
    check_signature(KEY, b"body", headers["X-Signature-Time"], headers["X-Signature"], clock.now())
    with pytest.raises(BadSignature):
        check_signature(OTHER_KEY, b"body", headers["X-Signature-Time"], headers["X-Signature"], clock.now())


def test_the_command_reads_the_folder_once(
    database: Database, policies: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = Elsewhere(World(database))
    order = elsewhere.order({elsewhere.world.article(): 4})
    inbox = tmp_path / "vgr" / "in"
    inbox.mkdir(parents=True)
    (inbox / "a.xml").write_bytes(despatch(order, [Sent(order.line, 4)]))
    settings = make_settings(policy_dir=policies, warehouse_folder=tmp_path)
    monkeypatch.setattr(Settings, "from_environment", lambda: settings)
    monkeypatch.setattr(command, "prepare_process", lambda _settings: database)
    result = CliRunner().invoke(command.warehouse, ["--once"])
    assert result.exit_code == 0, result.output
    assert elsewhere.lots() == {"L26A01": 4}
    settings = make_settings(policy_dir=policies)
    result = CliRunner().invoke(command.warehouse, ["--once"])
    assert result.exit_code == 1
    assert "WAREHOUSE_FOLDER is missing" in result.output
