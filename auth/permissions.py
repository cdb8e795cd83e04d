"""The one permission table: who may do what, decided over an identity alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from auth.identity import ALL_TASKS, Identity, Relation, Role, Task
from core.errors import NotPermitted


class Permission(StrEnum):
    """Everything that somebody can be allowed to do."""

    SEE_PRODUCTS = "see_products"
    PLACE_ORDER = "place_order"
    CANCEL_ORDER = "cancel_order"
    SEE_ORDERS = "see_orders"
    REPORT_FAULT = "report_fault"
    SEE_OWN_CASES = "see_own_cases"
    READ_INBOX = "read_inbox"
    SEE_WHO_LOOKED = "see_who_looked"
    SWITCH_PERSON = "switch_person"
    SEE_PROXIES = "see_proxies"
    APPOINT_PROXY = "appoint_proxy"
    ANSWER_APPOINTMENT = "answer_appointment"
    SEE_DEPOT = "see_depot"
    PICK = "pick"
    SHIP = "ship"
    SEE_STOCK = "see_stock"
    RECEIVE_GOODS = "receive_goods"
    ADJUST_STOCK = "adjust_stock"
    SEE_COMPLAINTS = "see_complaints"
    DECIDE_COMPLAINT = "decide_complaint"
    ASSESS_INCIDENT = "assess_incident"
    CLAIM = "claim"
    READ_EXCHANGES = "read_exchanges"
    SEE_SIGNALS = "see_signals"
    RECALL = "recall"
    ANSWER_RECALL = "answer_recall"
    PHONE_ABOUT_RECALL = "phone_about_recall"
    PUBLISH_NEWS = "publish_news"
    READ_NEWS = "read_news"
    SEE_STATISTICS = "see_statistics"
    SEE_STORE = "see_store"
    ORDER_FOR_STORE = "order_for_store"
    TAKE_CALL = "take_call"
    CHANGE_ORDER = "change_order"
    ASK_TO_RENEW = "ask_to_renew"
    CHOOSE_SETTINGS = "choose_settings"
    SEE_UNIT_PATIENTS = "see_unit_patients"
    PRESCRIBE = "prescribe"
    SEE_PAYERS = "see_payers"
    EXPORT_PAYERS = "export_payers"
    READ_ACCESS_LOG = "read_access_log"
    RUN_IMPORT = "run_import"
    ROUTE_MESSAGES = "route_messages"


@dataclass(frozen=True)
class Rule:
    """The roles that a permission is for and the tasks of which one must be theirs for the subject.

    Where relations are named, they must also stand to the subject in one of them.
    """

    roles: frozenset[Role]
    tasks: frozenset[Task] = frozenset()
    relations: frozenset[Relation] = frozenset()


def _people(*tasks: Task) -> Rule:
    return Rule(frozenset({Role.PATIENT}), frozenset(tasks))


def _self_or_guardian(*tasks: Task) -> Rule:
    return Rule(frozenset({Role.PATIENT}), frozenset(tasks), frozenset({Relation.SELF, Relation.GUARDIAN}))


def _people_caller_or_contract(*tasks: Task) -> Rule:
    """As `_people_or_caller`, and a system that asks for the person by the national contract."""
    return Rule(frozenset({Role.PATIENT, Role.CUSTOMER_SERVICE, Role.CONTRACT}), frozenset(tasks))


def _people_or_caller(*tasks: Task) -> Rule:
    """People with one of the tasks, and customer service while the patient is on the phone."""
    return Rule(frozenset({Role.PATIENT, Role.CUSTOMER_SERVICE}), frozenset(tasks))


def _people_caller_or_care(*tasks: Task) -> Rule:
    """As `_people_or_caller`, and prescribers for a patient of their unit."""
    return Rule(frozenset({Role.PATIENT, Role.CUSTOMER_SERVICE, Role.PRESCRIBER}), frozenset(tasks))


def _themselves() -> Rule:
    return Rule(frozenset({Role.PATIENT}), ALL_TASKS, frozenset({Relation.SELF}))


def _staff(*roles: Role) -> Rule:
    return Rule(frozenset(roles))


TABLE: Mapping[Permission, Rule] = {
    Permission.SEE_PRODUCTS: _people_caller_or_contract(Task.ORDER),
    Permission.PLACE_ORDER: _people_caller_or_contract(Task.ORDER),
    Permission.CHANGE_ORDER: _people_or_caller(Task.ORDER),
    Permission.CANCEL_ORDER: _people_or_caller(Task.ORDER),
    Permission.ASK_TO_RENEW: _people_or_caller(Task.ORDER),
    Permission.SEE_ORDERS: _people_or_caller(Task.ORDER, Task.VIEW_HISTORY),
    Permission.REPORT_FAULT: _people_caller_or_care(Task.REPORT_FAULTS),
    Permission.SEE_OWN_CASES: _people_caller_or_care(Task.REPORT_FAULTS),
    Permission.CHOOSE_SETTINGS: _people(),
    Permission.READ_INBOX: _people(),
    Permission.SEE_WHO_LOOKED: _self_or_guardian(Task.VIEW_HISTORY),
    Permission.SWITCH_PERSON: _people(),
    Permission.SEE_PROXIES: _people(),
    Permission.APPOINT_PROXY: _themselves(),
    Permission.ANSWER_APPOINTMENT: _people(),
    Permission.SEE_DEPOT: _staff(Role.DEPOT),
    Permission.PICK: _staff(Role.DEPOT),
    Permission.SHIP: _staff(Role.DEPOT),
    Permission.SEE_STOCK: _staff(Role.DEPOT),
    Permission.RECEIVE_GOODS: _staff(Role.DEPOT),
    Permission.ADJUST_STOCK: _staff(Role.DEPOT),
    Permission.SEE_COMPLAINTS: _staff(Role.CONSULTANT),
    Permission.DECIDE_COMPLAINT: _staff(Role.CONSULTANT),
    Permission.ASSESS_INCIDENT: _staff(Role.CONSULTANT),
    Permission.CLAIM: _staff(Role.CONSULTANT),
    Permission.READ_EXCHANGES: _staff(Role.CONSULTANT),
    Permission.SEE_SIGNALS: _staff(Role.CONSULTANT),
    Permission.RECALL: _staff(Role.CONSULTANT),
    Permission.ANSWER_RECALL: _people_or_caller(Task.ORDER, Task.REPORT_FAULTS),
    Permission.PHONE_ABOUT_RECALL: _staff(Role.CONSULTANT, Role.CUSTOMER_SERVICE),
    Permission.PUBLISH_NEWS: _staff(Role.CONSULTANT),
    Permission.READ_NEWS: Rule(frozenset({Role.PATIENT, Role.PRESCRIBER, Role.CUSTOMER_SERVICE, Role.CONSULTANT})),
    Permission.SEE_STATISTICS: _staff(Role.CONSULTANT),
    Permission.SEE_STORE: _staff(Role.PRESCRIBER),
    Permission.ORDER_FOR_STORE: _staff(Role.PRESCRIBER),
    Permission.TAKE_CALL: _staff(Role.CUSTOMER_SERVICE),
    Permission.SEE_UNIT_PATIENTS: _staff(Role.PRESCRIBER),
    Permission.PRESCRIBE: _staff(Role.PRESCRIBER),
    Permission.SEE_PAYERS: _staff(Role.PRESCRIBER, Role.COST_RESPONSIBLE),
    Permission.EXPORT_PAYERS: _staff(Role.SYSTEM),
    Permission.READ_ACCESS_LOG: _staff(Role.AUDITOR),
    Permission.RUN_IMPORT: _staff(Role.SYSTEM),
    Permission.ROUTE_MESSAGES: _staff(Role.SYSTEM),
}


def permits(identity: Identity, permission: Permission) -> bool:
    """Tell whether the identity may; for people, whether it may for the subject it was built with."""
    rule = TABLE[permission]
    if identity.role not in rule.roles:
        return False
    if rule.relations and identity.relation not in rule.relations:
        return False
    return not rule.tasks or bool(rule.tasks & identity.tasks)


def require(identity: Identity, permission: Permission, *, region: str | None = None) -> None:
    """Raise NotPermitted unless the identity may, and unless what it acts on lies in its own region."""
    if not permits(identity, permission) or (region is not None and region != identity.region):
        raise NotPermitted
