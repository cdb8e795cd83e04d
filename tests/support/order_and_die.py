"""A process of its own that orders at a source and is killed there, as a machine that loses its power would be."""

from __future__ import annotations

import os
import signal
import sys
from datetime import datetime
from pathlib import Path

from sqlalchemy import select

from auth.models import Person
from core.clock import ManualClock
from core.crypto import use_keyring
from core.db import Database
from core.policy import Policies, use_policies
from orders.contract.writing import Values
from orders.models import PrescriptionItem
from orders.services import OrderLine, PlaceOrder
from orders.source.ports import Refused, Registered
from portal.adapters.contract_source import ContractSource
from portal.adapters.contract_source_file import read_contract_sources
from portal.prescriptions import Prescriptions
from tests.support.builders import patient_identity
from tests.support.settings import TEST_KEYRING

BEFORE, AFTER = "before", "after"
KEY = "the form of the one who died"


class DeadlySource(ContractSource):
    """The real way to the source; whoever orders by it dies before the order is sent, or when it has been answered."""

    when = BEFORE

    def register(self, region: str, order: Values) -> Registered | Refused:
        """Have the order registered, or not, and die."""
        if self.when == AFTER:
            super().register(region, order)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("nobody survives this")


def command_of(database: Database) -> PlaceOrder:
    """Return an order of the one item that there is, as its form sends it."""
    with database.session() as session:
        item = session.scalars(select(PrescriptionItem)).one()
        line = OrderLine(item.id, {item.article_id: item.packages_per_order}, item.orders_remaining)
    return PlaceOrder((line,), idempotency_key=KEY)


def main(url: str, folder: str, instant: str, person_id: str, when: str) -> None:
    """Read the person's prescriptions, order the one item, and die."""
    use_keyring(TEST_KEYRING)
    use_policies(Policies.load(Path(folder) / "policies"))
    database = Database(url, clock=ManualClock(datetime.fromisoformat(instant)))
    source = DeadlySource(read_contract_sources(Path(folder) / "sources.toml"))
    source.when = when
    prescriptions = Prescriptions(database, source)
    with database.session() as session:
        person = session.get_one(Person, int(person_id))
    prescriptions.refresh(person.region, person.id)
    prescriptions.place(patient_identity(person), command_of(database))


if __name__ == "__main__":
    main(*sys.argv[1:])
