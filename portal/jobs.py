"""What happens with each kind of outbox message, and the one job that RQ runs."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from core import outbox
from core.crypto import use_keyring
from core.db import Database
from core.logs import configure_logging
from delivery import routing
from delivery.complaints import recall_replacing, recall_stops, recall_telling
from delivery.complaints.claim_sending import chase_late
from delivery.complaints.drafts import delete_old_drafts
from delivery.complaints.incident_watch import watch_incidents
from delivery.complaints.routing import route_fault_report
from delivery.complaints.signals import look_at_lots
from delivery.expected import update_expected
from delivery.news import tell_patients
from delivery.protection import hide_person
from delivery.shortage import back_order_unserved
from delivery.tracking import take_early
from delivery.warehouse_orders import prepare_order
from orders.reminders import continue_reminders
from orders.stopping import stop_orders_of_deceased
from portal import carriers
from portal.adapters.carriers import carriers_of
from portal.adapters.contract_source import contract_source_of
from portal.adapters.couriers import couriers_of, mail_with_files_of
from portal.adapters.warehouse import warehouse_of
from portal.alerts import alert_consultants
from portal.claim_mail import chase_claim, send_claim, use_pack_mail
from portal.config import Settings
from portal.prescriptions import Prescriptions, look_for_awaited, look_for_order, use_prescriptions
from portal.regions import serve_regions
from portal.telling import tell_of_message, use_couriers
from portal.warehouse import send_order, use_warehouse

HANDLERS: Mapping[str, outbox.Handler] = {
    "order.placed": routing.route_order,
    "order.cancelled": routing.drop_order,
    "stock.received": routing.release_back_orders,
    "back_orders.expected": update_expected,
    "depot_order.unserved": back_order_unserved,
    "fault.reported": route_fault_report,
    "complaint.alert": alert_consultants,
    "signals.look": look_at_lots,
    "incidents.watch": watch_incidents,
    "claim.send": send_claim,
    "claim.chase": chase_claim,
    "claims.due": chase_late,
    "recall.opened": recall_stops.find_work_to_stop,
    "recall.stop": recall_stops.stop_work,
    "recall.undone": recall_stops.let_work_go_on,
    "recall.despatched": recall_stops.add_despatched,
    "recall.tell": recall_telling.tell_batch,
    "recall.replace": recall_replacing.replace_batch,
    "recall.replace_one": recall_replacing.replace_for,
    "warehouse.order": prepare_order,
    "warehouse.send": send_order,
    "parcel.packed": carriers.want_booking,
    "parcel.shipped": take_early,
    "carrier.book": carriers.book,
    "carrier.cancel": carriers.cancel,
    "carrier.track": carriers.ask,
    "person.died": stop_orders_of_deceased,
    "person.protected": hide_person,
    "message.posted": tell_of_message,
    "reminders.due": continue_reminders,
    "news.tell": tell_patients,
    "drafts.clean": delete_old_drafts,
    "registrations.due": look_for_awaited,
    "registration.look": look_for_order,
}

log = logging.getLogger("portal.jobs")
_database: Database | None = None


def prepare_process(settings: Settings) -> Database:
    """Give this process its log, keys, policies, ways out and database."""
    configure_logging(settings.log_level)
    use_keyring(settings.keyring)
    policies = serve_regions(settings)
    use_couriers(couriers_of(settings))
    use_pack_mail(mail_with_files_of(settings))
    use_warehouse(warehouse_of(settings, policies))
    carriers.use_carriers(carriers_of(settings))
    database = Database(settings.database_url)
    use_prescriptions(Prescriptions(database, contract_source_of(settings)))
    return database


def handle_message(message_id: int) -> None:
    """Handle one outbox message, whichever process runs it; the effect and its done-mark commit together.

    A failure is written on the message, which is tried again later and is dead after `core.outbox.MAX_ATTEMPTS`.
    """
    global _database
    if _database is None:
        _database = prepare_process(Settings.from_environment())
    run_message(_database, message_id)


def run_message(database: Database, message_id: int) -> bool:
    """Handle one message with this database; False when it was done already or failed."""
    try:
        with database.unit_of_work() as session:
            return outbox.handle(session, message_id, HANDLERS)
    except Exception as problem:
        # The type alone: a message may quote the values that it choked on.
        error = type(problem).__name__
        log.exception("message failed", extra={"message_id": message_id, "error": error})
        with database.unit_of_work() as session:
            is_dead = outbox.record_failure(session, message_id, error)
        if is_dead:
            log.critical(
                "message is dead: look at it with 'portal outbox', then revive it", extra={"message_id": message_id}
            )
        return False
