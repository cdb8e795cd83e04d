"""Report a fault in two minutes on a phone: which product, what happened, receipt; then follow the case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l

from auth.permissions import Permission
from core.clock import today
from core.idempotency import new_key
from delivery.complaints.errors import ReportRefused
from delivery.complaints.models import Complaint, ComplaintEventKind
from delivery.complaints.own_cases import own_case, own_cases
from delivery.complaints.services import report_fault
from delivery.history import DeliveredProduct, delivered_product, delivered_products
from portal.complaint_words import FAULT_ICONS, FAULTS, STATES
from portal.formats import instant
from portal.parked_forms import take_parked_form
from portal.patient.faults.forms import FaultForm, default_answers
from portal.pictures import PICTURES
from portal.security import current_identity, require_signed_in, requires, unit_of_work

blueprint = Blueprint("faults", __name__)


@blueprint.get("/fault-reports/new")
@requires(Permission.REPORT_FAULT)
def choose() -> ResponseReturnValue:
    """Step 1: which product. The code on a delivery note leads here with its parcel."""
    parcel = request.args.get("parcel", "").replace("\x00", "").strip()[:40] or None
    with unit_of_work() as session:
        products = delivered_products(session, current_identity(), parcel_sscc=parcel)
        is_unknown = parcel is not None and not products
        if is_unknown:
            products = delivered_products(session, current_identity())
        return render_template(
            "patient/faults/choose.html",
            products=products,
            parcel=None if is_unknown else parcel,
            parcel_is_unknown=is_unknown,
            pictures=PICTURES,
        )


@blueprint.get("/fault-reports/new/<int:picked_lot_id>")
@requires(Permission.REPORT_FAULT)
def report(picked_lot_id: int) -> ResponseReturnValue:
    """Step 2: what happened; shows again what was typed before a session timed out."""
    user = require_signed_in()
    with unit_of_work() as session:
        product = delivered_product(session, user.identity, picked_lot_id)
        # In a call the patient's own number is there to begin with; the caller says which it should be.
        phone = user.subject.phone if user.is_in_call else user.person.phone if user.person else ""
        form = FaultForm.for_product(
            product,
            may_be_called=_may_be_called(),
            in_call=user.is_in_call,
            formdata=take_parked_form(request.path),
            data=default_answers(today(session), phone),
        )
        return _show_form(product, form)


@blueprint.post("/fault-reports/new/<int:picked_lot_id>")
@requires(Permission.REPORT_FAULT)
def file(picked_lot_id: int) -> ResponseReturnValue:
    """File the report, or show what has to be corrected with everything that was typed."""
    with unit_of_work() as session:
        product = delivered_product(session, current_identity(), picked_lot_id)
    in_call = require_signed_in().is_in_call
    form = FaultForm.for_product(product, may_be_called=_may_be_called(), in_call=in_call)
    if form.validate():
        try:
            with unit_of_work() as session:
                key = request.form.get("idempotency_key") or new_key()
                complaint = report_fault(session, current_identity(), form.command(product, key))
        except ReportRefused as refused:
            form.explain(refused)
        else:
            return redirect(url_for("faults.received", case_no=complaint.case_no), 303)
    return _show_form(product, form), 422


def _may_be_called() -> bool:
    user = require_signed_in()
    return not user.subject.is_protected and (user.person is None or not user.person.is_protected)


def _show_form(product: DeliveredProduct, form: FaultForm) -> str:
    key = request.form.get("idempotency_key") or new_key()
    icons = {kind.value: icon for kind, icon in FAULT_ICONS.items()}
    return render_template(
        "patient/faults/report.html", product=product, form=form, key=key, icons=icons, pictures=PICTURES
    )


@blueprint.get("/fault-reports/<string:case_no>/received")
@requires(Permission.SEE_OWN_CASES)
def received(case_no: str) -> ResponseReturnValue:
    """Step 3: the receipt."""
    with unit_of_work() as session:
        return render_template("patient/faults/received.html", case=own_case(session, current_identity(), case_no))


@blueprint.get("/fault-reports")
@requires(Permission.SEE_OWN_CASES)
def cases() -> ResponseReturnValue:
    """The subject's cases, newest first."""
    with unit_of_work() as session:
        found = own_cases(session, current_identity())
        return render_template("patient/faults/cases.html", cases=found, states=STATES, pictures=PICTURES)


@blueprint.get("/fault-reports/<string:case_no>")
@requires(Permission.SEE_OWN_CASES)
def case(case_no: str) -> ResponseReturnValue:
    """One case in plain words: what was said, what has been decided, what happens next."""
    with unit_of_work() as session:
        found = own_case(session, current_identity(), case_no)
        return render_template(
            "patient/faults/case.html", case=found, faults=FAULTS, states=STATES, happened=_happened(found.complaint)
        )


_HAPPENED: Mapping[ComplaintEventKind, Any] = {
    ComplaintEventKind.REPORTED: _l("You sent the report"),
    ComplaintEventKind.ROUTED: _l("A product consultant has it to read"),
    ComplaintEventKind.OPENED: _l("A product consultant is reading it"),
    ComplaintEventKind.REPLACED: _l("A new product was ordered for you"),
    ComplaintEventKind.DECLINED: _l("The answer was no"),
}


def _happened(complaint: Complaint) -> list[dict[str, str]]:
    """The case's way in the reporter's words, newest first; who at work did what is not for this page."""
    happened = _HAPPENED
    if complaint.report.reporter_staff_id is not None:
        happened = {**_HAPPENED, ComplaintEventKind.REPORTED: _l("Customer service wrote down your report")}
    return [{"when": instant(event.at), "title": str(happened[event.kind])} for event in reversed(complaint.events)]
