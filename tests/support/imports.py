"""Files to import, and how tests import them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from auth.identity import system_identity
from core.db import Base, Database
from core.importing import Outcome
from orders.models import PrescriptionItem
from tests.support.builders import number_text

NUMBER = number_text(date(1979, 4, 12), 2)
OTHER = number_text(date(1950, 1, 27), 4)
CHILD = number_text(date(2017, 8, 3), 6)
Importer = Callable[..., Outcome]

PERSONS = (
    "number,given_name,family_name,street,postal_code,city,phone,county_code,protection,deceased_on,guardian_numbers\n"
    f"{NUMBER},Anna,Lindvik,Gatan 1,54130,Skövde,070,14,NONE,,\n"
    f"{OTHER},Gunilla,Storhed,Gatan 2,54130,Skövde,071,14,NONE,,\n"
    f"{CHILD},Alva,Lindvik,Gatan 1,54130,Skövde,,14,NONE,,{NUMBER}\n"
)
ARTICLES = (
    "article_no,name,package_size,product_area,kind,gtin,generic_article_no,successor_no,is_orderable,supplier_no,supplier_name\n"
    "21001,Sensor 14,1,DIABETES,SENSOR,,,,yes,101,Fjord AB\n"
    "21002,Sensor 7,1,DIABETES,SENSOR,,,21001,no,101,Fjord AB\n"
    "23101,Stickor,50,DIABETES,TEST_STRIP,,,,yes,,\n"
    "51000,Dryck,1,DIABETES,NUTRITION,,,,yes,,\n"
    "51001,Dryck choklad,1,DIABETES,NUTRITION,,51000,,yes,,\n"
    "51002,Dryck vanilj,1,DIABETES,NUTRITION,,51000,,yes,,\n"
)
TABLE = (
    "number,source,prescription_id,item_id,article_no,orders_allowed,orders_remaining,packages_per_order,last_valid_date,"
    "prescriber_id,prescriber_name,unit_id,unit_name\n"
    f"{NUMBER},TABELL,P,1,21001,4,4,6,2027-05-01,X,Karin,SE2321000131-E000000000901,Mottagningen\n"
    f"{NUMBER},TABELL,P,2,23101,4,4,2,2027-05-01,X,Karin,SE2321000131-E000000000901,Mottagningen\n"
    f"{OTHER},TABELL,P,1,23101,4,4,2,2027-05-01,X,Karin,SE2321000131-E000000000901,Mottagningen\n"
)


def run(database: Database, importer: Importer, raw: str | bytes, **options: Any) -> Outcome:
    encoded = raw if isinstance(raw, bytes) else raw.encode()
    with database.unit_of_work() as session:
        return importer(session, system_identity("vgr", "import"), encoded, **options)


def everything(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table, as PostgreSQL has them."""
    with database.engine.connect() as connection:
        return {
            table.name: sorted(tuple(row) for row in connection.execute(text(f'SELECT t::text FROM "{table.name}" t')))  # noqa: S608
            for table in Base.metadata.sorted_tables
        }


def tallies(outcome: Outcome) -> tuple[int, int, int, int, int]:
    return outcome.added, outcome.changed, outcome.unchanged, outcome.cancelled, len(outcome.refused)


def the_item(session: Session, number: str = "I1") -> PrescriptionItem:
    return session.scalars(
        select(PrescriptionItem).where(PrescriptionItem.external_id == number).execution_options(populate_existing=True)
    ).one()
