"""Where everybody belongs: the page that each role begins at."""

from __future__ import annotations

from auth.identity import Role
from auth.permissions import Permission, permits
from portal.security import SignedIn

_STAFF_HOMES = {
    Role.DEPOT: "depot.today",
    Role.CONSULTANT: "consultant.board",
    Role.CUSTOMER_SERVICE: "service.find",
    Role.PRESCRIBER: "prescriber.start",
    Role.AUDITOR: "audit.log",
    Role.COST_RESPONSIBLE: "payers.basis",
}


def home_endpoint(user: SignedIn) -> str:
    """Return the endpoint that somebody who is signed in begins at."""
    if user.commission is not None and not user.is_in_call:
        return _STAFF_HOMES.get(user.identity.role, "public.start")
    if permits(user.identity, Permission.SEE_PRODUCTS):
        return "patient.products"
    if permits(user.identity, Permission.REPORT_FAULT):
        return "faults.choose"
    if permits(user.identity, Permission.SEE_ORDERS):
        return "patient.orders"
    return "public.start"
