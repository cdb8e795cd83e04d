"""Who pays for what is ordered: a pure rule, and the row that it is written on. Handbook §8."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from auth.models import Person, PersonCategory, Unit
from auth.relations import age_on
from core.policy import policy_of
from orders.kinds import PayerKind
from orders.policy import Budget, PayerPolicy


@dataclass(frozen=True)
class PayerFacts:
    """What decides who pays; cost centres are those of the prescribing unit and of the one that takes over from its 18-year-olds."""

    lives_elsewhere: bool
    county_code: str
    home_care_municipality: str
    age: int
    cost_centre: str
    adult_cost_centre: str | None


@dataclass(frozen=True)
class Payer:
    """Who pays, and by which code: a cost centre, a municipality's four digits, a county's two."""

    kind: PayerKind
    ref: str


def decide_payer(facts: PayerFacts, policy: PayerPolicy) -> Payer:
    """Return who pays for what is ordered now; the first that holds of handbook §8.

    The municipality of somebody in home care; the home region of somebody who lives elsewhere; the central budget; of clinics the adult
    one from the birthday on, where the children's clinic names one; else the prescribing unit.
    """
    if facts.home_care_municipality and policy.municipality_pays_home_care:
        return Payer(PayerKind.MUNICIPALITY, facts.home_care_municipality)
    if facts.lives_elsewhere:
        return Payer(PayerKind.HOME_REGION, facts.county_code)
    if policy.budget is Budget.CENTRAL:
        return Payer(PayerKind.CENTRAL, policy.central_cost_centre)
    if facts.adult_cost_centre is not None and facts.age >= policy.adult_unit_pays_from_age:
        return Payer(PayerKind.ADULT_UNIT, facts.adult_cost_centre)
    return Payer(PayerKind.UNIT, facts.cost_centre)


def payer_of(person: Person, unit: Unit, day: date) -> Payer:
    """Return who pays for what is ordered on `day` of what the unit has prescribed to the person."""
    facts = PayerFacts(
        lives_elsewhere=person.category is PersonCategory.OUT_OF_COUNTY,
        county_code=person.county_code,
        home_care_municipality=person.home_care_municipality,
        age=age_on(person.birth_date, day),
        cost_centre=unit.cost_centre,
        adult_cost_centre=unit.adult_unit.cost_centre if unit.adult_unit is not None else None,
    )
    return decide_payer(facts, policy_of(person.region).section(PayerPolicy))
