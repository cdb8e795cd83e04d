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
    SEE_COMPLAINTS = "see_complaints"
    DECIDE_COMPLAINT = "decide_complaint"
    FIND_ORDER = "find_order"
    READ_ACCESS_LOG = "read_access_log"
    RUN_IMPORT = "run_import"
    ROUTE_MESSAGES = "route_messages"


@dataclass(frozen=True)
class Rule:
    """The roles that a permission is for and, for people, the tasks of which one must be theirs for the subject.

    Where relations are named, the person must also stand to the subject in one of them.
    """

    roles: frozenset[Role]
    tasks: frozenset[Task] = frozenset()
    relations: frozenset[Relation] = frozenset()


def _people(*tasks: Task) -> Rule:
    return Rule(frozenset({Role.PATIENT}), frozenset(tasks))


def _self_or_guardian(*tasks: Task) -> Rule:
    return Rule(frozenset({Role.PATIENT}), frozenset(tasks), frozenset({Relation.SELF, Relation.GUARDIAN}))


def _themselves() -> Rule:
    return Rule(frozenset({Role.PATIENT}), ALL_TASKS, frozenset({Relation.SELF}))


def _staff(*roles: Role) -> Rule:
    return Rule(frozenset(roles))


TABLE: Mapping[Permission, Rule] = {
    Permission.SEE_PRODUCTS: _people(Task.ORDER),
    Permission.PLACE_ORDER: _people(Task.ORDER),
    Permission.CANCEL_ORDER: _people(Task.ORDER),
    Permission.SEE_ORDERS: _people(Task.ORDER, Task.VIEW_HISTORY),
    Permission.REPORT_FAULT: _people(Task.REPORT_FAULTS),
    Permission.SEE_OWN_CASES: _people(Task.REPORT_FAULTS),
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
    Permission.SEE_COMPLAINTS: _staff(Role.CONSULTANT),
    Permission.DECIDE_COMPLAINT: _staff(Role.CONSULTANT),
    Permission.FIND_ORDER: _staff(Role.CUSTOMER_SERVICE),
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
