"""Products, amounts and addresses in words: what the patient's templates show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from babel.numbers import format_decimal
from flask_babel import get_locale, gettext as _, ngettext

from auth.models import Person
from orders.addresses import HomeAddress, registered_address
from orders.models import Article
from orders.queries import Product
from portal.formats import postal_code, short_day
from portal.patient.forms import AddressForm
from portal.pictures import PICTURES as PICTURES
from portal.reasons import Explanation, explain_verdict


@dataclass(frozen=True)
class Supply:
    """How long what the patient has should last; the two numbers draw the bar."""

    days_left: int
    days_total: int
    words: str


@dataclass(frozen=True)
class ProductCard:
    """One product of the list."""

    product: Product
    item_id: int
    title: str
    amount: str
    picture: str
    supply: Supply | None
    withdrawals: str
    spread: str
    explanation: Explanation
    unit_name: str
    unit_phone: str

    @property
    def unit_phone_link(self) -> str:
        """The unit's number as a telephone link has it."""
        return "".join(character for character in self.unit_phone if character.isdigit() or character == "+")


def product_card(product: Product, today: date) -> ProductCard:
    """Put one product into words."""
    item = product.item
    unit = item.prescription.prescribing_unit
    return ProductCard(
        product=product,
        item_id=item.id,
        title=item.article.display_name,
        amount=pieces_text(item.packages_per_order, item.article),
        picture=PICTURES[item.article.kind],
        supply=_supply(product, today),
        withdrawals=withdrawals_text(item.orders_remaining, item.orders_allowed),
        spread=_spread(product),
        explanation=explain_verdict(product.verdict, item),
        unit_name=unit.name,
        unit_phone=unit.phone,
    )


def number(value: int) -> str:
    """Write a whole number as the reader's language does."""
    return format_decimal(value, locale=get_locale() or "sv")


def pieces_text(packages: int, article: Article) -> str:
    """Write an amount in the pieces that the patient counts in: "200 st"."""
    return pieces_count(packages * article.package_size, article)


def pieces_count(pieces: int, article: Article) -> str:
    """Write a number of pieces with their unit."""
    return f"{number(pieces)}\N{NO-BREAK SPACE}{unit_word(article.unit)}"


def unit_word(unit: str) -> str:
    """Return the unit that pieces are counted in."""
    # Translators: short for "pieces", as in "200 pcs".
    return _("pcs") if unit == "st" else unit


def withdrawals_text(remaining: int, allowed: int) -> str:
    """Say how many withdrawals are left."""
    return ngettext(
        "%(left)s of %(num)s withdrawal left", "%(left)s of %(num)s withdrawals left", allowed, left=remaining
    )


def greeting(person: Person, acts_for_another: bool) -> str:
    """Greet the reader by name, or by none with protected identity; name whom the page is about when it is another."""
    if acts_for_another:
        return _("Products for %(name)s", name=person.given_name)
    return _("Hello %(name)s", name=person.given_name) if person.given_name else _("Hello")


def _supply(product: Product, today: date) -> Supply | None:
    until = product.lasts_until
    if until is None:
        return None
    left = (until - today).days
    if left < 0:
        words = _("Should have run out %(day)s", day=short_day(until))
    elif left == 0:
        words = _("Runs out today")
    else:
        words = _("Lasts until about %(day)s", day=short_day(until))
    return Supply(max(0, left), max(1, product.supply_days, left), words)


def _spread(product: Product) -> str:
    names = {article.id: article.variety or article.display_name for article in product.item.sub_articles}
    parts = [f"{count} {names[article_id]}" for article_id, count in product.last_spread.items() if article_id in names]
    return ", ".join(parts)


def packages_count(packages: int) -> str:
    """Write a number of packages."""
    return ngettext("%(num)s package", "%(num)s packages", packages)


def limit_text(packages_per_order: int, article: Article) -> str:
    """Say how much the withdrawal gives at most, and what a package holds."""
    if article.package_size == 1:
        return _("At most %(amount)s", amount=pieces_text(packages_per_order, article))
    return ngettext(
        "At most %(num)s package of %(pieces)s",
        "At most %(num)s packages of %(pieces)s",
        packages_per_order,
        pieces=pieces_text(1, article),
    )


def spread_text(packages_per_order: int, article: Article) -> str:
    """Say how much there is to spread over the varieties, and what a package of them holds."""
    return ngettext(
        "Choose %(num)s package of %(pieces)s.",
        "Spread up to %(num)s packages of %(pieces)s as you like.",
        packages_per_order,
        pieces=pieces_text(1, article),
    )


def sum_text(chosen: int | str, packages_per_order: int) -> str:
    """Say how much of a withdrawal has been spread."""
    return _("%(chosen)s of %(all)s packages chosen", chosen=chosen, all=packages_per_order)


def too_many_texts() -> tuple[str, str]:
    """Say that a spread is over its limit, by one package and by more; the script puts the count where %d stands."""
    return _("You have chosen one package too many."), _("You have chosen %d packages too many.")


def address_lines(address: AddressForm) -> list[str]:
    """Return the address as it is read, line by line."""
    care_of = f"c/o {address.care_of.data}" if address.care_of.data else ""
    place = f"{postal_code(address.postal_code.data or '')} {address.city.data or ''}".strip()
    return [line for line in (address.receiver.data or "", care_of, address.street.data or "", place) if line]


def driver_lines(address: AddressForm, *, with_door_code: bool) -> list[str]:
    """Return what the driver is told beside the address: last time's is ordered again only when it can be seen."""
    told = (
        (address.door_code.label.text, address.door_code.data if with_door_code else ""),
        (address.phone.label.text, address.phone.data),
        (address.comment.label.text, address.comment.data),
    )
    return [f"{label}: {value}" for label, value in told if value]


def place_line(address: HomeAddress) -> str:
    """Write an address in one line, without whom it is for."""
    return f"{address.street}, {postal_code(address.postal_code)} {address.city}".strip()


def registered_line(person: Person) -> str:
    """Write the registered address in one line."""
    return place_line(registered_address(person))
