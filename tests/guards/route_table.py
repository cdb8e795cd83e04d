"""What every route needs; None is public. A new route is a line here, so that somebody has thought about it."""

from __future__ import annotations

from enum import StrEnum

from auth.permissions import Permission


class Visitor(StrEnum):
    """Who walks the routes."""

    NOBODY = "nobody"
    PATIENT = "patient"
    DEPOT = "depot"
    CONSULTANT = "consultant"
    CUSTOMER_SERVICE = "customer service"
    CALL = "customer service in a call"
    PRESCRIBER = "prescriber"
    AUDITOR = "auditor"
    COST_RESPONSIBLE = "cost responsible"


ROUTES: dict[str, Permission | None] = {
    "assets": None,
    "audit.log": Permission.READ_ACCESS_LOG,
    "consultant.board": Permission.SEE_COMPLAINTS,
    "consultant.case": Permission.SEE_COMPLAINTS,
    "consultant.refuse": Permission.DECIDE_COMPLAINT,
    "consultant.replace": Permission.DECIDE_COMPLAINT,
    "consultant.take": Permission.DECIDE_COMPLAINT,
    "depot.back_orders": Permission.SEE_DEPOT,
    "depot.delivered": Permission.SHIP,
    "depot.delivery_note": Permission.SHIP,
    "depot.finish": Permission.PICK,
    "depot.label": Permission.SHIP,
    "depot.pack": Permission.SHIP,
    "depot.packing": Permission.SHIP,
    "depot.parcel": Permission.SHIP,
    "depot.parcels": Permission.SHIP,
    "depot.pick": Permission.PICK,
    "depot.pick_again": Permission.PICK,
    "depot.pick_list": Permission.PICK,
    "depot.put_order_back": Permission.PICK,
    "depot.scan": Permission.PICK,
    "depot.ship": Permission.SHIP,
    "depot.short": Permission.PICK,
    "depot.start": Permission.PICK,
    "depot.start_next": Permission.PICK,
    "depot.stock": Permission.SEE_STOCK,
    "depot.take": Permission.PICK,
    "depot.tick": Permission.PICK,
    "depot.today": Permission.SEE_DEPOT,
    "depot.undo": Permission.PICK,
    "depot.undo_short": Permission.PICK,
    "depot.warehouse": Permission.SEE_DEPOT,
    "depot.warehouse_seen": Permission.SHIP,
    "depot.warehouse_send_again": Permission.SHIP,
    "depot.warehouse_stopped": Permission.SHIP,
    "faults.case": Permission.SEE_OWN_CASES,
    "faults.cases": Permission.SEE_OWN_CASES,
    "faults.choose": Permission.REPORT_FAULT,
    "faults.file": Permission.REPORT_FAULT,
    "faults.received": Permission.SEE_OWN_CASES,
    "faults.report": Permission.REPORT_FAULT,
    "health.alive": None,
    "health.ready": None,
    "login.callback": None,
    "login.jwks": None,
    "login.log_out": None,
    "login.show": None,
    "login.start": None,
    "own_log.download": Permission.SEE_WHO_LOOKED,
    "own_log.show": Permission.SEE_WHO_LOOKED,
    "patient.calendar": Permission.SEE_ORDERS,
    "patient.cancel": Permission.CANCEL_ORDER,
    "patient.inbox": Permission.READ_INBOX,
    "patient.message": Permission.READ_INBOX,
    "patient.order": Permission.SEE_ORDERS,
    "patient.orders": Permission.SEE_ORDERS,
    "patient.place": Permission.PLACE_ORDER,
    "patient.products": Permission.SEE_PRODUCTS,
    "patient.resume": Permission.PLACE_ORDER,
    "patient.review": Permission.PLACE_ORDER,
    "patient.switch_person": Permission.SWITCH_PERSON,
    "prescriber.choose": Permission.PRESCRIBE,
    "prescriber.decline": Permission.PRESCRIBE,
    "prescriber.extend": Permission.PRESCRIBE,
    "prescriber.find": Permission.PRESCRIBE,
    "prescriber.found": Permission.PRESCRIBE,
    "prescriber.item": Permission.SEE_UNIT_PATIENTS,
    "prescriber.look_over": Permission.PRESCRIBE,
    "prescriber.patient": Permission.SEE_UNIT_PATIENTS,
    "prescriber.patients": Permission.SEE_UNIT_PATIENTS,
    "prescriber.renew": Permission.PRESCRIBE,
    "prescriber.renew_as_before": Permission.PRESCRIBE,
    "prescriber.renewal": Permission.SEE_UNIT_PATIENTS,
    "prescriber.search": Permission.SEE_UNIT_PATIENTS,
    "prescriber.start": Permission.SEE_UNIT_PATIENTS,
    "prescriber.stop": Permission.PRESCRIBE,
    "prescriber.summary": Permission.PRESCRIBE,
    "prescriber.terms": Permission.PRESCRIBE,
    "payers.basis": Permission.SEE_PAYERS,
    "payers.download": Permission.SEE_PAYERS,
    "proxies.answer": Permission.ANSWER_APPOINTMENT,
    "proxies.appoint": Permission.APPOINT_PROXY,
    "proxies.show": Permission.SEE_PROXIES,
    "proxies.take_back": Permission.APPOINT_PROXY,
    "proxies.withdraw": Permission.ANSWER_APPOINTMENT,
    "public.accessibility": None,
    "public.set_language": None,
    "public.start": None,
    "renewals.ask": Permission.ASK_TO_RENEW,
    "renewals.send": Permission.ASK_TO_RENEW,
    "service.close_call": Permission.TAKE_CALL,
    "service.find": Permission.TAKE_CALL,
    "service.open_call": Permission.TAKE_CALL,
    "warehouse.receive": None,
}
