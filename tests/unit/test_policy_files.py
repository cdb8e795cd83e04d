"""The policy files: every region's is read whole at start, what is wrong is named, and the reference has every field."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import auth
import core
import delivery
import orders
from core.policy import Policies, PolicyProblem
from orders.policy import CustomerServicePolicy, OrderingPolicy
from portal.config import PACKAGED_POLICIES
from portal.regions import SECTIONS, default_region, load_policies
from tests.support.settings import make_settings

ROOT = Path(__file__).resolve().parents[2]
REGIONS = ("jamtland_harjedalen", "jonkoping", "norrbotten", "vastmanland", "vgr")
COUNTIES = {"vgr": "14", "jonkoping": "06", "norrbotten": "25", "jamtland_harjedalen": "23", "vastmanland": "19"}


def test_every_packaged_policy_is_usable() -> None:
    policies = load_policies(make_settings())
    assert policies.regions == REGIONS
    assert {region: policies.of(region).section(OrderingPolicy).county_code for region in REGIONS} == COUNTIES
    assert len({policies.of(region).section(CustomerServicePolicy).phone for region in REGIONS}) == len(REGIONS)


def test_every_section_that_a_package_declares_is_checked_at_start() -> None:
    declared = set()
    for package in (core, auth, orders, delivery):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            for value in vars(importlib.import_module(module.name)).values():
                if isinstance(value, type) and dataclasses.is_dataclass(value) and "SECTION" in vars(value):
                    declared.add(value)
    assert declared == set(SECTIONS)


def test_the_reference_has_every_field_with_its_default_and_no_other() -> None:
    text = (ROOT / "docs" / "ordering.md").read_text(encoding="utf-8")
    parts = re.split(r"^### `\[(\w+)\]`$", text, flags=re.MULTILINE)[1:]
    written = dict(zip(parts[::2], parts[1::2], strict=True))
    assert set(written) == {kind.SECTION for kind in SECTIONS}
    for kind in SECTIONS:
        rows = re.findall(r"^\| (\w+) \| [^|]+ \| ([^|]+) \| ([^|]+) \|$", written[kind.SECTION], flags=re.MULTILINE)
        documented = {name: default for name, default, _meaning in rows if name != "field"}
        assert documented == {item.name: _default(item) for item in dataclasses.fields(kind)}, kind.SECTION


def _default(item: dataclasses.Field[object]) -> str:
    value = item.default
    if value is dataclasses.MISSING:
        return "–"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "`[" + ", ".join(f'"{one}"' for one in value) + "]`"
    return f'`"{value}"`' if isinstance(value, str) else str(value)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (('county_code = "14"', ""), "[ordering] lacks county_code"),
        (('county_code = "14"', 'county_code = "144"'), "[ordering] county_code is not two digits"),
        (('"HOME_DELIVERY", "SERVICE_POINT"', '"DRONE"'), "[ordering] delivery_methods is not one of"),
        (('"HOME_DELIVERY", "SERVICE_POINT"', '"UNIT"'), "[ordering] delivery_methods names"),
        (('"HOME_DELIVERY", "SERVICE_POINT"', ""), "[ordering] delivery_methods names"),
        (("promise_working_days = 5", "promise_working_days = -5"), "[ordering] promise_working_days is below zero"),
        (("promise_working_days = 5", "promise_working_days = true"), "[ordering] promise_working_days has the wrong"),
        (('budget = "UNIT"', 'budget = "CENTRAL"'), "[payers] central_cost_centre is missing"),
        (('budget = "UNIT"', 'budgett = "UNIT"'), "[payers] has no field budgett"),
        (('pump_route = "SUPPLIER"', 'pump_route = "POST"'), "[complaints] pump_route is not one of"),
        (("[complaints]", "[complaint]"), "no section [complaint]"),
    ],
)
def test_a_wrong_file_stops_the_program_naming_file_section_and_field(
    tmp_path: Path, change: tuple[str, str], named: str
) -> None:
    text = (PACKAGED_POLICIES / "vgr.toml").read_text(encoding="utf-8")
    assert change[0] in text
    (tmp_path / "vgr.toml").write_text(text.replace(*change), encoding="utf-8")
    with pytest.raises(PolicyProblem) as problem:
        load_policies(make_settings(policy_dir=tmp_path))
    assert str(problem.value).startswith("vgr.toml: ")
    assert named in str(problem.value)


def test_an_installation_serves_the_regions_it_is_told_to() -> None:
    settings = make_settings(regions=("norrbotten", "jonkoping"))
    policies = load_policies(settings)
    assert policies.regions == ("jonkoping", "norrbotten")
    assert default_region(settings, policies) == "jonkoping"
    everything = Policies.load(PACKAGED_POLICIES)
    assert default_region(make_settings(), everything) == "vgr"
    assert default_region(make_settings(default_region="norrbotten"), everything) == "norrbotten"
    with pytest.raises(PolicyProblem, match="PORTAL_DEFAULT_REGION vgr"):
        load_policies(make_settings(regions=("norrbotten",), default_region="vgr"))
    with pytest.raises(PolicyProblem, match=r"no policy file gotland\.toml"):
        load_policies(make_settings(regions=("gotland",)))
