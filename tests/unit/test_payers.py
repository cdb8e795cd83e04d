"""Who pays, for every combination that decides it; and sums to the öre. Handbook §8."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given, strategies

from delivery.complaints.policy import ComplaintRoute, ComplaintsPolicy, WarrantyStart
from delivery.payer_basis import Basis, BasisLine, total_of
from delivery.warranty import warranty_begins_on, warranty_ends_on
from orders.kinds import PayerKind, ProductKind
from orders.payers import Payer, PayerFacts, decide_payer
from orders.policy import Budget, PayerPolicy

ADULT = PayerFacts(
    lives_elsewhere=False,
    county_code="14",
    home_care_municipality="",
    age=40,
    cost_centre="10100",
    adult_cost_centre=None,
)
CENTRAL = PayerPolicy(budget=Budget.CENTRAL, central_cost_centre="90000")


@pytest.mark.parametrize(
    ("facts", "policy", "payer"),
    [
        (ADULT, PayerPolicy(), Payer(PayerKind.UNIT, "10100")),
        (replace(ADULT, home_care_municipality="1480"), PayerPolicy(), Payer(PayerKind.MUNICIPALITY, "1480")),
        (
            replace(ADULT, home_care_municipality="1480"),
            PayerPolicy(municipality_pays_home_care=False),
            Payer(PayerKind.UNIT, "10100"),
        ),
        (replace(ADULT, lives_elsewhere=True, county_code="05"), PayerPolicy(), Payer(PayerKind.HOME_REGION, "05")),
        (replace(ADULT, lives_elsewhere=True, county_code="05"), CENTRAL, Payer(PayerKind.HOME_REGION, "05")),
        (ADULT, CENTRAL, Payer(PayerKind.CENTRAL, "90000")),
        (replace(ADULT, age=17, adult_cost_centre="20200"), PayerPolicy(), Payer(PayerKind.UNIT, "10100")),
        (replace(ADULT, age=18, adult_cost_centre="20200"), PayerPolicy(), Payer(PayerKind.ADULT_UNIT, "20200")),
        (replace(ADULT, age=18, adult_cost_centre="20200"), CENTRAL, Payer(PayerKind.CENTRAL, "90000")),
        (
            replace(ADULT, age=18, adult_cost_centre="20200"),
            PayerPolicy(adult_unit_pays_from_age=21),
            Payer(PayerKind.UNIT, "10100"),
        ),
    ],
)
def test_who_pays(facts: PayerFacts, policy: PayerPolicy, payer: Payer) -> None:
    assert decide_payer(facts, policy) == payer


def test_every_combination_has_one_payer_and_the_first_that_holds_wins() -> None:
    seen = set()
    for elsewhere, care, age, adult, central in product(
        (False, True), ("", "1480"), (17, 18), (None, "20200"), (False, True)
    ):
        facts = replace(ADULT, lives_elsewhere=elsewhere, home_care_municipality=care, age=age, adult_cost_centre=adult)
        kind = decide_payer(facts, CENTRAL if central else PayerPolicy()).kind
        expected = (
            PayerKind.MUNICIPALITY
            if care
            else PayerKind.HOME_REGION
            if elsewhere
            else PayerKind.CENTRAL
            if central
            else PayerKind.ADULT_UNIT
            if adult and age == 18
            else PayerKind.UNIT
        )
        assert kind is expected
        seen.add(kind)
    # A unit's own store is ordered for by the unit, which pays: nothing is to be decided.
    assert seen == set(PayerKind) - {PayerKind.UNIT_STORE}


PRICES = strategies.none() | strategies.integers(0, 10**8).map(lambda ore: Decimal(ore) / 100)
LINES = strategies.lists(
    strategies.builds(
        BasisLine,
        payer=strategies.sampled_from(PayerKind),
        payer_ref=strategies.just("10100"),
        article_no=strategies.just("21001"),
        article=strategies.just("Sensor"),
        is_replacement=strategies.booleans(),
        packages=strategies.integers(1, 10_000),
        package_price=PRICES,
    ),
    max_size=60,
)


@given(LINES)
def test_sums_are_right_to_the_ore(lines: list[BasisLine]) -> None:
    ore = sum(int(line.package_price * 100) * line.packages for line in lines if line.package_price is not None)
    basis = Basis(date(2026, 12, 1), "10100", tuple(lines))
    assert basis.total * 100 == ore
    assert total_of(lines[::2]) + total_of(lines[1::2]) == basis.total
    assert basis.packages_without_price == sum(line.packages for line in lines if line.package_price is None)


def test_a_warranty_counts_whole_years_from_its_own_day() -> None:
    leaves = ComplaintsPolicy(warranty_starts=WarrantyStart.LEAVES_DEPOT)
    arrived, shipped = date(2026, 1, 10), date(2026, 3, 1)
    assert warranty_begins_on(arrived, shipped, leaves) == shipped
    assert warranty_begins_on(arrived, None, leaves) is None
    assert warranty_begins_on(arrived, shipped, ComplaintsPolicy()) == arrived
    assert warranty_ends_on(shipped, 4) == date(2030, 2, 28)
    assert warranty_ends_on(date(2028, 2, 29), 4) == date(2032, 2, 28)
    assert warranty_ends_on(date(2028, 2, 29), 1) == date(2029, 2, 28)


def test_consumables_are_always_replaced_by_the_depot() -> None:
    policy = ComplaintsPolicy(sensor_route=ComplaintRoute.SUPPLIER, pump_route=ComplaintRoute.CUSTOMER_SERVICE)
    routes = {kind: policy.route_of(kind) for kind in ProductKind}
    assert routes.pop(ProductKind.SENSOR) is ComplaintRoute.SUPPLIER
    assert routes.pop(ProductKind.PUMP) is ComplaintRoute.CUSTOMER_SERVICE
    assert set(routes.values()) == {ComplaintRoute.DEPOT_REPLACES}
