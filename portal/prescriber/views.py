"""What needs the unit, its patients, and finding somebody else's patient in the region."""

from __future__ import annotations

from datetime import date

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from auth.numbers import MalformedNumber, PersonNumber, parse_number
from auth.permissions import Permission
from core.clock import today
from core.errors import NotFound
from core.idempotency import new_key
from core.policy import policy_of
from delivery.complaints.recall_readers import recalls_of_unit
from delivery.unit_parcels import parcels_to_unit
from orders.policy import PrescribingPolicy
from orders.prescribing_errors import ReasonMissing
from orders.source.policy import source_of
from orders.unit_access import find_patient
from orders.unit_queries import needs_you, unit_patients
from portal import recall_words
from portal.pictures import PICTURES
from portal.prescriber import words
from portal.prescriber.blueprint import blueprint
from portal.prescriber.forms import FindPatientForm, SearchForm
from portal.prescriber.offers import offer_of
from portal.prescriber.parcel_words import parcel_words
from portal.security import current_identity, require_signed_in, requires, unit_of_work

MOST_PAGES = 10_000


@blueprint.get("/prescriber")
@requires(Permission.SEE_UNIT_PATIENTS)
def start() -> ResponseReturnValue:
    """What waits for the unit, the most pressing first."""
    user = require_signed_in()
    assert user.commission is not None
    with unit_of_work() as session:
        found = needs_you(session, user.identity)
        day = today(session)
        return render_template(
            "prescriber/start.html",
            kept_elsewhere=source_of(user.identity.region).lives_elsewhere,
            unit_name=user.commission.unit.name,
            found=found,
            recalls=recalls_of_unit(session, user.identity),
            recall_words=recall_words,
            # What is asked for stands among the questions already.
            ending=[shown for shown in found.ending if shown.open_request is None],
            offers={shown.item.id: offer_of(shown.item, day) for shown in found.requests},
            keys={shown.item.id: new_key() for shown in found.requests},
            parcels=[parcel_words(parcel, day) for parcel in parcels_to_unit(session, user.identity)],
            form=SearchForm(formdata=None),
            tell_days=policy_of(user.identity.region).section(PrescribingPolicy).tell_days_before_end,
            words=words,
            pictures=PICTURES,
            today=day,
        )


@blueprint.get("/prescriber/patients")
@requires(Permission.SEE_UNIT_PATIENTS)
def patients() -> ResponseReturnValue:
    """All patients of the unit, by name."""
    page = request.args.get("page", 1, type=int)
    return _patients(SearchForm(formdata=None), page=max(1, min(page, MOST_PAGES)))


@blueprint.post("/prescriber/patients")
@requires(Permission.SEE_UNIT_PATIENTS)
def search() -> ResponseReturnValue:
    """Those of the unit's patients whose name or number is searched for; sent as a form, so that neither stands in an address."""
    form = SearchForm()
    if not form.validate():
        return _patients(form), 422
    return _patients(form)


def _patients(form: SearchForm, page: int = 1) -> str:
    written = form.words.data or ""
    with unit_of_work() as session:
        day = today(session)
        number = _number(written, day)
        found = unit_patients(session, current_identity(), page, number, "" if number else written)
        return render_template(
            "prescriber/patients.html",
            found=found,
            form=form,
            searched=written,
            words=words,
            today=day,
            page_url=lambda wanted: url_for("prescriber.patients", page=wanted),
        )


def _number(written: str, day: date) -> PersonNumber | None:
    try:
        return parse_number(written, day)
    except MalformedNumber:
        return None


@blueprint.get("/prescriber/find")
@requires(Permission.PRESCRIBE)
def find() -> ResponseReturnValue:
    """Ask for the number of somebody in the region, and the reason."""
    return _find_page(FindPatientForm(formdata=None))


@blueprint.post("/prescriber/find")
@requires(Permission.PRESCRIBE)
def found() -> ResponseReturnValue:
    """Open the patient; neither number nor reason stands in an address, and both are in the access log."""
    form = FindPatientForm()
    if form.validate():
        try:
            with unit_of_work() as session:
                number = parse_number(form.number.data or "", today(session))
                person_id = find_patient(session, current_identity(), number, form.reason.data or "").id
        except MalformedNumber:
            form.explain_number()
        except ReasonMissing:
            form.explain_reason()
        except NotFound:
            form.explain_nobody()
        else:
            return redirect(url_for("prescriber.patient", person_id=person_id), 303)
    return _find_page(form), 422


def _find_page(form: FindPatientForm) -> str:
    return render_template("prescriber/find.html", form=form)
