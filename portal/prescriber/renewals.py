"""Answering a patient's request to renew: yes as offered, yes with other terms, or no with a reason."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from auth.permissions import Permission
from core.clock import today
from core.errors import DomainError
from core.policy import policy_of
from orders.kinds import RenewalStatus
from orders.policy import PrescribingPolicy
from orders.prescribing import ExtendItem
from orders.prescribing_errors import AlreadyAnswered, PrescriptionRefused
from orders.prescribing_facts import is_kept_elsewhere
from orders.prescription_rules import latest_valid_date
from orders.renewal_models import RenewalRequest
from orders.renewals import AnswerRenewal, Decline, RenewedElsewhere, answer_renewal
from orders.unit_queries import renewal_request
from orders.unit_views import ItemHistory
from portal.formats import day_with_year, instant
from portal.parked_forms import take_parked_form
from portal.pictures import PICTURES
from portal.prescriber import words
from portal.prescriber.blueprint import blueprint
from portal.prescriber.forms import DeclineForm, ExtendForm
from portal.prescriber.offers import offer_of
from portal.prescriber.problems import explain
from portal.security import current_identity, requires, unit_of_work


class _NoOffer(DomainError):
    """What the page offered can no longer be given as it was."""


@blueprint.get("/prescriber/renewals/<int:request_id>")
@requires(Permission.SEE_UNIT_PATIENTS)
def renewal(request_id: int) -> ResponseReturnValue:
    """Show the question with the terms to change or a no to write."""
    parked = take_parked_form(request.path)
    with unit_of_work() as session:
        return _page(session, request_id, declining=DeclineForm(formdata=parked))


@blueprint.post("/prescriber/renewals/<int:request_id>/as-before")
@requires(Permission.PRESCRIBE)
def renew_as_before(request_id: int) -> ResponseReturnValue:
    """Say yes: the same amounts, as long as the region allows."""
    try:
        with unit_of_work() as session:
            found = renewal_request(session, current_identity(), request_id)
            renewed = answer_renewal(
                session, current_identity(), AnswerRenewal(request_id, _as_before(session, found, request_id))
            )
            if is_kept_elsewhere(renewed):
                flash(_("The answer is in the patient's inbox."), "success")
            else:
                _say_renewed(words.patient_name(found.shown.person), day_with_year(renewed.last_valid_date))
    except AlreadyAnswered as answered:
        _say_answered(answered)
    except (_NoOffer, PrescriptionRefused):
        flash(_("It cannot be renewed as it was. Look it through here."), "attention")
        return redirect(url_for("prescriber.renewal", request_id=request_id), 303)
    return redirect(url_for("prescriber.start"), 303)


def _as_before(session: Session, found: ItemHistory, request_id: int) -> ExtendItem | RenewedElsewhere:
    """Return what a yes without other terms does: what was offered, or nothing more where the unit has renewed it in another system."""
    item = found.shown.item
    if is_kept_elsewhere(item):
        return RenewedElsewhere()
    offer = offer_of(item, today(session))
    if offer is None and _asked(found, request_id).status is RenewalStatus.OPEN:
        raise _NoOffer
    # Without an offer it has been answered already: the service says by whom.
    return offer.command(item, "") if offer else ExtendItem(item.id, "")


@blueprint.post("/prescriber/renewals/<int:request_id>/renew")
@requires(Permission.PRESCRIBE)
def renew(request_id: int) -> ResponseReturnValue:
    """Say yes with other terms."""
    form = ExtendForm()
    if form.validate():
        try:
            with unit_of_work() as session:
                found = renewal_request(session, current_identity(), request_id)
                command = AnswerRenewal(request_id, form.command(found.shown.item, ""))
                renewed = answer_renewal(session, current_identity(), command)
                _say_renewed(words.patient_name(found.shown.person), day_with_year(renewed.last_valid_date))
            return redirect(url_for("prescriber.start"), 303)
        except AlreadyAnswered as answered:
            _say_answered(answered)
            return redirect(url_for("prescriber.start"), 303)
        except PrescriptionRefused as refused:
            explain(form, refused.problems)
    with unit_of_work() as session:
        return _page(session, request_id, extending=form), 422


@blueprint.post("/prescriber/renewals/<int:request_id>/decline")
@requires(Permission.PRESCRIBE)
def decline(request_id: int) -> ResponseReturnValue:
    """Say no; the patient reads why."""
    form = DeclineForm()
    if not form.validate():
        with unit_of_work() as session:
            return _page(session, request_id, declining=form), 422
    try:
        with unit_of_work() as session:
            answer_renewal(session, current_identity(), AnswerRenewal(request_id, Decline(form.answer.data or "")))
        flash(_("The answer is in the patient's inbox."), "success")
    except AlreadyAnswered as answered:
        _say_answered(answered)
    return redirect(url_for("prescriber.start"), 303)


def _page(
    session: Session, request_id: int, extending: ExtendForm | None = None, declining: DeclineForm | None = None
) -> str:
    found = renewal_request(session, current_identity(), request_id)
    prescribed, day = found.shown.item, today(session)
    offer = offer_of(prescribed, day)
    policy = policy_of(prescribed.prescription.region).section(PrescribingPolicy)
    latest = latest_valid_date(prescribed.article.kind, policy, day)
    begins = {
        "more_orders": offer.more_orders if offer else 0,
        "last_valid_date": offer.ends_on if offer else max(latest, prescribed.last_valid_date),
    }
    return render_template(
        "prescriber/renewal.html",
        found=found,
        shown=found.shown,
        asked=_asked(found, request_id),
        kept_elsewhere=is_kept_elsewhere(prescribed),
        offer=offer,
        latest=latest,
        extending=extending or ExtendForm(formdata=None, data=begins),
        declining=declining or DeclineForm(formdata=None),
        is_open=_asked(found, request_id).status is RenewalStatus.OPEN,
        words=words,
        pictures=PICTURES,
        today=day,
    )


def _asked(found: ItemHistory, request_id: int) -> RenewalRequest:
    return next(asked for asked in found.requests if asked.id == request_id)


def _say_renewed(name: str, until: str) -> None:
    flash(_("Renewed for %(name)s until %(day)s. The patient has been told.", name=name, day=until), "success")


def _say_answered(answered: AlreadyAnswered) -> None:
    facts = {"name": answered.answered_by, "when": instant(answered.answered_at)}
    if answered.status is RenewalStatus.RENEWED:
        flash(_("%(name)s renewed it %(when)s. Nothing was changed now.", **facts), "attention")
    else:
        flash(_("%(name)s declined it %(when)s. Nothing was changed now.", **facts), "attention")
