"""Where a region's prescriptions live: refused at boot when it cannot be. Handbook §13."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from core.policy import PolicyProblem
from orders.contract.names import V1, V2
from orders.source.policy import source_of
from portal.config import PACKAGED_POLICIES
from portal.regions import load_policies, serve_regions
from tests.support.settings import make_settings
from tests.support.source import SOURCE_ADDRESS, policies_elsewhere


def _with(folder: Path, source: str) -> Path:
    policies = folder / "policies"
    shutil.copytree(PACKAGED_POLICIES, policies)
    path = policies / "vgr.toml"
    kept = path.read_text(encoding="utf-8").partition("[contract]")[0]
    path.write_text(f"{kept}\n[source]\n{source}\n", encoding="utf-8")
    return policies


def test_prescriptions_live_here_unless_a_policy_says_otherwise(tmp_path: Path) -> None:
    serve_regions(make_settings())
    assert not source_of("vgr").lives_elsewhere
    serve_regions(make_settings(policy_dir=policies_elsewhere(tmp_path, more='version = "1.0"')))
    assert source_of("vgr").lives_elsewhere
    assert source_of("vgr").contract_version is V1
    assert not source_of("jonkoping").lives_elsewhere
    assert source_of("jonkoping").contract_version is V2


def test_a_region_that_answers_by_the_contract_does_not_ask_by_it(tmp_path: Path) -> None:
    policies = tmp_path / "policies"
    shutil.copytree(PACKAGED_POLICIES, policies)
    path = policies / "vgr.toml"
    kept = path.read_text(encoding="utf-8").partition("[contract]")[0]
    both = f'[contract]\nlogical_addresses = ["{SOURCE_ADDRESS}"]\n[source]\nlogical_address = "{SOURCE_ADDRESS}"\n'
    path.write_text(f"{kept}\n{both}", encoding="utf-8")
    with pytest.raises(PolicyProblem, match=r"vgr.*\[source\] and \[contract\] exclude each other"):
        load_policies(make_settings(policy_dir=policies))


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ('logical_address = "källan"', "no HSA-id"),
        ('version = "3.0"', "version is not one of"),
        ("patience_minutes = 4", "patience_minutes is below 5"),
        ("fresh_minutes = -1", "below zero"),
        ("minutes = 1", "has no field minutes"),
    ],
)
def test_what_a_source_could_not_be_asked_by_is_refused_at_boot(tmp_path: Path, source: str, problem: str) -> None:
    with pytest.raises(PolicyProblem, match=problem):
        load_policies(make_settings(policy_dir=_with(tmp_path, source)))
