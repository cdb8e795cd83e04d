"""Patients, terms and use in the words of the prescriber's pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from flask_babel import gettext as _, lazy_gettext as _l, ngettext

from auth.models import Person
from core.clock import swedish_date
from orders.kinds import DeliveryMethod, PrescriptionStatus, ProductArea, ProductKind
from orders.models import Article, PrescriptionItem
from orders.renewal_models import RenewalRequest
from orders.unit_views import UnitItem
from portal.formats import day_with_year, day_without_year, number, number_word, ordinal

AREAS: Mapping[ProductArea, Any] = {
    ProductArea.DIABETES: _l("Diabetes"),
    ProductArea.STOMA: _l("Stoma"),
    ProductArea.INCONTINENCE: _l("Incontinence"),
    ProductArea.SPECIAL_NUTRITION: _l("Special nutrition"),
    ProductArea.NUTRITION: _l("Nutrition"),
}
WAYS: Mapping[DeliveryMethod, Any] = {
    DeliveryMethod.HOME_DELIVERY: _l("home"),
    DeliveryMethod.SERVICE_POINT: _l("to a service point"),
    DeliveryMethod.HEALTH_CENTRE: _l("to the patient's health centre"),
    DeliveryMethod.UNIT: _l("to your unit"),
}
# How many of a thing: what the patient counts in, where the field has a word for one.
_PIECES: Mapping[ProductKind, Callable[[int], str]] = {
    ProductKind.SENSOR: lambda count: ngettext("%(num)s sensor", "%(num)s sensors", count),
    ProductKind.PUMP: lambda count: ngettext("%(num)s pump", "%(num)s pumps", count),
    ProductKind.INFUSION_SET: lambda count: ngettext("%(num)s infusion set", "%(num)s infusion sets", count),
    ProductKind.TEST_STRIP: lambda count: ngettext("%(num)s strip", "%(num)s strips", count),
    ProductKind.METER: lambda count: ngettext("%(num)s meter", "%(num)s meters", count),
    ProductKind.PEN_NEEDLE: lambda count: ngettext("%(num)s pen needle", "%(num)s pen needles", count),
    ProductKind.LANCET: lambda count: ngettext("%(num)s lancet", "%(num)s lancets", count),
}


def pieces(article: Article, packages: int) -> str:
    """Write packages in what the patient counts in: "6 sensors", "60 bottles"."""
    return counted_pieces(article, packages * article.package_size)


def counted_pieces(article: Article, count: int) -> str:
    """Write a number of pieces of an article."""
    if article.kind in _PIECES:
        return _PIECES[article.kind](count).replace(" ", "\N{NO-BREAK SPACE}", 1)
    # Translators: short for "pieces", as in "200 pcs".
    unit = _("pcs") if article.unit == "st" else article.unit
    return f"{number(count)}\N{NO-BREAK SPACE}{unit}"


def terms_sentence(article: Article, packages: int, days: int, orders: int, until: date) -> str:
    """Write a prescription's terms as they are said: "6 sensors every 84th day, four times, until 30 November 2027"."""
    every = _("every day") if days == 1 else _("every %(nth)s day", nth=ordinal(days))
    times = _("once") if orders == 1 else _("%(number)s times", number=number_word(orders))
    return _(
        "%(amount)s %(every)s, %(times)s, until %(day)s",
        amount=pieces(article, packages),
        every=every,
        times=times,
        day=day_with_year(until),
    )


def item_terms(item: PrescriptionItem) -> str:
    """Write how much an item gives and how long that should last."""
    amount = pieces(item.article, item.packages_per_order)
    return ngettext("%(amount)s for %(num)s day", "%(amount)s for %(num)s days", item.days_per_order, amount=amount)


def patient_name(person: Person) -> str:
    """Return what to call a patient on these pages: with protected identity the name that is nobody's, never their own."""
    if person.is_protected:
        return person.alias or _("Protected identity")
    return person.full_name or _("Name unknown")


def patient_number(person: Person) -> str:
    """Return the personal number; of a protected one only the end, enough to tell two patients of a unit apart."""
    if person.is_protected:
        return _("number ending in %(digits)s", digits=person.number[-4:])
    return f"{person.number[:-4]}-{person.number[-4:]}"


def status(shown: UnitItem, today: date) -> tuple[str, str]:
    """Return the state of an item in a word or two, and its tone."""
    item = shown.item
    if item.stopped_at is not None:
        return _("Stopped"), "neutral"
    if item.status is PrescriptionStatus.CANCELLED:
        return _("Cancelled"), "neutral"
    if item.status is PrescriptionStatus.EXPIRED or item.last_valid_date < today:
        return _("Has expired"), "attention"
    if item.status is PrescriptionStatus.DELIVERED or item.orders_remaining == 0:
        return _("All withdrawals used"), "attention"
    return _("In force"), "success"


def asked_on(request: RenewalRequest) -> str:
    """Return the day on which somebody asked."""
    return day_without_year(swedish_date(request.asked_at))


def withdrawals(item: PrescriptionItem) -> str:
    """Say how many withdrawals are left."""
    return ngettext(
        "%(left)s of %(num)s withdrawal left",
        "%(left)s of %(num)s withdrawals left",
        item.orders_allowed,
        left=item.orders_remaining,
    )


_SHARES: tuple[tuple[int, Any], ...] = (
    (3, _l("Has withdrawn almost nothing of what is prescribed.")),
    (14, _l("Has withdrawn a tenth of what is prescribed.")),
    (22, _l("Has withdrawn a fifth of what is prescribed.")),
    (29, _l("Has withdrawn a fourth of what is prescribed.")),
    (42, _l("Has withdrawn a third of what is prescribed.")),
    (58, _l("Has withdrawn half of what is prescribed.")),
    (71, _l("Has withdrawn two thirds of what is prescribed.")),
    (90, _l("Has withdrawn three fourths of what is prescribed.")),
    (110, _l("Withdraws about as much as is prescribed.")),
)


def use_sentence(shown: UnitItem) -> str:
    """Say how what was withdrawn compares with what is prescribed; empty while nothing can be said."""
    use = shown.use
    if use.percent is None:
        is_untouched = use.first_on is None and shown.item.orders_remaining == shown.item.orders_allowed
        return _("Nothing has been withdrawn yet.") if is_untouched else ""
    for most, words in _SHARES:
        if use.percent <= most:
            return str(words)
    return _("Has withdrawn %(percent)s percent of what is prescribed.", percent=number(use.percent))


def runs_out(shown: UnitItem) -> str:
    """Say when the patient needs a renewal, and why then."""
    if shown.used_up_on < shown.ends_on:
        return _("The withdrawals last until about %(day)s.", day=day_with_year(shown.used_up_on))
    return _("The prescription ends on %(day)s.", day=day_with_year(shown.ends_on))
