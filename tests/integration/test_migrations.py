"""The database's history leads to the models, and back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

import psycopg
import pytest
from alembic import command
from sqlalchemy import Connection, Engine, MetaData, create_engine, insert, text
from sqlalchemy.exc import IntegrityError

from portal.embedded.postgres import EmbeddedPostgres
from portal.migrations import alembic_config, migrate, newest_revision, revision_of


@pytest.fixture
def empty_database(postgres: EmbeddedPostgres) -> str:
    """A database that nobody has migrated."""
    name = "unmigrated"
    postgres.drop_database(name)
    postgres.create_database(name)
    return postgres.url(name)


def test_the_migrations_make_what_the_models_say(empty_database: str) -> None:
    migrate(empty_database)
    command.check(alembic_config(empty_database))


def test_a_database_can_be_taken_down_and_up_again(empty_database: str) -> None:
    engine = create_engine(empty_database)
    try:
        assert revision_of(engine) is None
        migrate(empty_database)
        assert revision_of(engine) == newest_revision()
        command.downgrade(alembic_config(empty_database), "base")
        with engine.connect() as connection:
            left = connection.execute(
                text(
                    "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
                    " AND relkind IN ('r', 'S') AND relname <> 'alembic_version'"
                )
            ).all()
            assert left == []
        migrate(empty_database)
        assert revision_of(engine) == newest_revision()
    finally:
        engine.dispose()


def test_a_migration_does_not_wait_for_a_busy_table(empty_database: str, postgres: EmbeddedPostgres) -> None:
    migrate(empty_database)
    with postgres.connect("unmigrated") as connection, connection.transaction():
        connection.execute("LOCK TABLE access_log")
        with pytest.raises(Exception, match="lock timeout") as refused:
            command.downgrade(alembic_config(empty_database), "base")
    assert isinstance(refused.value.__cause__, psycopg.errors.LockNotAvailable)


# One of each as revision 0001 keeps them; ids are counted from 1.
AT_0001: dict[str, dict[str, Any]] = {
    "person": {
        "region": "vgr",
        "number_root": "1.2.752.129.2.1.3.1",
        "number": b"\x01secret",
        "number_index": bytes(32),
        "birth_date": date(1960, 1, 1),
        "given_name": "Test",
        "family_name": "Testsson",
        "care_of": "",
        "street": "Provgatan 1",
        "postal_code": "54130",
        "city": "Skövde",
        "phone": "",
        "email": "",
        "door_code": "1234",
        "door_code_asked": True,
        "county_code": "14",
        "protection": "NONE",
        "language": "sv",
    },
    "unit": {
        "region": "vgr",
        "hsa_id": "SE2321000131-E900000000001",
        "name": "Diabetesmottagningen Provstad",
        "street": "Vårdvägen 2",
        "postal_code": "54185",
        "city": "Skövde",
        "phone": "",
        "cost_centre": "10100",
    },
    "article": {
        "region": "vgr",
        "article_no": "10001",
        "name": "Glukossensor",
        "plain_name": "",
        "variety": "",
        "package_size": 1,
        "unit": "st",
        "product_area": "DIABETES",
        "kind": "SENSOR",
        "is_orderable": True,
        "is_serialised": False,
        "agreement_no": "",
        "compatibility_group": "",
        "location": "A-01",
    },
    "prescription": {
        "region": "vgr",
        "source": "TEST",
        "external_id": "P1",
        "person_id": 1,
        "unit_id": 1,
        "prescriber_id": "SE2321000131-P000000000001",
        "prescriber_name": "Sjuksköterska Prov",
        "prescriber_title": "",
        "prescriber_code": "",
    },
    "prescription_item": {
        "prescription_id": 1,
        "external_id": "I1",
        "article_id": 1,
        "status": "ACTIVE",
        "orders_allowed": 4,
        "orders_used_here": 1,
        "orders_used_elsewhere": 0,
        "orders_remaining": 3,
        "packages_per_order": 6,
        "pieces_per_order": 6,
        "days_per_order": 84,
        "last_valid_date": date(2027, 6, 30),
        "allow_other_invoice_address": False,
        "imported_at": datetime(2026, 11, 1, tzinfo=UTC),
    },
    "delivery_alternative": {
        "prescription_item_id": 1,
        "method_id": "PN",
        "name": "Utlämningsställe",
        "method": "SERVICE_POINT",
        "provider": "POSTNORD",
        "allow_choice_of_delivery_points": True,
        "notifications": ["SMS"],
        "allow_delivery_comment": False,
        "allow_contact_person": True,
    },
    "order": {
        "order_no": "1000017",
        "region": "vgr",
        "person_id": 1,
        "placed_at": datetime(2026, 11, 20, 9, tzinfo=UTC),
        "channel": "WEB",
        "orderer_person_id": 1,
        "orderer_name": "Test Testsson",
        "by_delegate": False,
        "promised_date": date(2026, 11, 27),
    },
    "delivery_choice": {
        "order_id": 1,
        "method_id": "HOME",
        "method": "HOME_DELIVERY",
        "receiver": "Test Testsson",
        "care_of": "",
        "street": "Provgatan 1",
        "postal_code": "54130",
        "city": "Skövde",
        "door_code": "1234",
        "phone": "",
        "comment": "Ring på",
    },
    "withdrawal": {
        "order_id": 1,
        "prescription_item_id": 1,
        "packages": 6,
        "limit_packages": 6,
        "withdrawn_on": date(2026, 11, 20),
    },
    "order_row": {
        "order_id": 1,
        "delivery_choice_id": 1,
        "withdrawal_id": 1,
        "article_id": 1,
        "kind": "WITHDRAWAL",
        "packages": 6,
        "status": "SENT",
        "status_at": datetime(2026, 11, 21, tzinfo=UTC),
    },
}


# And what a complaint needs as revision 0002 keeps it.
AT_0002: dict[str, dict[str, Any]] = {
    "depot": {"region": "vgr", "unit_id": 1, "gs1_prefix": "7350000"},
    "lot": {"article_id": 1, "lot_no": "L1", "expires_on": date(2027, 12, 31), "status": "AVAILABLE"},
    "depot_order": {
        "region": "vgr",
        "depot_id": 1,
        "order_id": 1,
        "delivery_choice_id": 1,
        "part": 0,
        "status": "SHIPPED",
        "promised_date": date(2026, 11, 27),
        "created_at": datetime(2026, 11, 20, 9, tzinfo=UTC),
    },
    "pick_line": {
        "depot_order_id": 1,
        "order_row_id": 1,
        "article_id": 1,
        "packages": 6,
        "picked": 6,
        "short": 0,
        "use_until": date(2027, 2, 20),
    },
    "picked_lot": {
        "pick_line_id": 1,
        "lot_id": 1,
        "packages": 6,
        "picked_at": datetime(2026, 11, 20, 10, tzinfo=UTC),
        "scanned": True,
    },
    "serialised_unit": {
        "article_id": 1,
        "serial_no": "S1",
        "lot_id": 1,
        "status": "SHIPPED",
        "arrived_on": date(2026, 10, 1),
        "picked_lot_id": 1,
        "person_id": 1,
    },
    "parcel": {
        "depot_order_id": 1,
        "sscc": "373500000000000017",
        "carrier": "PostNord",
        "packed_at": datetime(2026, 11, 20, 11, tzinfo=UTC),
        "shipped_at": datetime(2026, 11, 20, 15, tzinfo=UTC),
    },
    "complaint": {
        "case_no": "100016",
        "region": "vgr",
        "person_id": 1,
        "article_id": 1,
        "lot_id": 1,
        "state": "RECEIVED",
        "has_red_flag": True,
        "received_at": datetime(2026, 11, 21, 8, tzinfo=UTC),
        "decline_reason": "",
    },
    "fault_report": {
        "complaint_id": 1,
        "picked_lot_id": 1,
        "reporter_person_id": 1,
        "reporter_name": "Test Testsson",
        "relation": "SELF",
        "call_on": "",
        "packages": 1,
        "kind": "STOPPED_WORKING",
        "description": "Slutade fungera",
        "error_code": "",
        "was_harmed": False,
        "has_danger_sign": True,
        "is_kept": True,
        "wants_replacement": True,
        "reported_at": datetime(2026, 11, 21, 8, tzinfo=UTC),
    },
    "complaint_event": {
        "complaint_id": 1,
        "at": datetime(2026, 11, 21, 8, tzinfo=UTC),
        "kind": "REPORTED",
        "text": "",
    },
}


def _fill(engine: Engine, contents: dict[str, dict[str, Any]]) -> None:
    tables = MetaData()
    tables.reflect(engine)
    with engine.begin() as connection:
        for name, values in contents.items():
            connection.execute(insert(tables.tables[name]), [values])


def _contents(connection: Connection, names: Iterable[str]) -> dict[str, dict[str, Any]]:
    return {
        name: connection.execute(text(f'SELECT to_jsonb(one) FROM "{name}" one')).scalar_one()  # noqa: S608
        for name in names
    }


def test_what_was_there_before_the_second_migration_is_there_after_it_and_after_going_back(empty_database: str) -> None:
    engine = create_engine(empty_database)
    try:
        migrate(empty_database, "0001")
        _fill(engine, AT_0001)
        with engine.connect() as connection:
            before = _contents(connection, AT_0001)
        migrate(empty_database, "0002")
        with engine.connect() as connection:
            after = _contents(connection, AT_0001)
        assert {name: {column: row[column] for column in before[name]} for name, row in after.items()} == before
        choice, item, row = after["delivery_choice"], after["prescription_item"], after["order_row"]
        assert (choice["provider"], choice["point_id"], choice["notification"], choice["superseded_at"]) == (
            "INGEN",
            "",
            None,
            None,
        )
        assert (item["orders_added"], item["extended_until"], item["stopped_at"], item["home_region_agreed"]) == (
            0,
            None,
            None,
            False,
        )
        assert (row["payer"], row["payer_ref"]) == (None, "")
        command.downgrade(alembic_config(empty_database), "0001")
        with engine.connect() as connection:
            assert _contents(connection, AT_0001) == before
    finally:
        engine.dispose()


def test_the_third_migration_keeps_what_was_there_and_says_what_the_reporter_may_read(empty_database: str) -> None:
    engine = create_engine(empty_database)
    everything = {**AT_0001, **AT_0002}
    try:
        migrate(empty_database, "0002")
        _fill(engine, everything)
        with engine.connect() as connection:
            before = _contents(connection, everything)
        migrate(empty_database, "0003")
        with engine.connect() as connection:
            after = _contents(connection, everything)
        assert {name: {column: row[column] for column in before[name]} for name, row in after.items()} == before
        case, report, order = after["complaint"], after["fault_report"], after["order"]
        assert (case["route"], case["triaged_at"], case["waiting_since"], case["closed_at"]) == (None, None, None, None)
        assert (report["answers"], report["stated_lot_no"]) == ({}, "")
        assert (order["unit_id"], after["order_row"]["recall_ref"]) == (None, None)
        assert (after["serialised_unit"]["is_recalled"], after["unit"]["store_cost_centre"]) == (False, "")
        # Until then everything in a timeline was written for the one who reported too.
        assert after["complaint_event"]["for_reporter"] is True
        command.downgrade(alembic_config(empty_database), "0002")
        with engine.connect() as connection:
            assert _contents(connection, everything) == before
    finally:
        engine.dispose()


@pytest.mark.parametrize(
    "called_back",
    ["UPDATE lot SET status = 'RECALLED'", "UPDATE serialised_unit SET is_recalled = true"],
    ids=["the lot", "the unit"],
)
def test_the_database_lets_nothing_recalled_leave_the_depot(empty_database: str, called_back: str) -> None:
    engine = create_engine(empty_database)
    try:
        migrate(empty_database)
        _fill(engine, {**AT_0001, **AT_0002})
        with engine.begin() as connection:
            connection.execute(text("UPDATE parcel SET shipped_at = NULL"))
            connection.execute(text(called_back))
        with pytest.raises(IntegrityError, match="recalled"), engine.begin() as connection:
            connection.execute(text("UPDATE parcel SET shipped_at = now()"))
        # A depot elsewhere tells what has left already: a fact to keep.
        with engine.begin() as connection:
            connection.execute(text("SET LOCAL portal.despatched_elsewhere = 'on'"))
            connection.execute(text("UPDATE parcel SET shipped_at = now()"))
    finally:
        engine.dispose()
