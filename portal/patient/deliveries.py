"""How an order comes, as the page shows it: one card per delivery, with what may be chosen of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from auth.models import Person, Unit
from core.policy import policy_of
from orders.addresses import is_registered_place, known_address, last_wishes, registered_address, usual_wish
from orders.deliveries import DeliveryProblem, Option, Terms, Trouble, check_wish, options_of, share_parcels
from orders.delivery_plans import common_terms, health_centre_of
from orders.kinds import DeliveryMethod, Notification
from orders.policy import OrderingPolicy
from orders.queries import Product
from orders.service_points import ServicePoint
from orders.wishes import HOME_WAY, DeliveryWish, HomeAddress, Way
from portal.delivery_reasons import explain_delivery
from portal.formats import phone_number
from portal.patient.delivery_forms import (
    NOTIFY_FIELDS,
    CollectForm,
    InvoiceForm,
    collect_form,
    field_of_problem,
    invoice_form,
    read_parcels,
    way_key,
    wished_ways,
)
from portal.patient.forms import AddressForm
from portal.patient.points import PointList


@dataclass
class Panel:
    """What is asked about one way; not shown while another way is chosen, but what was typed stays in it."""

    way: Way
    terms: Terms
    is_shown: bool
    form: AddressForm | CollectForm
    points: PointList | None = None
    units: tuple[Unit, ...] = ()

    @property
    def key(self) -> str:
        """The way as the form holds it."""
        return way_key(self.way)


@dataclass(frozen=True)
class DeliveryCard:
    """Products that travel together: how, and how else they all could; `bound` are those that can travel no other way."""

    number: int
    way: Way
    ways: tuple[Way, ...]
    products: tuple[Product, ...]
    bound: tuple[Product, ...]
    panels: tuple[Panel, ...]
    takes_invoice: bool

    @property
    def item_ids(self) -> str:
        """The products as the form holds them."""
        return " ".join(str(product.item.id) for product in self.products)

    @property
    def shown(self) -> Panel | None:
        """The panel of the way that is chosen, unless an earlier card has it."""
        return next((panel for panel in self.panels if panel.is_shown), None)


@dataclass(frozen=True)
class Deliveries:
    """All deliveries of the page.

    `strays` are products that cannot travel as the page showed; `was_changed` that a way was chosen which the page had not shown yet.
    `other_address` is where last time's parcel went, when that was not home; `uses_last` that it is the one shown.
    """

    cards: tuple[DeliveryCard, ...]
    address: AddressForm | None
    invoice: InvoiceForm | None
    strays: tuple[Product, ...] = ()
    was_changed: bool = False
    other_address: HomeAddress | None = field(default=None, repr=False)
    uses_last: bool = False
    troubles: tuple[str, ...] = ()

    @property
    def forms(self) -> tuple[AddressForm | CollectForm | InvoiceForm, ...]:
        """The forms in use, in the order of the page."""
        shown = [card.shown.form for card in self.cards if card.shown is not None]
        return (*shown, *((self.invoice,) if self.invoice is not None else ()))

    def validate(self, refused: Sequence[DeliveryProblem], wishes: Sequence[DeliveryWish]) -> None:
        """Put what is wrong beside the fields: by the rules, and by what the service said of the wishes."""
        for form in self.forms:
            if not (isinstance(form, InvoiceForm) and form.is_blank):
                form.validate()
        for card in self.cards:
            panel = card.shown
            if panel is not None and isinstance(panel.form, CollectForm):
                for problem in _problems(panel.form.wish(panel.way), panel.terms):
                    _put_beside(panel.form, problem, panel.form.wish(panel.way).notification)
        for problem in refused:
            self._put(problem, wishes)

    def _put(self, problem: DeliveryProblem, wishes: Sequence[DeliveryWish]) -> None:
        if problem.trouble is Trouble.NOT_OFFERED and problem.field in {"way", "point_id", "comment"}:
            return
        wish = wishes[problem.delivery]
        name = problem.field.removeprefix("invoice_")
        if problem.field.startswith("invoice") and self.invoice is not None:
            _add(self.invoice[name if name in self.invoice else "receiver"], problem)
            return
        panel = next((c.shown for c in self.cards if c.shown is not None and c.way == wish.way), None)
        if panel is None:
            return
        if isinstance(panel.form, AddressForm):
            _add(panel.form[name if name in panel.form else "street"], problem)
        else:
            _put_beside(panel.form, problem, wish.notification)


def _put_beside(form: CollectForm, problem: DeliveryProblem, notification: Notification | None) -> None:
    _add(form[field_of_problem(problem.field, problem.trouble, notification)], problem)


def _add(field_: object, problem: DeliveryProblem) -> None:
    said = explain_delivery(problem)
    errors = list(field_.errors)  # type: ignore[attr-defined]
    # The form may have said as much already.
    if not errors:
        field_.errors = [said]  # type: ignore[attr-defined]


def _problems(wish: DeliveryWish, terms: Terms) -> list[DeliveryProblem]:
    """What the rules say, the place and the notification each for themselves, so that both are told at once."""
    point = check_wish(
        replace(wish, notification=None), replace(terms, notifications=()), registered=_ANY, point_is_known=True
    )
    rest = check_wish(replace(wish, point_id=""), replace(terms, allows_choice_of_point=False), registered=_ANY)
    return [problem for problem in (point, rest) if problem is not None]


# Whether there is a registered address for a letter, the service says.
_ANY = HomeAddress("-", "-", "10000", "-")


def build_deliveries(
    session: Session, person: Person, products: Sequence[Product], typed: MultiDict[str, str] | None
) -> Deliveries:
    """Decide how products come: as typed, else as last time; nothing with protected identity. Two statements at most."""
    policy = policy_of(person.region).section(OrderingPolicy)
    options = {product.item.id: options_of(product.item, policy) for product in products}
    last = last_wishes(session, person)
    parcels = read_parcels(typed) if typed is not None else ()
    wished = wished_ways(parcels)
    ways = {item_id: tuple(option.way for option in found) for item_id, found in options.items()}
    kept = {item_id: way for item_id, way in wished.items() if way in ways.get(item_id, ())}
    rest = {item_id: possible for item_id, possible in ways.items() if item_id not in kept}
    preferred = tuple(dict.fromkeys((*kept.values(), *last)))
    for way, item_ids in share_parcels(rest, preferred).items():
        kept.update(dict.fromkeys(item_ids, way))
    groups: dict[Way, list[Product]] = {}
    for product in products:
        groups.setdefault(kept[product.item.id], []).append(product)
    makers = _PanelMaker(session, person, typed, last, options)
    cards = makers.cards(groups)
    address = makers.address
    invoice = _invoice(cards, last, typed)
    previous = last[HOME_WAY].address if HOME_WAY in last else None
    is_elsewhere = previous is not None and not is_registered_place(person, previous)
    return Deliveries(
        cards=cards,
        address=address,
        invoice=invoice,
        strays=tuple(
            product
            for product in products
            if product.item.id in wished and wished[product.item.id] != kept[product.item.id]
        ),
        was_changed=any(parcel.wished != parcel.shown for parcel in parcels),
        other_address=previous if is_elsewhere else None,
        uses_last=is_elsewhere and previous is not None and address is not None and _is_at(address, previous),
    )


def _is_at(form: AddressForm, address: HomeAddress) -> bool:
    return (form.street.data, form.postal_code.data) == (address.street, address.postal_code)


def _invoice(
    cards: Sequence[DeliveryCard], last: Mapping[Way, DeliveryWish], typed: MultiDict[str, str] | None
) -> InvoiceForm | None:
    if not any(card.takes_invoice for card in cards):
        return None
    begin = next((last[card.way].invoice for card in cards if card.way in last and card.takes_invoice), None)
    return invoice_form(typed, begin)


class _PanelMaker:
    """Makes each way's panel once: in the card that goes that way, else in the first that could."""

    def __init__(
        self,
        session: Session,
        person: Person,
        typed: MultiDict[str, str] | None,
        last: Mapping[Way, DeliveryWish],
        options: Mapping[int, Sequence[Option]],
    ) -> None:
        self._person, self._typed, self._last, self._options = person, typed, last, options
        self._known_points = _points_of(session, last)
        self.address: AddressForm | None = None

    def cards(self, groups: Mapping[Way, Sequence[Product]]) -> tuple[DeliveryCard, ...]:
        """One card per way in use."""
        made = set(groups)
        cards = []
        for number, (way, products) in enumerate(groups.items()):
            ways = self._ways_of_all(products)
            shown = [way, *(other for other in ways if other not in made)]
            made.update(ways)
            cards.append(
                DeliveryCard(
                    number,
                    way,
                    ways,
                    tuple(products),
                    tuple(product for product in products if len(self._options[product.item.id]) == 1),
                    tuple(self._panel(one, products, is_shown=one == way) for one in shown),
                    any(product.item.allow_other_invoice_address for product in products),
                )
            )
        return tuple(cards)

    def _ways_of_all(self, products: Sequence[Product]) -> tuple[Way, ...]:
        first, *others = [[option.way for option in self._options[product.item.id]] for product in products]
        return tuple(dict.fromkeys(way for way in first if all(way in other for other in others)))

    def _panel(self, way: Way, products: Sequence[Product], *, is_shown: bool) -> Panel:
        items = {product.item.id: product.item for product in products}
        terms = common_terms(items, self._options, way)
        wish = usual_wish(self._person, terms, self._last.get(way))
        if way.method is DeliveryMethod.HOME_DELIVERY:
            home = wish.address or known_address(self._person) or registered_address(self._person)
            form = AddressForm(formdata=self._typed, data=asdict(home))
            if is_shown:
                self.address = form
            return Panel(way, terms, is_shown, form)
        form_ = collect_form(way, self._typed, _begin(self._person, wish))
        points = None
        if terms.allows_choice_of_point:
            points = PointList(way, form_, self._person.postal_code, self._known_points.get(way))
        units = [health_centre_of(self._person, item.prescription.prescribing_unit) for item in items.values()]
        centres = tuple({unit.id: unit for unit in units}.values())
        return Panel(
            way,
            terms,
            is_shown,
            form_,
            points,
            centres if way.method is DeliveryMethod.HEALTH_CENTRE else (),
        )


def _begin(person: Person, wish: DeliveryWish) -> dict[str, str]:
    known = {"sms": person.phone, "email": person.email, "call": person.phone}
    if wish.notification is not None and wish.notification in NOTIFY_FIELDS:
        known[NOTIFY_FIELDS[wish.notification]] = phone_number(wish.notify_to)
    return {
        **known,
        "search": person.postal_code,
        "point": wish.point_id,
        "notification": wish.notification.value if wish.notification is not None else "",
        "contact_person": wish.contact_person,
        "comment": wish.comment,
    }


def _points_of(session: Session, last: Mapping[Way, DeliveryWish]) -> dict[Way, ServicePoint]:
    """The service points of last time: they are known even when their provider does not answer."""
    wanted = {(way.provider, wish.point_id): way for way, wish in last.items() if wish.point_id}
    if not wanted:
        return {}
    found = session.scalars(
        select(ServicePoint).where(tuple_(ServicePoint.provider, ServicePoint.point_id).in_(sorted(wanted)))
    )
    return {wanted[(point.provider, point.point_id)]: point for point in found}
