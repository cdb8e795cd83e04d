"""A unit with a store of its own, and orders for it."""

from __future__ import annotations

from itertools import count

from auth.identity import Identity, Role
from auth.models import Commission, Unit
from auth.persons import staff_identity
from orders.models import Article
from orders.store_orders import PlaceStoreOrder, place_store_order
from tests.support.builders import add_staff, add_unit
from tests.support.depot_work import World

_keys = count(1)


class Store:
    """A unit of the world's region that may order for itself, and somebody who works there."""

    def __init__(
        self, world: World, *, cost_centre: str = "77001", name: str = "Diabetesmottagningen Provstad"
    ) -> None:
        self.world = world
        with world.database.unit_of_work() as session:
            self.unit: Unit = add_unit(session, name)
            self.unit.store_cost_centre = cost_centre
            session.flush()
            self.nurse: Commission = add_staff(session, Role.PRESCRIBER, unit=self.unit, name="Sjuksköterska Prov")
            _ = self.nurse.unit, self.nurse.staff_member
            self.identity: Identity = staff_identity(self.nurse)

    def article(self, name: str = "Glukossensor", *, in_agreement: bool = True) -> Article:
        """Return a new article, of the agreement unless told otherwise."""
        article = self.world.article(name)
        with self.world.database.unit_of_work() as session:
            article = session.get_one(Article, article.id)
            article.agreement_no = "AVT-1" if in_agreement else ""
            session.flush()
        return article

    def order(self, wanted: dict[Article, int], key: str = "") -> str:
        """Order packages per article; return the order's number."""
        command = PlaceStoreOrder(
            {article.id: packages for article, packages in wanted.items()},
            idempotency_key=key or f"store-{next(_keys)}",
        )
        with self.world.database.unit_of_work() as session:
            return place_store_order(session, self.identity, command).order_no
